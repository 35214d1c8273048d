import Scheduling
import Workload

/// A schedule with the constants and inputs to run it, drawn from a seed.
public struct RandomCase: Sendable {
  public let seed: UInt64
  public let schedule: Schedule
  public let parameters: [LayerParameters]
  public let inputs: [TensorValues]

  public var description: String {
    let stages = schedule.chain.stages.map { "\($0.kind) \($0.shape)" }.joined(separator: " → ")
    let order = schedule.chain.axisOrder
    return
      "seed \(seed): \(schedule.kind) \(order) \(stages) \(schedule.tiling) \(schedule.lanes) \(schedule.order)"
  }
}

/// Which kinds of layers a random chain has.
public enum RandomStage: Sendable, Hashable {
  case dw, pw, conv, grouped, pool, add, activation
}

/// The kinds whose agreement is tested, each with at least 2,000 random cases.
public let kinds: [(name: String, stages: [RandomStage])] = [
  ("dw", [.dw]), ("pw", [.pw]), ("dwpw", [.dw, .pw]), ("pwdw", [.pw, .dw]), ("pwdw_r", [.pw, .dw]),
  ("pwpw", [.pw, .pw]), ("pwdwpw", [.pw, .dw, .pw]), ("pwdwpw_r", [.pw, .dw, .pw]),
  ("pwadd", [.pw, .add]), ("dwpwadd", [.dw, .pw, .add]), ("pwdwpwadd", [.pw, .dw, .pw, .add]),
  ("pwdwpwadd_r", [.pw, .dw, .pw, .add]),
]
/// Chains that real networks have beside those, with fewer cases.
public let otherChains: [[RandomStage]] = [
  [.conv], [.grouped], [.pool], [.add], [.activation], [.dw, .dw], [.conv, .dw, .pw], [.grouped, .pw],
  [.pool, .pw], [.add, .pw], [.pw, .pool], [.dw, .activation],
  [.dw, .add], [.pool, .add], [.conv, .add], [.add, .add], [.pw, .add, .dw], [.pw, .add, .add, .pw],
  [.dw, .pw, .add, .pw],
]

/// Draws small convolutions with every attribute that matters: strides, dilations, asymmetric padding, odd sizes,
/// channel multipliers and remainders, batches, and tiles that divide nothing.
public struct RandomCaseGenerator {
  public private(set) var random: SeededGenerator
  let seed: UInt64
  /// What numbers of channels are mostly multiples of.
  private var grain = 1

  public init(seed: UInt64) {
    self.seed = seed
    random = SeededGenerator(seed: seed)
    _ = random.next()
  }

  mutating func pick(_ range: ClosedRange<Int>) -> Int { random.next(in: range) }
  mutating func chance(_ percent: Int) -> Bool { pick(1...100) <= percent }

