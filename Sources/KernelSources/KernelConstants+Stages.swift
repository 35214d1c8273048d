import Hardware
import Scheduling
import Workload

extension KernelConstants {
  mutating func addStaging(_ operand: Operand?, _ schedule: Schedule) {
    let walk = operand.map { schedule.laneWalk(of: $0) }
    let buffer = operand.flatMap { schedule.sharedLayout[.operand($0)] }
    add("width", walk?.vectorWidth ?? 1)
    add("threads", walk?.rounds.threads ?? 0)
    add("whole", walk?.takesWholePlanes == true ? 1 : 0)
    add("offset", buffer?.offset ?? 0)
    add("copies", buffer?.copies ?? 0)
    add("stride", buffer?.bytesPerCopy ?? 0)
  }

  mutating func addStage(_ stage: Int?, _ schedule: Schedule, _ parameters: [LayerParameters]?) {
    let chain = schedule.chain
    let layer = stage.map { chain.stages[$0] }
    let shape = layer?.shape
    add("operation", layer.map { Self.code(of: $0.operation) } ?? 0)
    add("mixes", stage.map { chain.mixesChannels($0) } == true ? 1 : 0)
    add("input_channels", shape?.inputChannels ?? 0)
    add("output_channels", shape?.outputChannels ?? 0)
    add("channels_per_group", shape?.channelsPerGroup ?? 1)
    add("filters_per_group", shape?.filtersPerGroup ?? 1)
    add("chunk", stage.map { schedule.tiling.reduction[$0] } ?? 1)
    add("unrolled", stage.map { schedule.tiling.unrolledChunks(of: $0, in: chain) } ?? 1)
    add("unrolls_chunk", stage.map { schedule.footprintModel.unrollsChunk(of: $0) } == true ? 1 : 0)
    add("has_bias", layer?.hasBias == true ? 1 : 0)
    add("activation", layer.flatMap { Activation.allCases.firstIndex(of: $0.activation) } ?? 0)
    let model = schedule.footprintModel
    let tile = stage.map { model.registerTile(of: $0) }
    add("group", tile?.channels ?? 1)
    add("pixels", tile?.pixels ?? 1)
    add("slides", stage.map { model.slidesWindows(of: $0) } == true ? 1 : 0)
    add(
      "kept", stage.map { ComputeLanes(schedule, stage: $0, channels: tile?.channels ?? 1).channelsKept } ?? 1
    )
    add("rounds", stage.map { schedule.itemsPerThread(of: $0) } ?? 0)
    add("sums", stage.map { max(1, schedule.accumulators(of: $0)) } ?? 1)
    let path = stage.map { model.path(of: $0) } ?? .elements
    switch path {
    case .elements: add("path", 0)
    case .packs: add("path", 1)
    case .matrix: add("path", 2)
    case .filterPacks: add("path", 3)
    }
    switch path {
    case .packs(let size), .filterPacks(let size): add("pack", size)
    case .elements, .matrix: add("pack", 1)
    }
    add("joins_taps", stage.map { model.joinsTaps(of: $0) } == true ? 1 : 0)
    add("store_width", stage.map { model.storeWidth(of: $0) } ?? 1)
    let filters = stage.map { model.filterLayout(of: $0, reducing: schedule.tiling.reduction[$0]) }
    // Elsewhere filters follow one another, and a last chunk's are shorter.
    add("filter_pitch", path.isPacked ? filters?.pitch ?? 0 : 0)
    add("filter_side", filters?.side ?? 1)
    add("filter_group", path.isPacked ? filters?.groupPitch ?? 0 : 0)
    add("tap_pitch", filters.map { $0.vector > 1 ? $0.step : 0 } ?? 0)
    group("rows") { $0.addWindow(stage, schedule.rows) }
    group("columns") { $0.addWindow(stage, schedule.columns) }
    let hasWeights = layer?.hasWeights == true
    group("weights") { $0.addStaging(hasWeights ? stage.map { .weights(stage: $0) } : nil, schedule) }
    let hasBias = layer?.hasBias == true
    group("bias") { $0.addStaging(hasBias ? stage.map { .bias(stage: $0) } : nil, schedule) }
    let hasMultipliers = stage.map { chain.hasMultipliers($0) } == true
    group("multipliers") {
      $0.addStaging(hasMultipliers ? stage.map { .multipliers(stage: $0) } : nil, schedule)
    }
    add("target", stage.map { chain.target(of: $0) } ?? 0)
    add("joined", stage.map { chain.joinedInput(of: $0) } ?? 0)
    add("intermediate", stage.flatMap { schedule.sharedLayout[.intermediate(after: $0)]?.offset } ?? 0)
    group("q") { $0.addQuantized(stage, chain, parameters) }
  }

