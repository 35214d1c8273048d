/// The number format of a kernel: which elements it moves, and how INT8 results are requantized.
public enum Precision: Hashable, Sendable {
  case fp32
  case int8(RequantizationMode)

  public var elementType: ElementType {
    switch self {
    case .fp32: .fp32
    case .int8: .int8
    }
  }

  /// Bytes of requantization constants per output channel: a float32 multiplier, or an int32 multiplier and
  /// an int32 shift.
  public var multiplierBytes: Int {
    switch self {
    case .fp32: 0
    case .int8(.onnx): 4
    case .int8(.tflite): 8
    }
  }

  /// Bytes of one bias: float32 or int32.
  public var biasBytes: Int { 4 }
}
