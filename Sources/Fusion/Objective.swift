import CostModel
import Hardware
import Scheduling
import Workload

/// What a plan makes small.
public enum Objective: String, Hashable, Sendable, CaseIterable {
  /// Global memory accesses in bytes, before any cache: the paper's cost, with biases and multipliers. In NHWC this and
  /// `dram` compare tiles and chunks of whole sectors alone, for neither sees the rest of a sector go to waste.
  case gma
  /// Bytes that cross the DRAM interface when a group starts with a cold L2 that is flushed at its end: distinct
  /// 32-byte sectors, and re-reads that a closed form says exceed the L2 (`DRAMEstimate`). Ties fall to `gma`.
  case dram
  /// Picoseconds that `TimeEstimate` gives a group from a cold L2, by the closed form of its work. Ties fall to `gma`.
  case time
  /// Picojoules that `EnergyEstimate` gives it. Ties fall to `gma`.
  case energy
}

extension Objective {
  /// What the primary cost counts.
  public enum Unit: String, Hashable, Sendable { case bytes, picoseconds, picojoules }

  public var unit: Unit {
    switch self {
    case .gma, .dram: .bytes
    case .time: .picoseconds
    case .energy: .picojoules
    }
  }

  /// Whether the cost is an estimate of a physical quantity, and not a count of the model's own.
  public var isEstimate: Bool { unit != .bytes }
}

/// The unit of `ObjectiveValue`: bytes, picoseconds or picojoules.
public enum ObjectiveUnit {}
/// A cost in the objective's own unit: whole numbers, so that sums over groups are exact.
public typealias ObjectiveValue = Quantity<ObjectiveUnit>

/// The costs of one schedule, first things first.
public struct Cost: Hashable, Sendable, Comparable {
  public let primary: ObjectiveValue
  public let gma: Bytes

  public init(primary: ObjectiveValue, gma: Bytes) {
    self.primary = primary
    self.gma = gma
  }

  public static var zero: Cost { Cost(primary: .zero, gma: .zero) }
  public static func + (a: Cost, b: Cost) -> Cost { Cost(primary: a.primary + b.primary, gma: a.gma + b.gma) }
  public static func - (a: Cost, b: Cost) -> Cost { Cost(primary: a.primary - b.primary, gma: a.gma - b.gma) }
  public static func < (a: Cost, b: Cost) -> Bool { (a.primary, a.gma) < (b.primary, b.gma) }
}
