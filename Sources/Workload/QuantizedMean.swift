/// The INT8 mean of the taps of one window of an average pool.
public enum QuantizedMean: Hashable, Sendable {
  /// ONNX Runtime's QLinearGlobalAveragePool, for any window: `m = f32(sx / f32(n · sy))` over `n` taps, finite as in `Requantization`, then
  /// `y = clamp(rint(f32(Σ(x − zx)) · m) + zy)`, half to even.
  case onnx(input: Quantization, output: Quantization, clamp: ClosedRange<Int8>)
  /// TensorFlow Lite's reference AVERAGE_POOL_2D, which demands one quantization for input and output: the sum of
  /// the stored values, zero points included, divided by `n` with halves away from zero.
  case tflitePool(clamp: ClosedRange<Int8>)
  /// TensorFlow Lite's reference MEAN, for two quantizations: `Σ(x − zx)` times the fixed-point `sx / sy`, whose
  /// multiplier is first shifted left by `⌊log₂ n⌋` bits and divided by `n`, truncating.
  case tfliteMean(
    multiplier: Int32, shift: Int, inputZeroPoint: Int8, outputZeroPoint: Int8, clamp: ClosedRange<Int8>)

  public init(_ parameters: QuantizedParameters, activation: Activation) {
    let (input, output) = (parameters.inputs[0], parameters.output)
    let clamp = Requantization.clamp(activation, output)
    switch parameters.mode {
    case .onnx: self = .onnx(input: input, output: output, clamp: clamp)
    case .tflite where input == output: self = .tflitePool(clamp: clamp)
    case .tflite:
      let (multiplier, shift) = Requantization.fixedPoint(Double(input.scale) / Double(output.scale))
      self = .tfliteMean(
        multiplier: multiplier, shift: shift, inputZeroPoint: input.zeroPoint,
        outputZeroPoint: output.zeroPoint, clamp: clamp)
    }
  }

  /// - Parameters:
  ///   - sum: Of the stored values of the taps inside the map, zero points included.
  ///   - count: How many taps those are, at least 1.
  public func callAsFunction(sum: Int, count: Int) -> Int8 {
    precondition(count > 0)
    switch self {
    case .onnx(let input, let output, let clamp):
      let multiplier = min(input.scale / (Float(count) * output.scale), .greatestFiniteMagnitude)
      let centred = Float(sum - count * Int(input.zeroPoint))
      let scaled = (centred * multiplier).rounded(.toNearestOrEven)
      let q = saturatedInt8(scaled + Float(output.zeroPoint))
      return min(max(q, clamp.lowerBound), clamp.upperBound)
    case .tflitePool(let clamp):
      let half = count / 2
      return Self.clamped((sum > 0 ? sum + half : sum - half) / count, to: clamp)
    case .tfliteMean(let multiplier, let shift, let inputZero, let outputZero, let clamp):
      let bits = max(0, min(Int.bitWidth - 1 - count.leadingZeroBitCount, 32, 31 + shift))
      let perTap = Int32((Int(multiplier) << bits) / count)
      let centred = sum - count * Int(inputZero)
      let mean = Requantization.multiply(centred, by: perTap, shift: shift - bits)
      return Self.clamped(mean + Int(outputZero), to: clamp)
    }
  }

  private static func clamped(_ q: Int, to range: ClosedRange<Int8>) -> Int8 {
    Int8(min(max(q, Int(range.lowerBound)), Int(range.upperBound)))
  }
}
