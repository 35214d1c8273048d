import Workload

/// How large an INT8 accumulator can get, known before any input is.
public enum AccumulatorBound {
  /// `|bias| + taps · max|x − zx| · max|w − zw|`, the largest over the output channels: `x` is any int8, `w` the
  /// weights of the channel. A bound over `Int32.max` does not say that an accumulator overflows, only that one
  /// could.
  public static func bound(of layer: Layer, parameters: QuantizedParameters) -> Int {
    guard layer.hasWeights else { return 0 }
    let zero = Int(parameters.inputs[0].zeroPoint)
    let input = max(127 - zero, zero + 128)
    let taps = layer.shape.taps
    return (0..<layer.shape.outputChannels).map { channel in
      let weightZero = Int(parameters.weightZeroPoint(of: channel))
      let weight = parameters.weights[channel * taps..<(channel + 1) * taps]
        .map { abs(Int($0) - weightZero) }.max()
      let bias = parameters.bias.isEmpty ? 0 : Int(parameters.bias[channel].magnitude)
      return bias + taps * input * (weight ?? 0)
    }.max() ?? 0
  }

  /// Whether no accumulator of the layer can overflow int32, whatever its input.
  public static func fits(_ layer: Layer, parameters: QuantizedParameters) -> Bool {
    bound(of: layer, parameters: parameters) <= Int(Int32.max)
  }
}
