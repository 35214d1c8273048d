import Reference
import Testing
import Workload

/// A layer over a small map, with the sizes a test cares about and defaults for the rest.
struct LayerFixture {
  var operation = Operation.convolution
  var batch = 1
  var channels = 1
  var filters = 1
  var groups = 1
  var rows: WindowAxis
  var columns: WindowAxis
  var hasBias = false
  var activation = Activation.none

  func layer() throws -> Layer {
    Layer(
      name: "layer", operation: operation,
      shape: try ConvolutionShape(
        batch: batch, inputChannels: channels, outputChannels: filters, groups: groups, rows: rows,
        columns: columns),
      hasBias: hasBias, activation: activation,
      inputs: operation == .add ? [.input(0), .input(1)] : [.input(0)])
  }

  func fp32(
    _ input: [Float], weights: [Float], bias: [Float] = [], order: ReductionOrder = .chain
  ) throws -> [Float] {
    let values = try DirectEvaluation.evaluate(
      try layer(), parameters: .fp32(weights: weights, bias: bias), inputs: [.fp32(input)], order: order)
    guard case .fp32(let output) = values else {
      Issue.record("an FP32 layer gave \(values.elementType)")
      return []
    }
    return output
  }

  func int8(_ inputs: [Int8]..., parameters: QuantizedParameters) throws -> [Int8] {
    let values = try DirectEvaluation.evaluate(
      try layer(), parameters: .int8(parameters), inputs: inputs.map { .int8($0) })
    guard case .int8(let output) = values else {
      Issue.record("an INT8 layer gave \(values.elementType)")
      return []
    }
    return output
  }
}

/// An axis of one element: the row axis of one-dimensional cases.
func single() throws -> WindowAxis { try WindowAxis(inputExtent: 1) }

/// A map of one row.
func row(
  _ extent: Int, window: Int = 1, stride: Int = 1, dilation: Int = 1, before: Int = 0, after: Int = 0
) throws -> WindowAxis {
  try WindowAxis(
    inputExtent: extent, window: window, stride: stride, dilation: dilation, paddingBefore: before,
    paddingAfter: after, name: "columns")
}

/// Quantizations of scale 1, so that integers are their own values.
func unitParameters(
  mode: RequantizationMode = .onnx, weights: [Int8] = [], weightZero: Int8 = 0, bias: [Int32] = [],
  inputZero: Int8 = 0, outputScale: Float = 1, outputZero: Int8 = 0, inputCount: Int = 1
) -> QuantizedParameters {
  QuantizedParameters(
    mode: mode, weights: weights, weightScales: [1], weightZeroPoints: [weightZero], bias: bias,
    inputs: [Quantization](repeating: Quantization(scale: 1, zeroPoint: inputZero), count: inputCount),
    output: Quantization(scale: outputScale, zeroPoint: outputZero))
}
