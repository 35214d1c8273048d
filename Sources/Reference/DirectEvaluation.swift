import Workload

/// The value of one layer from its definition: no tiles, no schedule, no shared index arithmetic.
///
/// FP32: every output is a chain of fused multiply-adds from +0, taps in the order that `ReductionOrder` gives;
/// a padded tap is a real +0 and takes part (so `fma(∞, 0, acc)` is NaN); then the bias, then the activation.
/// INT8: `acc = bias + Σ (x − zx)(w − zw)` exactly, padding being `zx`, then the requantization.
///
/// Feature maps are `[batch][channels][rows][columns]`. Values do not depend on `threads`.
public enum DirectEvaluation {
  /// - Parameters:
  ///   - parameters: INT8 for INT8 inputs, FP32 for FP32 inputs.
  ///   - inputs: Two of equal shape for an add, one otherwise.
  ///   - order: Of FP32 convolutions; integers have none, and pools add row by row.
  /// - Throws: `ReferenceError` for an opaque layer, operands that do not fit it, an INT8 accumulator that does
  ///   not fit in int32, and a pooling window with no tap inside the map.
  public static func evaluate(
    _ layer: Layer, parameters: LayerParameters, inputs: [TensorValues], order: ReductionOrder = .chain,
    threads: Int = 1
  ) throws(ReferenceError) -> TensorValues {
    try check(layer, parameters: parameters, inputs: inputs)
    switch parameters {
    case .fp32(let weights, let bias):
      let operands = inputs.map(\.floats)
      switch layer.operation {
      case .convolution:
        let convolution = DirectConvolution(layer, weights: weights, bias: bias, order: order)
        return .fp32(convolution.output(of: operands[0], threads: threads))
      case .averagePool, .maxPool:
        return .fp32(try DirectPool(layer).output(of: operands[0], threads: threads))
      case .add: return .fp32(zip(operands[0], operands[1]).map { layer.activation($0 + $1) })
      case .activation: return .fp32(operands[0].map { layer.activation($0) })
      case .opaque(let name, _): throw .opaqueLayer(layer: layer.name, operation: name)
      }
    case .int8(let quantized):
      return .int8(
        try evaluate(layer, quantized, inputs: inputs.map(\.integers), threads: threads))
    }
  }

  private static func evaluate(
    _ layer: Layer, _ parameters: QuantizedParameters, inputs: [[Int8]], threads: Int
  ) throws(ReferenceError) -> [Int8] {
    switch layer.operation {
    case .convolution:
      let convolution = DirectQuantizedConvolution(layer, parameters)
      return try convolution.output(of: inputs[0], threads: threads)
    case .averagePool, .maxPool:
      return try DirectPool(layer).output(of: inputs[0], parameters, threads: threads)
    case .add:
      let add = QuantizedAddition(parameters, activation: layer.activation)
      return zip(inputs[0], inputs[1]).map { add($0, $1) }
    case .activation:
      let activate = QuantizedActivation(parameters, activation: layer.activation)
      return inputs[0].map { activate($0) }
    case .opaque(let name, _): throw .opaqueLayer(layer: layer.name, operation: name)
    }
  }

  /// The int32 accumulators of an INT8 convolution, bias included, in the order of its output map.
  public static func accumulators(
    _ layer: Layer, parameters: QuantizedParameters, input: [Int8], threads: Int = 1
  ) throws(ReferenceError) -> [Int32] {
    precondition(layer.operation == .convolution)
    try check(layer, parameters: .int8(parameters), inputs: [.int8(input)])
    return try DirectQuantizedConvolution(layer, parameters).accumulators(of: input, threads: threads)
  }
}

extension DirectEvaluation {
  static func check(
    _ layer: Layer, parameters: LayerParameters, inputs: [TensorValues]
  ) throws(ReferenceError) {
    if case .opaque(let name, _) = layer.operation {
      throw .opaqueLayer(layer: layer.name, operation: name)
    }
    let expected = layer.operation == .add ? 2 : 1
    guard inputs.count == expected else {
      throw .wrongInputCount(layer: layer.name, expected: expected, found: inputs.count)
    }
    for input in inputs {
      guard input.elementType == parameters.elementType else {
        throw .elementTypeMismatch(
          layer: layer.name, expected: parameters.elementType, found: input.elementType)
      }
      try checkCount(input.count, layer.inputMap.elements, "input", of: layer)
    }
    let filters = layer.hasWeights ? layer.shape.filterElements : 0
    let biases = layer.hasBias ? layer.shape.outputChannels : 0
    switch parameters {
    case .fp32(let weights, let bias):
      try checkCount(weights.count, filters, "weights", of: layer)
      try checkCount(bias.count, biases, "bias", of: layer)
    case .int8(let quantized):
      try checkCount(quantized.weights.count, filters, "weights", of: layer)
      try checkCount(quantized.bias.count, biases, "bias", of: layer)
      try checkCount(quantized.inputs.count, expected, "input quantizations", of: layer)
      if layer.hasWeights, quantized.weightScales.count != 1 {
        try checkCount(quantized.weightScales.count, layer.shape.outputChannels, "weight scales", of: layer)
      }
    }
  }

  private static func checkCount(
    _ found: Int, _ expected: Int, _ tensor: String, of layer: Layer
  ) throws(ReferenceError) {
    guard found == expected else {
      throw .wrongElementCount(layer: layer.name, tensor: tensor, expected: expected, found: found)
    }
  }
}

extension TensorValues {
  /// The elements of an FP32 tensor, none of any other.
  var floats: [Float] { if case .fp32(let values) = self { values } else { [] } }
  /// The elements of an INT8 tensor, none of any other.
  var integers: [Int8] { if case .int8(let values) = self { values } else { [] } }
}