  /// A case of a chain of `kinds`.
  /// - Parameter layout: Of its maps; any by default.
  public mutating func draw(
    _ kinds: [RandomStage], layout: TensorLayout.AxisOrder? = nil
  ) throws -> RandomCase {
    let batch = chance(25) ? 2 : 1
    let drawn: TensorLayout.AxisOrder = chance(50) ? .chw : .hwc
    let axisOrder = layout ?? drawn
    // NHWC kernels take packs of channels, and matrices of 32.
    grain = axisOrder == .chw ? 1 : [1, 2, 4, 8, 16, 32][pick(0...5)]
    let channels = grain == 1 ? pick(1...9) : grain * pick(1...(grain > 8 ? 2 : 3))
    let extents = 1...(channels > 16 ? 7 : 13)
    var map = try FeatureMap(
      batch: batch, channels: channels, rows: pick(extents), columns: pick(extents))
    var layers: [Layer] = []
    for (index, kind) in kinds.enumerated() {
      let layer = try draw(kind, reading: map, index: index)
      layers.append(layer)
      map = layer.outputMap
    }
    let precision: Precision = chance(50) ? .fp32 : .int8(chance(50) ? .onnx : .tflite)
    let chain = try Chain(layers, precision: precision, axisOrder: axisOrder)
    var schedule = try Schedule(
      chain, tiling: tiling(of: chain),
      lanes: LaneMap(
        threads: 32 * pick(1...4), vectorWidth: 1 << pick(0...(axisOrder == .chw ? 2 : 4)),
        buffers: pick(1...2), channelsPerThread: [1, 2, 3, 4, 4, 8][pick(0...5)],
        pixelsPerThread: [1, 1, 2, 3, 4, 7][pick(0...5)], usesTensorCores: chance(70),
        slidesWindows: chance(70),
        keepsSlots: chance(70)),
      order: BlockOrder.allCases[pick(0...3)])
    if (try? schedule.checkLegality(on: GPUDraft().gpu())) == nil {
      // More than the sample GPU has: the smallest tile.
      let tiling = Tiling(
        rows: 1, columns: 1, channels: min(schedule.tiling.channels, 4),
        reduction: zip(chain.stages.indices, schedule.tiling.reduction).map {
          chain.mixesChannels($0) ? min($1, 4) : $1
        })
      schedule = try Schedule(chain, tiling: tiling, lanes: schedule.lanes, order: schedule.order)
    }
    return example(of: schedule)
  }

  /// Parameters and inputs for a schedule.
  public mutating func example(of schedule: Schedule) -> RandomCase {
    let chain = schedule.chain
    let parameters = parameters(of: chain)
    let inputs = chain.inputs.map { values(chain.elements(of: $0), chain.elementType) }
    return RandomCase(seed: seed, schedule: schedule, parameters: parameters, inputs: inputs)
  }

  mutating func axis(_ extent: Int, windowed: Bool, pooled: Bool, _ name: String) throws -> WindowAxis {
    let stride = chance(60) ? 1 : pick(2...3)
    guard windowed else { return try WindowAxis(inputExtent: extent, stride: stride, name: name) }
    let window = pick(1...5)
    let dilation = chance(75) ? 1 : pick(2...3)
    let effective = (window - 1) * dilation + 1
    // A pool needs a tap inside the map for every output.
    let most = pooled ? (dilation == 1 ? window - 1 : 0) : effective
    var before = most == 0 ? 0 : pick(0...most)
    let after = most == 0 ? 0 : pick(0...most)
    before += max(0, effective - extent - before - after)
    if pooled && (before > window - 1 || extent < effective) {
      return try WindowAxis(inputExtent: extent, name: name)
    }
    return try WindowAxis(
      inputExtent: extent, window: window, stride: stride, dilation: dilation, paddingBefore: before,
      paddingAfter: after, name: name)
  }

  mutating func draw(_ kind: RandomStage, reading map: FeatureMap, index: Int) throws -> Layer {
    let windowed = [.dw, .conv, .grouped, .pool].contains(kind)
    let pointwise = kind == .add || kind == .activation
    let rows =
      pointwise
      ? try WindowAxis(inputExtent: map.rows)
      : try axis(map.rows, windowed: windowed, pooled: kind == .pool, "rows")
    let columns =
      pointwise
      ? try WindowAxis(inputExtent: map.columns)
      : try axis(map.columns, windowed: windowed, pooled: kind == .pool, "columns")
    var (outputs, groups) = (map.channels, map.channels)
    switch kind {
    case .dw: outputs = map.channels * (chance(75) ? 1 : pick(2...3))
    case .pw, .conv: (outputs, groups) = (grain > 1 && chance(60) ? grain * pick(1...2) : pick(1...11), 1)
    case .grouped:
      groups = (1...map.channels).filter { map.channels % $0 == 0 }[0]
      groups = map.channels % 2 == 0 ? map.channels / 2 : groups
      outputs = groups * pick(1...3)
    case .pool, .add, .activation: break
    }
    let operation: Operation =
      switch kind {
      case .dw, .pw, .conv, .grouped: .convolution
      case .pool: chance(50) ? .maxPool : .averagePool
      case .add: .add
      case .activation: .activation
      }
    let shape = try ConvolutionShape(
      batch: map.batch, inputChannels: map.channels, outputChannels: outputs, groups: groups, rows: rows,
      columns: columns)
    return Layer(
      name: "layer\(index)", operation: operation, shape: shape,
      hasBias: operation == .convolution && chance(70), activation: Activation.allCases[pick(0...2)],
      inputs: kind == .add ? addends(index) : [index == 0 ? .input(0) : .layer(index - 1)])
  }