  private static func code(of operation: Operation) -> Int {
    switch operation {
    case .convolution: 0
    case .averagePool: 1
    case .maxPool: 2
    case .add: 3
    case .activation, .opaque: 4
    }
  }

  private mutating func addQuantized(_ stage: Int?, _ chain: Chain, _ parameters: [LayerParameters]?) {
    var q = QuantizedWords()
    if let stage, case .int8(let quantized) = parameters?[stage] {
      q = QuantizedWords(chain.stages[stage], quantized)
    }
    add("input_zero", q.inputZero)
    add("second_zero", q.secondZero)
    add("weight_zero", q.weightZero)
    add("output_zero", q.outputZero)
    add("value_zero", q.valueZero)
    add("weight_zeros", q.weightZeros.isEmpty ? -1 : place(q.weightZeros))
    add("low", q.low)
    add("high", q.high)
    add("how", q.how.rawValue)
    add("first_scale", q.firstScale)
    add("second_scale", q.secondScale)
    add("offset", q.offset)
    for (name, (multiplier, shift)) in zip(["first", "second", "result"], [q.first, q.second, q.result]) {
      add("\(name)_multiplier", multiplier)
      add("\(name)_shift", shift)
    }
  }
}

/// The INT8 numbers of a stage, from the arithmetic that its mode names.
private struct QuantizedWords {
  /// How a result is made, as `constants.cuh` numbers it.
  enum How: Int { case clamped, throughFloat, onnx, tflite, tflitePool }

  var inputZero = 0, secondZero = 0, weightZero = 0, outputZero = 0
  /// Of a convolution with a bias, `OperandBytes` puts the input's zero point into that.
  var valueZero = 0
  /// Empty where all channels have one.
  var weightZeros: [Int] = []
  /// Without parameters nothing is clamped away, so that a compiler has as much to do as with them.
  var low = -128, high = 127
  var how = How.clamped
  var firstScale: Float = 1, secondScale: Float = 1, offset: Float = 0
  var first = (0, 0), second = (0, 0), result = (0, 0)

  init() {}

  init(_ layer: Layer, _ parameters: QuantizedParameters) {
    inputZero = Int(parameters.inputs[0].zeroPoint)
    secondZero = Int(parameters.inputs.last?.zeroPoint ?? 0)
    outputZero = Int(parameters.output.zeroPoint)
    valueZero = layer.hasWeights && layer.hasBias ? 0 : inputZero
    how = parameters.mode == .onnx ? .onnx : .tflite
    let clamp = Requantization.clamp(layer.activation, parameters.output)
    (low, high) = (Int(clamp.lowerBound), Int(clamp.upperBound))
    switch layer.operation {
    case .convolution:
      let zeros = parameters.weightZeroPoints.map(Int.init)
      weightZero = zeros.first ?? 0
      if Set(zeros).count > 1 { weightZeros = zeros }
    case .averagePool: setMean(QuantizedMean(parameters, activation: layer.activation))
    case .add: setAddition(QuantizedAddition(parameters, activation: layer.activation))
    case .maxPool, .activation, .opaque:
      setActivation(QuantizedActivation(parameters, activation: layer.activation))
    }
  }

  private mutating func setMean(_ mean: QuantizedMean) {
    switch mean {
    case .onnx(let input, let output, _): (firstScale, secondScale) = (input.scale, output.scale)
    case .tflitePool: how = .tflitePool
    case .tfliteMean(let multiplier, let shift, _, _, _): first = (Int(multiplier), shift)
    }
  }

  private mutating func setAddition(_ addition: QuantizedAddition) {
    switch addition {
    case .onnx(let a, let b, let offset, _): (firstScale, secondScale, self.offset) = (a, b, offset)
    case .tflite(let a, let b, let sum, _):
      first = (Int(a.multiplier), a.shift)
      second = (Int(b.multiplier), b.shift)
      result = (Int(sum.multiplier), sum.shift)
    }
  }

  private mutating func setActivation(_ activation: QuantizedActivation) {
    switch activation {
    case .clamp: how = .clamped
    case .float(let input, _, let output):
      how = .throughFloat
      (firstScale, secondScale) = (input.scale, output.scale)
    }
  }
}
