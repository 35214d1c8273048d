import Hardware
import Workload

/// Layers that one kernel computes, each reading the one before it, and the number format they share.
///
/// A single layer is a chain of one. What a stage needs of its input follows from its shape alone: a stage *mixes*
/// channels when every output reads all input channels (PW, standard convolution, fully connected), else each
/// group of output channels reads its own input channels (DW, grouped, pools, adds, activations).
///
/// An add may stand at a later place: one of its inputs is then the stage before, `.layer(i − 1)` among its references,
/// the other a feature map in global memory, its *residual*. Such an add is an epilogue: it is worked out on the
/// results of the stage before while those are in registers.
public struct Chain: Hashable, Sendable {
  public let stages: [Layer]
  public let precision: Precision
  /// How feature maps lie in global memory: NCHW or NHWC. Weights are `[filter][channel][row][column]` in both.
  public let axisOrder: TensorLayout.AxisOrder
  /// What searches ask of each stage too often to be worked out each time.
  private struct Traits: Hashable {
    let mixesChannels, hasWeights, hasBias, isPlainDepthwise, isEpilogue: Bool

    init(_ layer: Layer, isFirst: Bool) {
      hasWeights = layer.hasWeights
      hasBias = layer.hasBias
      mixesChannels = layer.hasWeights && layer.shape.groups == 1
      isPlainDepthwise = layer.hasWeights && layer.shape.isDepthwise && layer.shape.filtersPerGroup == 1
      isEpilogue = !isFirst && layer.operation == .add
    }
  }

  private let traits: [Traits]
  private let overlapsRows: [Bool]

  /// The most stages that a kernel has room for.
  public static let maximumStages = 4
  /// The most taps along one axis of one map, so that tables of tiles stay small.
  public static let axisLimit = 1 << 17

  /// - Throws: `ScheduleError` where the chain is empty, opaque, or its maps do not fit together.
  public init(
    _ stages: [Layer], precision: Precision, axisOrder: TensorLayout.AxisOrder = .chw
  ) throws(ScheduleError) {
    guard !stages.isEmpty else { throw .emptyChain }
    for layer in stages {
      if layer.isOpaque { throw .opaqueStage(layer.name) }
      for (axis, window) in [("rows", layer.shape.rows), ("columns", layer.shape.columns)]
      where max(window.inputExtent, window.outputExtent * window.window) > Self.axisLimit {
        throw .axisTooLong(stage: layer.name, axis: axis, limit: Self.axisLimit)
      }
    }
    for (first, second) in zip(stages, stages.dropFirst()) {
      guard first.outputMap == second.inputMap else {
        throw .stagesDoNotFit(first.name, first.outputMap, second.name, second.inputMap)
      }
    }
    for (index, layer) in stages.enumerated().dropFirst() where layer.operation == .add {
      let isJoined = layer.inputs.filter { $0 == .layer(index - 1) }.count == 1
      guard isJoined, layer.inputs.count == 2, layer.isElementwise else {
        throw .addDoesNotJoin(layer.name, stages[index - 1].name)
      }
    }
    self.stages = stages
    self.precision = precision
    self.axisOrder = axisOrder
    traits = stages.enumerated().map { Traits($0.element, isFirst: $0.offset == 0) }
    overlapsRows = Self.overlapsRows(stages)
  }

  public var last: Layer { stages[stages.count - 1] }
  public var elementType: ElementType { precision.elementType }

  /// Whether every output of `stage` reads all input channels.
  public func mixesChannels(_ stage: Int) -> Bool { traits[stage].mixesChannels }

  /// Whether `stage` is a convolution or fully connected.
  public func hasWeights(_ stage: Int) -> Bool { traits[stage].hasWeights }

  /// Whether `stage` adds a bias to each of its channels.
  public func hasBias(_ stage: Int) -> Bool { traits[stage].hasBias }

  /// Whether each channel of `stage` has one filter of its own.
  public func isPlainDepthwise(_ stage: Int) -> Bool { traits[stage].isPlainDepthwise }

  /// Whether a tile has of the outputs of `stage` rows that follow one another, and windows of neighbouring ones have rows of the
  /// input in common.
  public func overlapsRows(_ stage: Int) -> Bool { overlapsRows[stage] }

  private static func overlapsRows(_ stages: [Layer]) -> [Bool] {
    var (areNeighbours, overlaps) = (true, Array(repeating: false, count: stages.count))
    for (stage, layer) in stages.enumerated().reversed() {
      let rows = layer.shape.rows
      let isDense = rows.dilation == 1 || rows.window == 1
      overlaps[stage] = areNeighbours && isDense && rows.stride < rows.window
      areNeighbours = areNeighbours && isDense && rows.stride <= rows.window
    }
    return overlaps
  }

  /// Whether `stage` adds a residual to what the stage before leaves in registers.
  public func isEpilogue(_ stage: Int) -> Bool { traits[stage].isEpilogue }

  /// Which of the inputs of the add `stage` the stage before makes; 0 for every other stage.
  public func joinedInput(of stage: Int) -> Int {
    isEpilogue(stage) ? stages[stage].inputs.firstIndex(of: .layer(stage - 1)) ?? 0 : 0
  }

