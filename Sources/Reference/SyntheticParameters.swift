import Workload

/// Weights, biases and inputs drawn from a seed, for networks that come without any.
///
/// Every tensor has its own generator, named after its layer, so a layer's parameters do not depend on the
/// layers before it. All draws are uniform. Weights follow He et al., "Delving Deep into Rectifiers" (ICCV
/// 2015): the variance `gain ÷ fan-in`, gain 2 behind a rectifier and 1 elsewhere, keeps the second moment of
/// the feature maps level through any number of layers.
public enum SyntheticParameters {
  /// Inputs are uniform in ±4, so that a rectified map of a deep layer, about as large, also meets the cap of
  /// ReLU6.
  public static let largestInput: Float = 4
  /// The largest magnitude of a bias: enough that channels differ, little beside the sum of the taps.
  public static let largestBias: Float = 2

  /// Uniform in ±`largestInput`, `[batch][channels][rows][columns]`.
  public static func values(of map: FeatureMap, purpose: String, seed: UInt64) -> [Float] {
    var generator = SeededGenerator(seed: seed, purpose: purpose)
    return (0..<map.elements).map { _ in largestInput * generator.nextSigned() }
  }

  /// The network's inputs.
  public static func inputs(of network: Network, seed: UInt64) -> [TensorValues] {
    network.inputs.enumerated().map { index, map in
      .fp32(values(of: map, purpose: "input \(index)", seed: seed))
    }
  }

  /// FP32 parameters of every layer. A convolution that ends in a residual sum has half the variance, so that a
  /// chain of sums grows slowly.
  public static func fp32(for network: Network, seed: UInt64) -> [LayerParameters] {
    network.layers.enumerated().map { index, layer in
      let rectified = layer.inputs.first.map { isRectified($0, in: network) } ?? false
      let gain: Float = (rectified ? 2 : 1) * (feedsSum(index, in: network) ? 0.5 : 1)
      return fp32(for: layer, gain: gain, seed: seed)
    }
  }

  /// FP32 parameters of one layer, empty where it has none.
  public static func fp32(for layer: Layer, gain: Float = 2, seed: UInt64) -> LayerParameters {
    var weights: [Float] = []
    if layer.hasWeights {
      var generator = SeededGenerator(seed: seed, purpose: layer.name + " weights")
      // Uniform in ±a has the variance a² ÷ 3.
      let amplitude = (3 * gain / Float(layer.shape.taps)).squareRoot()
      weights = (0..<layer.shape.filterElements).map { _ in amplitude * generator.nextSigned() }
    }
    var bias: [Float] = []
    if layer.hasBias {
      var generator = SeededGenerator(seed: seed, purpose: layer.name + " bias")
      bias = (0..<layer.shape.outputChannels).map { _ in largestBias * generator.nextSigned() }
    }
    return .fp32(weights: weights, bias: bias)
  }

  /// Whether no value of the tensor is negative.
  private static func isRectified(_ reference: TensorReference, in network: Network) -> Bool {
    guard case .layer(let index) = reference else { return false }
    let layer = network.layers[index]
    if layer.activation != .none { return true }
    switch layer.operation {
    case .averagePool, .maxPool: return layer.inputs.first.map { isRectified($0, in: network) } ?? false
    case .opaque:
      return NetworkEvaluation.passesThrough(layer, in: network)
        && layer.inputs.first.map { isRectified($0, in: network) } ?? false
    case .convolution, .add, .activation: return false
    }
  }

  /// Whether the layer's output goes into a sum, at once or through a pool.
  private static func feedsSum(_ index: Int, in network: Network) -> Bool {
    network.consumers(of: index).contains { consumer in
      switch network.layers[consumer].operation {
      case .add: true
      case .averagePool, .maxPool: feedsSum(consumer, in: network)
      default: false
      }
    }
  }
}
