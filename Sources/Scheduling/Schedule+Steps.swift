import Hardware
import Workload

extension Schedule {
  /// What `block` does, step by step.
  public func steps(of block: ThreadBlock) -> [TileStep] {
    var writer = StepWriter(schedule: self, block: block)
    writer.produce(stage: chain.stages.count - 1, channels: block.channels)
    writer.append(.store(outputRegion(of: block)))
    return writer.steps
  }

  /// The part of the output that `block` makes.
  public func outputRegion(of block: ThreadBlock) -> Region {
    let map = chain.stages.count
    return Region(
      outer: block.image..<block.image + 1, channels: block.channels,
      rows: rows.slots[block.rowTile][map], columns: columns.slots[block.columnTile][map])
  }
}

/// Writes the steps of one block, and a barrier wherever one step would meet data of another.
private struct StepWriter {
  let schedule: Schedule
  let block: ThreadBlock
  private(set) var steps: [TileStep] = []
  /// What each operand's buffer and each stage's intermediate buffer hold, by channels (and filters).
  private var held: [Buffer: [Range<Int>]] = [:]
  private var hazards = HazardTracker()

  init(schedule: Schedule, block: ThreadBlock) {
    self.schedule = schedule
    self.block = block
  }

  private var chain: Chain { schedule.chain }

  mutating func append(_ step: TileStep) { steps.append(step) }

  /// Leaves output `channels` of `stage` in its intermediate buffer, or in registers after the last stage.
  mutating func produce(stage: Int, channels: Range<Int>) {
    guard held[.intermediate(stage)] != [channels] else { return }
    held[.intermediate(stage)] = [channels]
    for chunk in schedule.chunks(of: stage, for: channels) {
      if stage > 0 {
        produce(stage: stage - 1, channels: chunk)
      } else {
        for input in chain.stages[0].inputs.indices { load(.ifm(input), channels: chunk) }
      }
      loadConstants(of: stage, channels: channels, chunk: chunk)
      compute(stage: stage, channels: channels, reducing: chunk)
    }
  }

  private mutating func loadConstants(of stage: Int, channels: Range<Int>, chunk: Range<Int>) {
    let layer = chain.stages[stage]
    if layer.hasWeights {
      let reduced = chain.mixesChannels(stage) ? chunk : 0..<layer.shape.channelsPerGroup
      load(.weights(stage: stage), channels: reduced, filters: channels)
    }
    if layer.hasBias { load(.bias(stage: stage), channels: channels) }
    if chain.hasMultipliers(stage) { load(.multipliers(stage: stage), channels: channels) }
  }

  private mutating func load(_ operand: Operand, channels: Range<Int>, filters: Range<Int>? = nil) {
    let key = [channels] + (filters.map { [$0] } ?? [])
    guard held[.operand(operand)] != key else { return }
    held[.operand(operand)] = key
    let streamed = schedule.tiling.isStreamed(operand, in: chain)
    let buffers = streamed ? schedule.lanes.buffers : 1
    if hazards.write(.operand(operand), buffers: buffers) { steps.append(.barrier) }
    steps.append(.load(operand, region(of: operand, channels: channels, filters: filters)))
  }

  private func region(of operand: Operand, channels: Range<Int>, filters: Range<Int>?) -> Region {
    switch operand {
    case .ifm:
      return Region(
        outer: block.image..<block.image + 1, channels: channels,
        rows: schedule.rows.slots[block.rowTile][0], columns: schedule.columns.slots[block.columnTile][0])
    case .weights(let stage):
      let shape = chain.stages[stage].shape
      return Region(
        outer: filters ?? 0..<0, channels: channels, rows: .all(shape.rows.window),
        columns: .all(shape.columns.window))
    case .bias, .multipliers, .ofm:
      return Region(outer: 0..<1, channels: channels, rows: .single, columns: .single)
    }
  }

  private mutating func compute(stage: Int, channels: Range<Int>, reducing: Range<Int>) {
    var read: [Buffer] = []
    if stage > 0 {
      read.append(.intermediate(stage - 1))
    } else {
      read += chain.stages[0].inputs.indices.map { .operand(.ifm($0)) }
    }
    let layer = chain.stages[stage]
    if layer.hasWeights { read.append(.operand(.weights(stage: stage))) }
    let ends = reducing.upperBound == schedule.chunks(of: stage, for: channels).last?.upperBound
    if ends, layer.hasBias { read.append(.operand(.bias(stage: stage))) }
    if ends, chain.hasMultipliers(stage) { read.append(.operand(.multipliers(stage: stage))) }
    let isLast = stage == chain.stages.count - 1
    let written: [Buffer] = ends && !isLast ? [.intermediate(stage)] : []
    if hazards.compute(reading: read, writing: written) { steps.append(.barrier) }
    steps.append(.compute(stage: stage, channels: channels, reducing: reducing))
  }
}

/// A place in shared memory.
private enum Buffer: Hashable {
  case operand(Operand)
  case intermediate(Int)
}

/// Which buffers were read and written since the last barrier. Accesses by different threads to one buffer need a
/// barrier between them unless both read.
private struct HazardTracker {
  private struct Instance: Hashable {
    let buffer: Buffer
    let copy: Int
  }
  private var read: Set<Instance> = []
  private var written: Set<Instance> = []
  private var current: [Buffer: Int] = [:]

  /// Notes a load into the next copy of `buffer`; true where a barrier must come first.
  mutating func write(_ buffer: Buffer, buffers: Int) -> Bool {
    let copy = ((current[buffer] ?? buffers - 1) + 1) % buffers
    current[buffer] = copy
    let instance = Instance(buffer: buffer, copy: copy)
    let needed = read.contains(instance) || written.contains(instance)
    if needed { synchronize() }
    written.insert(instance)
    return needed
  }

  mutating func compute(reading: [Buffer], writing: [Buffer]) -> Bool {
    let reads = reading.map { Instance(buffer: $0, copy: current[$0] ?? 0) }
    let writes = writing.map { Instance(buffer: $0, copy: 0) }
    let needed =
      reads.contains(where: written.contains)
      || writes.contains { read.contains($0) || written.contains($0) }
    if needed { synchronize() }
    read.formUnion(reads)
    written.formUnion(writes)
    return needed
  }

  private mutating func synchronize() {
    read = []
    written = []
  }
}

extension Schedule {
  /// The input channels that `stage` consumes, chunk by chunk, to make its output `channels`.
  public func chunks(of stage: Int, for channels: Range<Int>) -> [Range<Int>] {
    guard chain.mixesChannels(stage) else { return [chain.inputChannels(of: stage, for: channels)] }
    let extent = chain.stages[stage].shape.inputChannels
    return stride(from: 0, to: extent, by: tiling.reduction[stage]).map {
      $0..<min($0 + tiling.reduction[stage], extent)
    }
  }
}