  /// Two maps from memory, or one and the layer before, in either order.
  private mutating func addends(_ index: Int) -> [TensorReference] {
    guard index > 0 else { return [.input(0), .input(1)] }
    return chance(50) ? [.layer(index - 1), .input(index)] : [.input(index), .layer(index - 1)]
  }

  mutating func tiling(of chain: Chain) -> Tiling {
    let shape = chain.last.shape
    let whole = chance(20)
    return Tiling(
      rows: whole ? shape.rows.outputExtent : pick(1...shape.rows.outputExtent),
      columns: whole ? shape.columns.outputExtent : pick(1...shape.columns.outputExtent),
      channels: pick(partOf: shape.outputChannels),
      reduction: chain.stages.indices.map { stage in
        let shape = chain.stages[stage].shape
        guard chain.mixesChannels(stage) else { return shape.channelsPerGroup }
        return chance(25) ? shape.inputChannels : pick(partOf: shape.inputChannels)
      })
  }
}

extension RandomCaseGenerator {
  /// A tile or chunk of so many channels.
  private mutating func pick(partOf channels: Int) -> Int {
    guard grain > 1, channels % grain == 0, chance(70) else { return pick(1...channels) }
    return grain * pick(1...channels / grain)
  }

  mutating func values(_ count: Int, _ type: ElementType) -> TensorValues {
    switch type {
    case .fp32: .fp32((0..<count).map { _ in chance(3) ? -0.0 : random.nextSigned() * 4 })
    case .int8: .int8((0..<count).map { _ in Int8(pick(-128...127)) })
    }
  }

  mutating func quantization() -> Quantization {
    Quantization(scale: 0.01 + abs(random.nextSigned()) * 0.1, zeroPoint: Int8(pick(-128...127)))
  }

  /// Constants whose quantizations fit together along the chain.
  public mutating func parameters(of chain: Chain) -> [LayerParameters] {
    var input = chain.stages[0].inputs.map { _ in quantization() }
    return chain.stages.enumerated().map { stage, layer in
      let output = quantization()
      if chain.isEpilogue(stage) { input.insert(quantization(), at: 1 - chain.joinedInput(of: stage)) }
      defer { input = [output] }
      let weights = layer.hasWeights ? layer.shape.filterElements : 0
      let biases = layer.hasBias ? layer.shape.outputChannels : 0
      guard case .int8(let mode) = chain.precision else {
        return .fp32(
          weights: (0..<weights).map { _ in random.nextSigned() },
          bias: (0..<biases).map { _ in random.nextSigned() })
      }
      let scales = !layer.hasWeights ? 0 : chance(50) ? 1 : layer.shape.outputChannels
      return .int8(
        QuantizedParameters(
          mode: mode, weights: (0..<weights).map { _ in Int8(pick(-127...127)) },
          weightScales: (0..<scales).map { _ in 0.002 + abs(random.nextSigned()) * 0.02 },
          weightZeroPoints: (0..<scales).map { _ in chance(70) ? 0 : Int8(pick(-20...20)) },
          bias: (0..<biases).map { _ in Int32(pick(-2000...2000)) }, inputs: input, output: output))
    }
  }
}
