import Workload

/// Whether a layer's INT8 output tells right from wrong: a map of few values or of clipped ones agrees with
/// almost any computation.
public struct ValueSpread: Hashable, Sendable {
  /// Different int8 values in the output.
  public let distinct: Int
  /// Share of outputs whose real value, after the activation and rounded to the output's grid, lies outside
  /// −128...127. What the activation itself clamps (ReLU at zero, ReLU6 at six) is not saturated.
  public let saturated: Double
  /// Outputs.
  public let count: Int

  public static let fewestDistinct = 64
  public static let mostSaturated = 0.05
  /// Maps of fewer elements cannot be asked for that many values.
  public static let smallest = fewestDistinct * 16

  /// Whether a map's values could show a mistake.
  public enum Verdict: String, Hashable, Sendable {
    case spread
    case tooFewValues
    case saturated
    /// The map is too small to judge, and passes.
    case tooSmall
  }

  public var verdict: Verdict {
    if count < Self.smallest { return .tooSmall }
    if distinct < Self.fewestDistinct { return .tooFewValues }
    return saturated > Self.mostSaturated ? .saturated : .spread
  }

  public var passes: Bool { verdict == .spread || verdict == .tooSmall }

  /// - Parameter output: What the layer gives for `inputs`.
  /// - Throws: `ReferenceError` as `DirectEvaluation` does.
  public init(
    of layer: Layer, parameters: QuantizedParameters, inputs: [TensorValues], output: [Int8], threads: Int = 1
  ) throws(ReferenceError) {
    count = output.count
    distinct = Set(output).count
    let real = try Self.realOutput(of: layer, parameters, inputs: inputs, threads: threads)
    let (scale, zero) = (parameters.output.scale, Float(parameters.output.zeroPoint))
    let clipped = real.count { value in
      let q = (layer.activation(value) / scale).rounded(.toNearestOrEven) + zero
      return q < -128 || q > 127
    }
    saturated = count == 0 ? 0 : Double(clipped) / Double(count)
  }

  /// The real numbers that the output stands for, before the activation.
  private static func realOutput(
    of layer: Layer, _ parameters: QuantizedParameters, inputs: [TensorValues], threads: Int
  ) throws(ReferenceError) -> [Float] {
    if layer.operation == .convolution {
      let sums = try DirectEvaluation.accumulators(
        layer, parameters: parameters, input: inputs[0].integers, threads: threads)
      let plane = layer.outputMap.plane
      return sums.enumerated().map { index, sum in
        let channel = index / plane % layer.shape.outputChannels
        return Float(sum) * (parameters.inputs[0].scale * parameters.weightScale(of: channel))
      }
    }
    let real = zip(inputs, parameters.inputs).map { values, quantization in
      TensorValues.fp32(values.integers.map { quantization.dequantize($0) })
    }
    return try DirectEvaluation.evaluate(
      layer, parameters: .fp32(weights: [], bias: []), inputs: real, threads: threads
    ).floats
  }
}
