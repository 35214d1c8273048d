/// The INT8 sum of two feature maps, element by element.
public enum QuantizedAddition: Hashable, Sendable {
  /// ONNX Runtime's QLinearAdd, all in float32: `y = clamp(rint(fma(a, ra, fma(b, rb, offset))))` with
  /// `ra = sa / sy`, `rb = sb / sy`, `offset = zy − fma(ra, za, rb · zb)`, half to even.
  case onnx(firstScale: Float, secondScale: Float, offset: Float, clamp: ClosedRange<Int8>)
  /// TensorFlow Lite's reference ADD: both operands shifted left by 20, scaled by `s / (2 · max(sa, sb))`, added,
  /// and scaled back, each scaling a fixed-point multiply that rounds twice.
  case tflite(
    first: FixedPointOperand, second: FixedPointOperand, result: FixedPointOperand, clamp: ClosedRange<Int8>)

  /// A tensor's zero point and the fixed-point multiplier `multiplier · 2^(shift − 31)` applied to it.
  public struct FixedPointOperand: Hashable, Sendable {
    public let zeroPoint: Int8
    public let multiplier: Int32
    public let shift: Int

    public init(zeroPoint: Int8, scale: Double) {
      self.zeroPoint = zeroPoint
      (multiplier, shift) = Requantization.fixedPoint(scale)
    }

    func scaled(_ value: Int) -> Int { Requantization.multiply(value, by: multiplier, shift: shift) }
  }

  /// The bits that TensorFlow Lite shifts operands left by.
  static let leftShift = 20

  /// `parameters.inputs` has the two operands' quantizations, in order.
  public init(_ parameters: QuantizedParameters, activation: Activation) {
    precondition(parameters.inputs.count == 2)
    let (a, b, y) = (parameters.inputs[0], parameters.inputs[1], parameters.output)
    let clamp = Requantization.clamp(activation, y)
    switch parameters.mode {
    case .onnx:
      let (ra, rb) = (a.scale / y.scale, b.scale / y.scale)
      let zeros = (rb * Float(b.zeroPoint)).addingProduct(ra, Float(a.zeroPoint))
      self = .onnx(firstScale: ra, secondScale: rb, offset: Float(y.zeroPoint) - zeros, clamp: clamp)
    case .tflite:
      let twice = 2 * max(Double(a.scale), Double(b.scale))
      let unit = Double(1 << Self.leftShift) * Double(y.scale)
      self = .tflite(
        first: FixedPointOperand(zeroPoint: a.zeroPoint, scale: Double(a.scale) / twice),
        second: FixedPointOperand(zeroPoint: b.zeroPoint, scale: Double(b.scale) / twice),
        result: FixedPointOperand(zeroPoint: y.zeroPoint, scale: twice / unit), clamp: clamp)
    }
  }

  /// The sum of `a` and `b`, in the output's quantization.
  public func callAsFunction(_ a: Int8, _ b: Int8) -> Int8 {
    switch self {
    case .onnx(let ra, let rb, let offset, let clamp):
      let sum = offset.addingProduct(Float(b), rb).addingProduct(Float(a), ra)
      return min(max(saturatedInt8(sum.rounded(.toNearestOrEven)), clamp.lowerBound), clamp.upperBound)
    case .tflite(let first, let second, let result, let clamp):
      let scaledA = first.scaled((Int(a) - Int(first.zeroPoint)) << Self.leftShift)
      let scaledB = second.scaled((Int(b) - Int(second.zeroPoint)) << Self.leftShift)
      let sum = result.scaled(scaledA + scaledB) + Int(result.zeroPoint)
      return Int8(min(max(sum, Int(clamp.lowerBound)), Int(clamp.upperBound)))
    }
  }
}
