import Workload

/// The reference value of every layer of a network.
///
/// Opaque layers are never computed, and so never verified. One whose first input has the shape of its output
/// passes that input on unchanged. Any other is a new source: its output is drawn from the seed
/// (`SyntheticParameters.values`, purpose: the layer's name), so that the layers behind it still get values.
public struct NetworkEvaluation: Sendable {
  public let inputs: [TensorValues]
  /// One a layer, in the network's order.
  public let outputs: [TensorValues]

  /// - Parameters:
  ///   - parameters: One a layer; of an opaque INT8 layer only the output's quantization is read.
  ///   - preset: Gives each FP32 layer its reduction order.
  /// - Throws: `ReferenceError` from the first layer that has no value.
  public init(
    _ network: Network, parameters: [LayerParameters], inputs: [TensorValues],
    preset: ReductionPreset = .chain, seed: UInt64 = 0, threads: Int = 1
  ) throws(ReferenceError) {
    precondition(parameters.count == network.layers.count && inputs.count == network.inputs.count)
    var outputs: [TensorValues] = []
    for (layer, constants) in zip(network.layers, parameters) {
      let operands = layer.inputs.map { Self.value(of: $0, inputs: inputs, outputs: outputs) }
      if layer.isOpaque {
        outputs.append(
          Self.passesThrough(layer, in: network)
            ? operands[0] : Self.source(for: layer, parameters: constants, seed: seed))
      } else {
        outputs.append(
          try DirectEvaluation.evaluate(
            layer, parameters: constants, inputs: operands, order: preset.order(for: layer), threads: threads)
        )
      }
    }
    self.inputs = inputs
    self.outputs = outputs
  }

  /// The values that `layer` reads.
  public func operands(of layer: Layer) -> [TensorValues] {
    layer.inputs.map { Self.value(of: $0, inputs: inputs, outputs: outputs) }
  }

  /// The values that the layers of `run`, each reading the one before, read of memory: in the order of
  /// `Network.inputs(ofRun:)`.
  public func operands(ofRun run: [Int], in network: Network) -> [TensorValues] {
    network.inputs(ofRun: run).map { Self.value(of: $0, inputs: inputs, outputs: outputs) }
  }

  /// Whether an opaque layer hands its first input on: their shapes are equal.
  public static func passesThrough(_ layer: Layer, in network: Network) -> Bool {
    guard layer.isOpaque, let first = layer.inputs.first else { return false }
    return network.featureMap(of: first) == layer.outputMap
  }

  private static func value(
    of reference: TensorReference, inputs: [TensorValues], outputs: [TensorValues]
  ) -> TensorValues {
    switch reference {
    case .input(let index): inputs[index]
    case .layer(let index): outputs[index]
    }
  }

  private static func source(
    for layer: Layer, parameters: LayerParameters, seed: UInt64
  ) -> TensorValues {
    let values = SyntheticParameters.values(of: layer.outputMap, purpose: layer.name, seed: seed)
    switch parameters {
    case .fp32: return .fp32(values)
    case .int8(let quantized): return .int8(values.map { quantized.output.quantize($0) })
    }
  }
}
