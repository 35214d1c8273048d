/// The elements of one feature map, `[batch][channels][rows][columns]`.
public enum TensorValues: Hashable, Sendable {
  case fp32([Float])
  case int8([Int8])

  public var count: Int {
    switch self {
    case .fp32(let values): values.count
    case .int8(let values): values.count
    }
  }

  public var elementType: ElementType {
    switch self {
    case .fp32: .fp32
    case .int8: .int8
    }
  }

  /// Index of the first element whose bits differ, NaNs being one value; nil where all agree.
  /// Tensors of different type or length differ at index 0.
  public func firstDifference(from other: TensorValues) -> Int? {
    switch (self, other) {
    case (.fp32(let a), .fp32(let b)) where a.count == b.count:
      a.indices.first { a[$0].canonicalBits != b[$0].canonicalBits }
    case (.int8(let a), .int8(let b)) where a.count == b.count:
      a.indices.first { a[$0] != b[$0] }
    default: 0
    }
  }
}

extension Float {
  /// The bit pattern, with one pattern for every NaN. Zeros keep their sign.
  public var canonicalBits: UInt32 { isNaN ? 0x7fc0_0000 : bitPattern }
}
