import Hardware
import Workload

extension Schedule {
  /// The schedule as a loop nest for people, a line each: the grid, then what one block does.
  public var loopNest: [String] {
    let shape = chain.last.shape
    let axes: [(name: String, extent: Int, tile: Int)] = [
      ("columns", shape.columns.outputExtent, tiling.columns), ("rows", shape.rows.outputExtent, tiling.rows),
      ("channels", shape.outputChannels, tiling.channels),
    ]
    let fastToSlow: [Int] =
      switch order {
      case .columnFastest, .swizzled: [0, 1, 2]
      case .rowFastest: [1, 0, 2]
      case .channelFastest: [2, 0, 1]
      }
    var lines: [String] = []
    func add(_ depth: Int, _ text: String) {
      lines.append(String(repeating: "  ", count: depth) + text)
    }
    add(0, "for image in 0..<\(shape.batch)")
    for (depth, axis) in fastToSlow.reversed().enumerated() {
      let (name, extent, tile) = axes[axis]
      let tiles = Self.ceilDivide(extent, tile)
      let banded = order == .swizzled && axis == 1 ? ", in bands of \(BlockOrder.bandRows), rows fastest" : ""
      add(depth + 1, "for \(name) in 0..<\(extent) by \(tile)  # \(tiles) tiles\(banded)")
    }
    add(4, "block of \(lanes.threads) threads  # \(blocks.count) blocks")
    describe(stage: chain.stages.count - 1, channels: tiling.channels, depth: 5, add)
    add(5, "store ofm \(tiling.channels)×\(slots(chain.stages.count))")
    return lines
  }

  private func describe(stage: Int, channels: Int, depth: Int, _ add: (Int, String) -> Void) {
    let layer = chain.stages[stage]
    let consumed = footprintModel.consumedChannels(of: stage)
    var inner = depth
    if tiling.isChunked(stage, in: chain) {
      let extent = layer.shape.inputChannels
      let chunks = Self.ceilDivide(extent, consumed)
      add(depth, "for channels of \(layer.kind)'s input in 0..<\(extent) by \(consumed)  # \(chunks) chunks")
      inner += 1
    }
    if stage > 0 {
      describe(stage: stage - 1, channels: consumed, depth: inner, add)
    } else {
      for input in layer.inputs.indices { add(inner, "load \(Operand.ifm(input)) \(consumed)×\(slots(0))") }
    }
    if layer.hasWeights {
      let reduced = chain.mixesChannels(stage) ? consumed : layer.shape.channelsPerGroup
      let window = "\(layer.shape.rows.window)×\(layer.shape.columns.window)"
      add(inner, "load \(Operand.weights(stage: stage)) \(channels)×\(reduced)×\(window)")
    }
    if chain.isEpilogue(stage) {
      add(inner, "load \(Operand.residual(stage: stage)) \(channels)×\(slots(stage + 1))  # to registers")
    }
    add(inner, "compute \(layer.kind) '\(layer.name)' \(channels)×\(slots(stage + 1))")
  }

  private func slots(_ map: Int) -> String { "\(rows.offsets[map].count)×\(columns.offsets[map].count)" }
}
