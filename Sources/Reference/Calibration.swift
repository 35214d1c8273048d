import Workload

/// INT8 parameters for a network, from its FP32 parameters and the ranges of one FP32 run.
///
/// Feature maps are asymmetric int8: the observed range, widened by `margin` and to hold 0, over 255 steps; so a
/// rectified map has the zero point −128. Weights are symmetric with the largest magnitude at 127, biases are
/// int32 in units of `input scale · weight scale`. A maximum pool, an activation and an opaque layer that passes
/// its input on keep their input's quantization; so does an average pool in TFLite mode,
/// as AVERAGE_POOL_2D demands.
public struct Calibration: Sendable {
  /// Whether each filter has a scale of its own.
  public enum WeightScales: String, Hashable, Sendable { case perChannel, perTensor }

  /// How far an FP32 range is widened, since INT8 errors may carry a value past it.
  public static let margin: Float = 0.01

  /// One a layer.
  public let parameters: [LayerParameters]
  /// One a network input.
  public let inputs: [Quantization]

  /// - Parameters:
  ///   - parameters: FP32, one a layer.
  ///   - run: The FP32 evaluation of the network with those parameters.
  public init(
    _ network: Network, parameters: [LayerParameters], run: NetworkEvaluation, mode: RequantizationMode,
    weightScales: WeightScales = .perChannel
  ) {
    precondition(parameters.count == network.layers.count)
    let inputs = run.inputs.map { Self.quantization(of: $0.floats) }
    var outputs: [Quantization] = []
    var quantized: [LayerParameters] = []
    for (index, layer) in network.layers.enumerated() {
      let operands = layer.inputs.map { reference in
        switch reference {
        case .input(let input): inputs[input]
        case .layer(let producer): outputs[producer]
        }
      }
      let output =
        Self.keepsQuantization(layer, in: network, mode: mode)
        ? operands[0] : Self.quantization(of: run.outputs[index].floats)
      outputs.append(output)
      quantized.append(
        .int8(
          Self.quantize(
            layer, parameters[index], mode: mode, weightScales: weightScales, inputs: operands, output: output
          )))
    }
    self.parameters = quantized
    self.inputs = inputs
  }

  /// The network's inputs in int8.
  public func quantize(_ values: [TensorValues]) -> [TensorValues] {
    zip(values, inputs).map { values, quantization in
      .int8(values.floats.map { quantization.quantize($0) })
    }
  }

  private static func keepsQuantization(
    _ layer: Layer, in network: Network, mode: RequantizationMode
  ) -> Bool {
    switch layer.operation {
    case .maxPool, .activation: true
    case .averagePool: mode == .tflite
    case .opaque: NetworkEvaluation.passesThrough(layer, in: network)
    case .convolution, .add: false
    }
  }

  /// The quantization that covers `values` and 0; values that are not finite do not count.
  public static func quantization(of values: [Float]) -> Quantization {
    var (low, high): (Float, Float) = (0, 0)
    for value in values where value.isFinite {
      low = min(low, value)
      high = max(high, value)
    }
    let scale = (high - low) * (1 + margin) / 255
    guard scale > 0, scale.isFinite else { return Quantization(scale: 1, zeroPoint: 0) }
    let zero = (-128 - low * (1 + margin) / scale).rounded(.toNearestOrEven)
    return Quantization(scale: scale, zeroPoint: Int8(min(max(zero, -128), 127)))
  }

  private static func quantize(
    _ layer: Layer, _ parameters: LayerParameters, mode: RequantizationMode, weightScales: WeightScales,
    inputs: [Quantization], output: Quantization
  ) -> QuantizedParameters {
    guard layer.hasWeights, case .fp32(let weights, let bias) = parameters else {
      return QuantizedParameters(mode: mode, inputs: inputs, output: output)
    }
    let taps = layer.shape.taps
    let groups = weightScales == .perTensor ? 1 : layer.shape.outputChannels
    let size = weights.count / groups
    let scales = (0..<groups).map { group in
      let largest = weights[group * size..<(group + 1) * size].reduce(Float(0)) { max($0, abs($1)) }
      return largest > 0 ? largest / 127 : 1
    }
    func scale(_ channel: Int) -> Float { groups == 1 ? scales[0] : scales[channel] }
    return QuantizedParameters(
      mode: mode,
      weights: weights.enumerated().map { index, weight in
        Quantization(scale: scale(index / taps), zeroPoint: 0).quantize(weight)
      },
      weightScales: scales, weightZeroPoints: [Int8](repeating: 0, count: groups),
      bias: bias.enumerated().map { channel, value in
        let steps = (value / (inputs[0].scale * scale(channel))).rounded(.toNearestOrEven)
        return Int32(exactly: min(max(steps, -0x1p30), 0x1p30)) ?? 0
      },
      inputs: inputs, output: output)
  }
}
