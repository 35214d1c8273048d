/// Turns the int32 accumulator of one output channel into int8. The arithmetic of deployed runtimes, equal to
/// them bit for bit; the activation is a clamp in the quantized domain.
public enum Requantization: Hashable, Sendable {
  /// `y = clamp(rint(f32(acc) · multiplier) + zeroPoint)`, all in float32, half to even.
  case onnx(multiplier: Float, zeroPoint: Int8, clamp: ClosedRange<Int8>)
  /// Rounding doubling high multiply by `multiplier` of `acc << max(shift, 0)`, then a right shift by
  /// `max(−shift, 0)` that rounds half away from zero.
  case tflite(multiplier: Int32, shift: Int, zeroPoint: Int8, clamp: ClosedRange<Int8>)

  /// The requantization of output `channel` of a convolution, `m = f32(f32(sx · sw) / sy)` in ONNX mode, the largest float where that
  /// is infinite, which would make no number of 0; `m = double(sx) · sw / sy` in TFLite mode.
  public init(
    _ parameters: QuantizedParameters, channel: Int, activation: Activation
  ) {
    let input = parameters.inputs[0].scale
    let weight = parameters.weightScale(of: channel)
    let clamp = Self.clamp(activation, parameters.output)
    let zeroPoint = parameters.output.zeroPoint
    switch parameters.mode {
    case .onnx:
      self = .onnx(
        multiplier: min((input * weight) / parameters.output.scale, .greatestFiniteMagnitude),
        zeroPoint: zeroPoint,
        clamp: clamp)
    case .tflite:
      let real = Double(input) * Double(weight) / Double(parameters.output.scale)
      let (multiplier, shift) = Self.fixedPoint(real)
      self = .tflite(multiplier: multiplier, shift: shift, zeroPoint: zeroPoint, clamp: clamp)
    }
  }

  /// The accumulator in the output's quantization, clamped.
  public func callAsFunction(_ accumulator: Int32) -> Int8 {
    switch self {
    case .onnx(let multiplier, let zeroPoint, let clamp):
      let scaled = (Float(accumulator) * multiplier).rounded(.toNearestOrEven)
      return min(max(saturatedInt8(scaled + Float(zeroPoint)), clamp.lowerBound), clamp.upperBound)
    case .tflite(let multiplier, let shift, let zeroPoint, let clamp):
      let scaled = Self.multiply(Int(accumulator), by: multiplier, shift: shift) + Int(zeroPoint)
      return Int8(min(max(scaled, Int(clamp.lowerBound)), Int(clamp.upperBound)))
    }
  }

  /// The int8 values that `activation` allows under `output`: ReLU starts at the zero point, ReLU6 ends at 6.
  public static func clamp(_ activation: Activation, _ output: Quantization) -> ClosedRange<Int8> {
    switch activation {
    case .none: return -128...127
    case .relu: return output.zeroPoint...127
    case .relu6: return output.zeroPoint...max(output.zeroPoint, output.quantize(6))
    }
  }

  /// `real = multiplier · 2^(shift − 31)` with `multiplier` in 2³⁰..<2³¹, as TensorFlow Lite quantizes it.
  public static func fixedPoint(_ real: Double) -> (multiplier: Int32, shift: Int) {
    guard real > 0, real.isFinite else { return (0, 0) }
    var shift = Int(real.exponent) + 1
    let fraction = real.significand / 2  // in 0.5..<1
    var q = Int((fraction * 0x1p31).rounded(.toNearestOrAwayFromZero))
    if q == 1 << 31 {
      q /= 2
      shift += 1
    }
    return shift < -31 ? (0, 0) : (Int32(q), shift)
  }

  /// The two-step fixed-point multiply of TensorFlow Lite's reference kernels, saturated to int32.
  public static func multiply(_ value: Int, by multiplier: Int32, shift: Int) -> Int {
    let limit = Int(Int32.max)
    let shifted = max(min(value << max(shift, 0), limit), -limit - 1)
    let product = shifted * Int(multiplier)
    let nudged = product + (product >= 0 ? 1 << 30 : 1 - (1 << 30))
    let high = nudged / (1 << 31)  // towards zero
    let right = max(-shift, 0)
    let mask = (1 << right) - 1
    let remainder = high & mask
    let threshold = (mask >> 1) + (high < 0 ? 1 : 0)
    return (high >> right) + (remainder > threshold ? 1 : 0)
  }
}
