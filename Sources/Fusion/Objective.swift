import CostModel
import Hardware
import Scheduling
import Workload

/// What a plan makes small.
public enum Objective: String, Hashable, Sendable, CaseIterable {
  /// Global memory accesses in bytes, before any cache: the paper's cost, with biases and multipliers.
  case gma
  /// Bytes that cross the DRAM interface when a group starts with a cold L2 that is flushed at its end: distinct
  /// 32-byte sectors, and re-reads that a closed form says exceed the L2 (`DRAMEstimate`). Ties fall to `gma`.
  case dram
}

/// The costs of one schedule, first things first.
public struct Cost: Hashable, Sendable, Comparable {
  public let primary: Bytes
  public let gma: Bytes

  public init(primary: Bytes, gma: Bytes) {
    self.primary = primary
    self.gma = gma
  }

  public static var zero: Cost { Cost(primary: .zero, gma: .zero) }
  public static func + (a: Cost, b: Cost) -> Cost { Cost(primary: a.primary + b.primary, gma: a.gma + b.gma) }
  public static func - (a: Cost, b: Cost) -> Cost { Cost(primary: a.primary - b.primary, gma: a.gma - b.gma) }
  public static func < (a: Cost, b: Cost) -> Bool { (a.primary, a.gma) < (b.primary, b.gma) }
}
