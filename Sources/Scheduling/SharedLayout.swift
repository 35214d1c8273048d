import Hardware
import Workload

/// What a block keeps in shared memory.
public enum SharedBuffer: Hashable, Sendable {
  case operand(Operand)
  /// The output of a stage, which the next one reads.
  case intermediate(after: Int)
}

/// Where the buffers of a block lie in its shared memory: one after the other, each at a multiple of 16 B, so that
/// items of any width are aligned.
public struct SharedLayout: Hashable, Sendable {
  public static let alignment = 16

  public struct Place: Hashable, Sendable {
    public let buffer: SharedBuffer
    /// Bytes from the start of the block's shared memory.
    public let offset: Int
    /// From one copy to the next.
    public let bytesPerCopy: Int
    /// 2 where the next chunk is loaded while the last one is computed.
    public let copies: Int
  }

  public private(set) var places: [Place] = []
  /// Bytes in all.
  public private(set) var end = 0

  init(_ model: FootprintModel) {
    model.forEachBuffer { buffer, bytes, copies in
      places.append(Place(buffer: buffer, offset: end, bytesPerCopy: bytes, copies: copies))
      end += bytes * copies
    }
  }

  public subscript(_ buffer: SharedBuffer) -> Place? { places.first { $0.buffer == buffer } }
}

extension SharedBuffer: CustomStringConvertible {
  public var description: String {
    switch self {
    case .operand(let operand): "\(operand)"
    case .intermediate(let stage): "stage \(stage + 1) to \(stage + 2)"
    }
  }
}