  /// The stage whose outputs those of `stage` end as before they leave the registers: the last of the adds that follow.
  public func target(of stage: Int) -> Int {
    var target = stage
    while target + 1 < stages.count, isEpilogue(target + 1) { target += 1 }
    return target
  }

  /// The stage whose lanes work `stage` out: itself, or the one whose results it adds to.
  func maker(of stage: Int) -> Int {
    var maker = stage
    while isEpilogue(maker) { maker -= 1 }
    return maker
  }

  /// Whether the outputs of `stage` go to a buffer, for another stage to read.
  public func hasBuffer(_ stage: Int) -> Bool { stage < stages.count - 1 && !isEpilogue(stage + 1) }

  /// The feature maps that come from global memory: the first stage's, then each residual.
  public var inputs: [Operand] {
    stages[0].inputs.indices.map { .ifm($0) }
      + stages.indices.filter(isEpilogue).map { .residual(stage: $0) }
  }

  /// Input channels that the output channels `outputs` of `stage` read: those of the groups they belong to.
  public func inputChannels(of stage: Int, for outputs: Range<Int>) -> Range<Int> {
    let shape = stages[stage].shape
    let first = outputs.lowerBound / shape.filtersPerGroup
    let last = (outputs.upperBound - 1) / shape.filtersPerGroup
    return first * shape.channelsPerGroup..<(last + 1) * shape.channelsPerGroup
  }

  /// Whether runs of channels of map `map` may cut a group of several filters, so that what they ask of the input
  /// depends on where they begin: some stage up to there has such groups, and none after it mixes channels.
  public func mayCutGroups(of map: Int) -> Bool {
    for stage in (0..<map).reversed() {
      if mixesChannels(stage) { return false }
      if stages[stage].shape.filtersPerGroup > 1 { return true }
    }
    return false
  }

  /// Whether the INT8 stage reads requantization constants per output channel.
  public func hasMultipliers(_ stage: Int) -> Bool {
    hasWeights(stage) && precision.multiplierBytes > 0
  }

  /// Bytes of the bias and of the multiplier of a channel of `stage`, of those that it has.
  public func constantBytes(of stage: Int) -> [Int] {
    (hasBias(stage) ? [precision.biasBytes] : []) + (hasMultipliers(stage) ? [precision.multiplierBytes] : [])
  }

  /// Bytes of one element of `operand`.
  public func elementBytes(of operand: Operand) -> Int {
    switch operand {
    case .ifm, .weights, .residual, .ofm: elementType.bytes
    case .bias: precision.biasBytes
    case .multipliers: precision.multiplierBytes
    }
  }

  /// Every tensor in global memory that the kernel reads or writes.
  public var operands: [Operand] {
    var all: [Operand] = stages[0].inputs.indices.map { .ifm($0) }
    for (index, stage) in stages.enumerated() {
      if stage.hasWeights { all.append(.weights(stage: index)) }
      if stage.hasBias { all.append(.bias(stage: index)) }
      if hasMultipliers(index) { all.append(.multipliers(stage: index)) }
      if isEpilogue(index) { all.append(.residual(stage: index)) }
    }
    return all + [.ofm]
  }

  /// How `operand` lies in global memory: feature maps in `axisOrder`, constants `[outer][channel][row][column]`.
  public func layout(of operand: Operand) -> TensorLayout {
    switch operand {
    case .ifm: layout(of: stages[0].inputMap, axisOrder)
    case .ofm: layout(of: last.outputMap, axisOrder)
    case .residual(let stage): layout(of: stages[stage].outputMap, axisOrder)
    case .weights, .bias, .multipliers: valueLayout(of: operand)
    }
  }

  /// How the values of `operand` come from and go to whoever runs the chain: `[outer][channel][row][column]`, wherever
  /// a kernel wants them.
  public func valueLayout(of operand: Operand) -> TensorLayout {
    switch operand {
    case .ifm: return layout(of: stages[0].inputMap, .chw)
    case .ofm: return layout(of: last.outputMap, .chw)
    case .residual(let stage): return layout(of: stages[stage].outputMap, .chw)
    case .weights(let stage):
      let shape = stages[stage].shape
      return TensorLayout(
        channels: shape.channelsPerGroup, rows: shape.rows.window, columns: shape.columns.window)
    case .bias(let stage), .multipliers(let stage):
      return TensorLayout(channels: stages[stage].shape.outputChannels, rows: 1, columns: 1)
    }
  }

  func layout(of map: FeatureMap, _ order: TensorLayout.AxisOrder) -> TensorLayout {
    TensorLayout(order: order, channels: map.channels, rows: map.rows, columns: map.columns)
  }

  /// Elements of `operand` in all.
  public func elements(of operand: Operand) -> Int {
    switch operand {
    case .ifm: stages[0].inputMap.elements
    case .ofm: last.outputMap.elements
    case .residual(let stage): stages[stage].outputMap.elements
    case .weights(let stage): stages[stage].shape.filterElements
    case .bias(let stage), .multipliers(let stage): stages[stage].shape.outputChannels
    }
  }
}

extension Layer {
  /// Whether every output reads just the element of its own place.
  fileprivate var isElementwise: Bool {
    [shape.rows, shape.columns].allSatisfy {
      $0.window == 1 && $0.stride == 1 && $0.outputExtent == $0.inputExtent
    }
      && shape.groups == shape.inputChannels && shape.outputChannels == shape.inputChannels
  }
}
