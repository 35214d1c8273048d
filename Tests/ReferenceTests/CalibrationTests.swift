import Reference
import Testing
import Workload

/// Parameters from a seed, on a small network with everything that a mobile network has: a stem, depthwise
/// layers, an inverted residual with its sum, pools and a classifier.
@Suite struct CalibrationTests {
  static func network() throws -> Network {
    func axis(_ extent: Int, _ window: Int = 1, stride: Int = 1) throws -> WindowAxis {
      try .same(inputExtent: extent, window: window, stride: stride)
    }
    func layer(
      _ name: String, _ operation: Workload.Operation, channels: Int, filters: Int, groups: Int,
      _ axis: WindowAxis, _ activation: Activation, _ inputs: [TensorReference]
    ) throws -> Layer {
      Layer(
        name: name, operation: operation,
        shape: try ConvolutionShape(
          inputChannels: channels, outputChannels: filters, groups: groups, rows: axis, columns: axis),
        hasBias: operation == .convolution, activation: activation, inputs: inputs)
    }
    func convolution(
      _ name: String, _ channels: Int, _ filters: Int, groups: Int = 1, _ axis: WindowAxis,
      _ activation: Activation = .none, from input: TensorReference
    ) throws -> Layer {
      try layer(
        name, .convolution, channels: channels, filters: filters, groups: groups, axis, activation, [input])
    }
    func channelwise(
      _ name: String, _ operation: Workload.Operation, _ channels: Int, _ axis: WindowAxis,
      _ activation: Activation = .none, from inputs: Int...
    ) throws -> Layer {
      try layer(
        name, operation, channels: channels, filters: channels, groups: channels, axis, activation,
        inputs.map { .layer($0) })
    }
    let whole = try WindowAxis(inputExtent: 8, window: 8)
    return try Network(
      name: "small", inputs: [try FeatureMap(channels: 3, rows: 32, columns: 32)],
      layers: [
        convolution("stem", 3, 16, axis(32, 3, stride: 2), .relu6, from: .input(0)),
        convolution("expand", 16, 64, axis(16), .relu6, from: .layer(0)),
        convolution("depthwise", 64, 64, groups: 64, axis(16, 3), .relu6, from: .layer(1)),
        convolution("project", 64, 16, axis(16), from: .layer(2)),
        channelwise("sum", .add, 16, axis(16), from: 0, 3),
        channelwise("rectify", .activation, 16, axis(16), .relu, from: 4),
        channelwise("pool", .maxPool, 16, axis(16, 3, stride: 2), from: 5),
        convolution("widen", 16, 1280, axis(8), .relu, from: .layer(6)),
        channelwise("mean", .averagePool, 1280, whole, from: 7),
        convolution("classify", 1280, 1100, axis(1), from: .layer(8)),
      ])
  }

  struct Run {
    let network: Network
    let floats: NetworkEvaluation
    let calibration: Calibration
    let integers: NetworkEvaluation

    init(_ mode: RequantizationMode, _ weightScales: Calibration.WeightScales) throws {
      network = try CalibrationTests.network()
      let parameters = SyntheticParameters.fp32(for: network, seed: 5)
      let inputs = SyntheticParameters.inputs(of: network, seed: 5)
      floats = try NetworkEvaluation(network, parameters: parameters, inputs: inputs, threads: 2)
      calibration = Calibration(
        network, parameters: parameters, run: floats, mode: mode, weightScales: weightScales)
      integers = try NetworkEvaluation(
        network, parameters: calibration.parameters, inputs: calibration.quantize(inputs), threads: 2)
    }
  }

  @Test(
    "Every INT8 map has enough different values and few clipped ones", arguments: RequantizationMode.allCases,
    [Calibration.WeightScales.perChannel, .perTensor])
  func spread(mode: RequantizationMode, weightScales: Calibration.WeightScales) throws {
    let run = try Run(mode, weightScales)
    for (index, layer) in run.network.layers.enumerated() {
      guard case .int8(let parameters) = run.calibration.parameters[index],
        case .int8(let output) = run.integers.outputs[index]
      else {
        Issue.record("\(layer.name) is not INT8")
        continue
      }
      let spread = try ValueSpread(
        of: layer, parameters: parameters, inputs: run.integers.operands(of: layer), output: output)
      #expect(spread.verdict == .spread, "\(layer.name): \(spread)")
      #expect(AccumulatorBound.fits(layer, parameters: parameters))
    }
  }

