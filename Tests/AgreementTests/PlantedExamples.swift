import Scheduling
import TestSupport
import Workload

extension PlantedDefect.Example {
  static let all: [Self] = [
    .dwpw(buffers: 1), .pwdw, .pwpool, .pw(buffers: 2), .add, .packs, .filterPacks, .pwadd, .matrix, .dots,
    .dotsadd, .channels, .matrixWithoutBias, .dotsWithoutBias, .plainChannels, .sliding, .slidingChannels,
  ]

  func schedule() throws -> Schedule {
    func wide(tensorCores: Bool = false) -> LaneMap {
      LaneMap(
        threads: 64, vectorWidth: 16, channelsPerThread: 4, pixelsPerThread: 2, usesTensorCores: tensorCores)
    }
    func lanes(_ buffers: Int) -> LaneMap {
      LaneMap(threads: 64, vectorWidth: 4, buffers: buffers, channelsPerThread: 4, pixelsPerThread: 2)
    }
    switch self {
    case .dwpw(let buffers):
      return try Schedule(
        Chain([layer(12, 12, groups: 12, window: 3), layer(12, 10)], precision: .fp32),
        tiling: Tiling(rows: 4, columns: 5, channels: 6, reduction: [1, 5]), lanes: lanes(buffers))
    case .pwdw:
      return try Schedule(
        Chain([layer(8, 12), layer(12, 12, groups: 12, window: 3)], precision: .fp32),
        tiling: Tiling(rows: 4, columns: 5, channels: 5, reduction: [3, 1]), lanes: lanes(1))
    case .pwpool:
      let axis = try WindowAxis(inputExtent: 9, window: 3, paddingBefore: 1, paddingAfter: 1)
      let shape = try ConvolutionShape(
        inputChannels: 12, outputChannels: 12, groups: 12, rows: axis, columns: axis)
      let pool = Layer(name: "pool", operation: .maxPool, shape: shape, inputs: [.layer(0)])
      return try Schedule(
        Chain([layer(8, 12), pool], precision: .fp32),
        tiling: Tiling(rows: 4, columns: 5, channels: 5, reduction: [3, 1]), lanes: lanes(1))
    case .pw(let buffers):
      return try Schedule(
        Chain([layer(13, 10)], precision: .fp32),
        tiling: Tiling(rows: 4, columns: 5, channels: 7, reduction: [4]), lanes: lanes(buffers))
    case .packs:
      return try Schedule(
        Chain([layer(16, 8)], precision: .fp32, axisOrder: .hwc),
        tiling: Tiling(rows: 4, columns: 5, channels: 7, reduction: [8]), lanes: lanes(1))
    case .filterPacks:
      return try Schedule(
        Chain([layer(16, 8)], precision: .fp32),
        tiling: Tiling(rows: 4, columns: 5, channels: 7, reduction: [8]), lanes: lanes(1))
    case .add:
      return try Schedule(
        Chain([add(6, [.input(0), .input(1)])], precision: .fp32),
        tiling: Tiling(rows: 4, columns: 5, channels: 4, reduction: [1]), lanes: lanes(1))
    case .matrix, .matrixWithoutBias:
      return try Schedule(
        Chain([layer(64, 20)], precision: .int8(.onnx), axisOrder: .hwc),
        tiling: Tiling(rows: 4, columns: 5, channels: 12, reduction: [32]), lanes: wide(tensorCores: true))
    case .dots, .dotsWithoutBias:
      return try Schedule(
        Chain([layer(16, 10)], precision: .int8(.onnx), axisOrder: .hwc),
        tiling: Tiling(rows: 4, columns: 5, channels: 10, reduction: [8]), lanes: wide())
    case .dotsadd:
      return try Schedule(
        Chain([layer(16, 10), add(10, [.input(1), .layer(0)])], precision: .int8(.onnx), axisOrder: .hwc),
        tiling: Tiling(rows: 4, columns: 5, channels: 10, reduction: [8, 1]), lanes: wide())
    case .channels, .plainChannels:
      return try Schedule(
        Chain([layer(8, 8, groups: 8, window: 3)], precision: .int8(.onnx), axisOrder: .hwc),
        tiling: Tiling(rows: 4, columns: 5, channels: 4, reduction: [1]), lanes: wide())
    case .sliding, .slidingChannels:
      let order = if case .sliding = self { TensorLayout.AxisOrder.chw } else { TensorLayout.AxisOrder.hwc }
      return try Schedule(
        Chain([layer(12, 12, groups: 12, window: 3, stride: 2)], precision: .fp32, axisOrder: order),
        tiling: Tiling(rows: 5, columns: 4, channels: 6, reduction: [1]),
        lanes: LaneMap(
          threads: 32, vectorWidth: 4, channelsPerThread: 4, pixelsPerThread: 4, slidesWindows: true))
    case .pwadd:
      return try Schedule(
        Chain([layer(8, 10), add(10, [.input(1), .layer(0)])], precision: .fp32),
        tiling: Tiling(rows: 4, columns: 5, channels: 7, reduction: [3, 1]), lanes: lanes(1))
    }
  }

  private func add(_ channels: Int, _ inputs: [TensorReference]) throws -> Layer {
    let axis = try WindowAxis(inputExtent: 9)
    let shape = try ConvolutionShape(
      inputChannels: channels, outputChannels: channels, groups: channels, rows: axis, columns: axis)
    return Layer(name: "add", operation: .add, shape: shape, inputs: inputs)
  }

  private func layer(_ channels: Int, _ filters: Int, groups: Int = 1, window: Int = 1, stride: Int = 1)
    throws
    -> Layer
  {
    let axis = try WindowAxis(
      inputExtent: 9, window: window, stride: stride, paddingBefore: window / 2, paddingAfter: window / 2)
    return try Layer(
      name: "layer", operation: .convolution,
      shape: ConvolutionShape(
        inputChannels: channels, outputChannels: filters, groups: groups, rows: axis, columns: axis),
      hasBias: hasBias, activation: .none, inputs: [.input(0)])
  }

  private var hasBias: Bool {
    switch self {
    case .matrixWithoutBias, .dotsWithoutBias: false
    default: true
    }
  }

  /// The zero point of INT8 weights.
  private var weightZero: Int8 { if case .plainChannels = self { 0 } else { 3 } }

  static func reals(_ count: Int, _ random: inout SeededGenerator) -> [Float] {
    (0..<count).map { _ in Float(random.next(in: -1000...1000)) / 256 }
  }

  static func bytes(_ count: Int, _ random: inout SeededGenerator) -> [Int8] {
    (0..<count).map { _ in Int8(random.next(in: -127...127)) }
  }

  /// No other zero point is 0, so that each of them counts.
  func parameters(
    of layer: Layer, _ precision: Precision, _ random: inout SeededGenerator
  ) -> LayerParameters {
    let weights = layer.hasWeights ? layer.shape.filterElements : 0
    let biases = layer.hasBias ? layer.shape.outputChannels : 0
    guard case .int8(let mode) = precision else {
      return .fp32(weights: Self.reals(weights, &random), bias: Self.reals(biases, &random))
    }
    let quantization = Quantization(scale: 0.05, zeroPoint: 7)
    return .int8(
      QuantizedParameters(
        mode: mode, weights: Self.bytes(weights, &random), weightScales: layer.hasWeights ? [0.01] : [],
        weightZeroPoints: layer.hasWeights ? [weightZero] : [],
        bias: (0..<biases).map { _ in Int32(random.next(in: -2000...2000)) },
        inputs: layer.inputs.map { _ in quantization }, output: quantization))
  }
}
