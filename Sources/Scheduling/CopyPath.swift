import Hardware
import Workload

/// How an operand's items come from global to shared memory.
public enum CopyPath: String, Hashable, Sendable {
  /// `cp.async`: past the registers, while the thread goes on.
  case asynchronous = "cp.async"
  /// A load to registers, and a store from there.
  case registers

  /// The first architecture, as `sm_80`, that has asynchronous copies, and the items that they move.
  public static let firstAsynchronous = 80
  public static let asynchronousBytes = [4, 8, 16]

  /// The path of items of `bytes` on `architecture`, 86 for `sm_86`.
  public init(itemBytes bytes: Int, on architecture: Int) {
    let isAsynchronous = architecture >= Self.firstAsynchronous && Self.asynchronousBytes.contains(bytes)
    self = isAsynchronous ? .asynchronous : .registers
  }
}

/// The copies that a block makes of one operand.
public struct OperandCopy: Hashable, Sendable {
  public let operand: Operand
  /// Bytes that a lane moves at once.
  public let itemBytes: Int
  /// Steps of a block that load it: 1 where it is staged once a block and stays.
  public let loads: Int

  /// - Parameter architecture: Compute capability without its dot, as 75 or 90.
  public func path(on architecture: Int) -> CopyPath {
    CopyPath(itemBytes: itemBytes, on: architecture)
  }
}

extension Schedule {
  /// How each operand that is staged in shared memory gets there, in the order of the buffers.
  public var operandCopies: [OperandCopy] {
    var loads: [Operand: Int] = [:]
    for step in blocks.first.map({ steps(of: $0) }) ?? [] {
      if case .load(let operand, _) = step { loads[operand, default: 0] += 1 }
    }
    return sharedLayout.places.compactMap { place in
      guard case .operand(let operand) = place.buffer else { return nil }
      return OperandCopy(
        operand: operand, itemBytes: vectorWidth(of: operand) * chain.elementBytes(of: operand),
        loads: loads[operand] ?? 0)
    }
  }
}

extension GPU {
  /// Whether copies go on while a thread computes.
  public var hasAsynchronousCopies: Bool { architecture >= CopyPath.firstAsynchronous }
}