  @Test("The INT8 network stays near the FP32 one", arguments: RequantizationMode.allCases)
  func accuracy(mode: RequantizationMode) throws {
    let run = try Run(mode, .perChannel)
    for (index, layer) in run.network.layers.enumerated() {
      guard case .int8(let parameters) = run.calibration.parameters[index],
        case .int8(let integers) = run.integers.outputs[index],
        case .fp32(let floats) = run.floats.outputs[index]
      else { continue }
      let error = zip(integers, floats).map { abs(parameters.output.dequantize($0) - $1) }
      let mean = error.reduce(0, +) / Float(error.count) / parameters.output.scale
      #expect(mean < 4, "\(layer.name): a mean error of \(mean) steps")
    }
  }

  @Test("A rectified map has the zero point −128, and pools keep their input's quantization")
  func constraints() throws {
    let run = try Run(.tflite, .perChannel)
    let outputs = run.calibration.parameters.compactMap { parameters -> QuantizedParameters? in
      if case .int8(let quantized) = parameters { quantized } else { nil }
    }
    #expect(outputs[0].output.zeroPoint == -128)
    for index in [5, 6, 8] { #expect(outputs[index].output == outputs[index].inputs[0]) }
    for (index, layer) in run.network.layers.enumerated() {
      for (position, reference) in layer.inputs.enumerated() {
        guard case .layer(let producer) = reference else { continue }
        #expect(outputs[index].inputs[position] == outputs[producer].output)
      }
    }
  }

  @Test("A constant map and a clipped one are told apart from a spread one")
  func verdicts() throws {
    let axis = try WindowAxis(inputExtent: 64)
    let layer = try LayerFixture(rows: axis, columns: axis).layer()
    var generator = SeededGenerator(seed: 1)
    let input = (0..<4096).map { _ in Int8(generator.next(in: -128...127)) }
    func verdict(weight: Int8, scale: Float) throws -> ValueSpread.Verdict {
      let parameters = unitParameters(weights: [weight], outputScale: scale)
      let output = try DirectEvaluation.evaluate(
        layer, parameters: .int8(parameters), inputs: [.int8(input)])
      guard case .int8(let values) = output else { return .tooSmall }
      return try ValueSpread(of: layer, parameters: parameters, inputs: [.int8(input)], output: values)
        .verdict
    }
    #expect(try verdict(weight: 2, scale: 2) == .spread)
    #expect(try verdict(weight: 0, scale: 2) == .tooFewValues)
    #expect(try verdict(weight: 3, scale: 2) == .saturated)
    #expect(try verdict(weight: 1, scale: 5) == .tooFewValues)
  }

  @Test("An opaque layer passes its input on, or starts anew from the seed")
  func opaqueLayers() throws {
    let map = try FeatureMap(channels: 2, rows: 3, columns: 3)
    let other = try FeatureMap(channels: 1, rows: 2, columns: 2)
    func opaque(_ name: String, _ input: FeatureMap, to output: FeatureMap, from: TensorReference) throws
      -> Layer
    {
      Layer(
        name: name, operation: .opaque("Mystery", output: output),
        shape: try ConvolutionShape(
          inputChannels: input.channels, outputChannels: input.channels,
          rows: try WindowAxis(inputExtent: input.rows), columns: try WindowAxis(inputExtent: input.columns)),
        inputs: [from])
    }
    let network = try Network(
      name: "opaque", inputs: [map],
      layers: [opaque("same", map, to: map, from: .input(0)), opaque("new", map, to: other, from: .layer(0))])
    let none = [LayerParameters](repeating: .fp32(weights: [], bias: []), count: 2)
    let inputs = SyntheticParameters.inputs(of: network, seed: 1)
    let one = try NetworkEvaluation(network, parameters: none, inputs: inputs, seed: 1)
    let two = try NetworkEvaluation(network, parameters: none, inputs: inputs, seed: 2)
    #expect(one.outputs[0] == inputs[0])
    #expect(one.outputs[1].count == 4)
    #expect(one.outputs[1] != two.outputs[1])
  }
}
