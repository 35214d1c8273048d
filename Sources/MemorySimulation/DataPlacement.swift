import Hardware
import Scheduling
import Workload

/// Where the tensors of a kernel lie in global memory: byte addresses, multiples of 256 B.
public struct DataPlacement: Hashable, Sendable {
  public static let alignment = 256

  public let bases: [Operand: Bytes]
  /// The first aligned address after all of them.
  public let end: Bytes

  /// Tensors one after the other in the order of `chain.operands`, from `start`, except those that lie elsewhere
  /// already: the output of the kernel before, or weights that stay.
  public init(of chain: Chain, from start: Bytes = .zero, placed: [Operand: Bytes] = [:]) {
    precondition(start.count % Self.alignment == 0, "tensors start at multiples of 256 B")
    precondition(placed.values.allSatisfy { $0.count % Self.alignment == 0 })
    var bases = placed
    var next = start
    for operand in chain.operands where bases[operand] == nil {
      bases[operand] = next
      next = next + Self.reserved(for: operand, of: chain)
    }
    self.bases = bases
    end = next
  }

  /// Bytes from the start of `operand` to where the next tensor may start.
  static func reserved(for operand: Operand, of chain: Chain) -> Bytes {
    let bytes = chain.elements(of: operand) * chain.elementBytes(of: operand)
    return Bytes((bytes + alignment - 1) / alignment * alignment)
  }
}
