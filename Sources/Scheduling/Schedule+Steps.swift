import Hardware
import Workload

extension Schedule {
  /// No block has more computes: each stage is asked at most once for each chunk of the one after it. `Int.max` where they are
  /// more than can be counted.
  public var mostComputes: Int {
    var (asked, all) = (1, 0)
    for stage in chain.stages.indices.reversed() {
      let chunk = tiling.reduction[stage]
      let chunks =
        chain.mixesChannels(stage) ? Self.ceilDivide(chain.stages[stage].shape.inputChannels, chunk) : 1
      let (product, overflows) = asked.multipliedReportingOverflow(by: chunks)
      let (sum, isTooMany) = all.addingReportingOverflow(product)
      if overflows || isTooMany { return .max }
      (asked, all) = (product, sum)
    }
    return all
  }

  /// What `block` does, step by step.
  public func steps(of block: ThreadBlock) -> [TileStep] {
    var writer = StepWriter(schedule: self, block: block)
    writer.produce(stage: chain.stages.count - 1, channels: block.channels)
    writer.append(.store(outputRegion(of: block)))
    return writer.steps
  }

  /// The same step of `block`, which has the channels of the block that the step is of: blocks of one channel tile do the same
  /// on different pieces of the maps.
  public func step(_ step: TileStep, movedTo block: ThreadBlock) -> TileStep {
    switch step {
    case .load(.ifm(let input), let region):
      .load(.ifm(input), inputRegion(of: block, channels: region.channels))
    case .load(.residual(let stage), let region):
      .load(.residual(stage: stage), residualRegion(of: block, stage: stage, channels: region.channels))
    case .store: .store(outputRegion(of: block))
    case .load, .compute, .barrier: step
    }
  }

  /// What `block` loads of those channels of an input.
  public func inputRegion(of block: ThreadBlock, channels: Range<Int>) -> Region {
    Region(
      outer: block.image..<block.image + 1, channels: channels, rows: rows.slots[block.rowTile][0],
      columns: columns.slots[block.columnTile][0])
  }

  /// What `block` loads of those channels of the residual of `stage`.
  func residualRegion(of block: ThreadBlock, stage: Int, channels: Range<Int>) -> Region {
    Region(
      outer: block.image..<block.image + 1, channels: channels, rows: rows.slots[block.rowTile][stage + 1],
      columns: columns.slots[block.columnTile][stage + 1])
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
  /// What each operand's buffer and each stage's intermediate buffer hold, by channels (and filters), as far as the
  /// step that is written next may read it; and what is loaded ahead into the other copy of a double buffer.
  private var held: [Buffer: [Range<Int>]] = [:]
  private var ahead: [Buffer: [Range<Int>]] = [:]
  private var hazards = HazardTracker()

  init(schedule: Schedule, block: ThreadBlock) {
    self.schedule = schedule
    self.block = block
  }

  private var chain: Chain { schedule.chain }

  mutating func append(_ step: TileStep) { steps.append(step) }

  /// Leaves output `channels` of `stage` in its intermediate buffer, or in registers after the last stage and before a
  /// residual is added.
  mutating func produce(stage: Int, channels: Range<Int>) {
    guard held[.intermediate(stage)] != [channels] else { return }
    held[.intermediate(stage)] = [channels]
    let chunks = schedule.chunks(of: stage, for: channels)
    for (index, chunk) in chunks.enumerated() {
      fetch(stage: stage, channels: channels, chunk: chunk)
      if schedule.lanes.buffers > 1, index + 1 < chunks.count {
        fetch(stage: stage, channels: channels, chunk: chunks[index + 1], isAhead: true)
      }
      if stage > 0 { produce(stage: stage - 1, channels: chunk) }
      if chain.isEpilogue(stage) {
        let residual = Operand.residual(stage: stage)
        steps.append(.load(residual, region(of: residual, channels: channels, filters: nil)))
      }
      compute(stage: stage, channels: channels, reducing: chunk)
    }
  }

  /// Loads what `stage` and those before it need for the first compute of each. Ahead of its time nothing is loaded for
  /// a stage that goes through chunks of its own meanwhile, since these take both copies.
  private mutating func fetch(stage: Int, channels: Range<Int>, chunk: Range<Int>, isAhead: Bool = false) {
    if stage == 0 {
      for input in chain.stages[0].inputs.indices { load(.ifm(input), channels: chunk, isAhead: isAhead) }
    } else if held[.intermediate(stage - 1)] != [chunk],
      !(isAhead && schedule.tiling.isChunked(stage - 1, in: chain)),
      let first = schedule.chunks(of: stage - 1, for: chunk).first
    {
      fetch(stage: stage - 1, channels: chunk, chunk: first, isAhead: isAhead)
    }
    loadConstants(of: stage, channels: channels, chunk: chunk, isAhead: isAhead)
  }

  private mutating func loadConstants(
    of stage: Int, channels: Range<Int>, chunk: Range<Int>, isAhead: Bool
  ) {
    let layer = chain.stages[stage]
    if layer.hasWeights {
      let reduced = chain.mixesChannels(stage) ? chunk : 0..<layer.shape.channelsPerGroup
      load(.weights(stage: stage), channels: reduced, filters: channels, isAhead: isAhead)
    }
    if layer.hasBias { load(.bias(stage: stage), channels: channels, isAhead: isAhead) }
    if chain.hasMultipliers(stage) {
      load(.multipliers(stage: stage), channels: channels, isAhead: isAhead)
    }
  }

  private mutating func load(
    _ operand: Operand, channels: Range<Int>, filters: Range<Int>? = nil, isAhead: Bool
  ) {
    let buffer = Buffer.operand(operand)
    let key = [channels] + (filters.map { [$0] } ?? [])
    guard held[buffer] != key, !(isAhead && ahead[buffer] == key) else { return }
    if ahead[buffer] == key {
      ahead[buffer] = nil
      hazards.advance(buffer)
    } else {
      if hazards.write(buffer, buffers: schedule.copies(of: operand), isAhead: isAhead) {
        steps.append(.barrier)
      }
      steps.append(.load(operand, region(of: operand, channels: channels, filters: filters)))
    }
    if isAhead { ahead[buffer] = key } else { held[buffer] = key }
  }

  private func region(of operand: Operand, channels: Range<Int>, filters: Range<Int>?) -> Region {
    switch operand {
    case .ifm:
      return schedule.inputRegion(of: block, channels: channels)
    case .weights(let stage):
      let shape = chain.stages[stage].shape
      return Region(
        outer: filters ?? 0..<0, channels: channels, rows: .all(shape.rows.window),
        columns: .all(shape.columns.window))
    case .residual(let stage): return schedule.residualRegion(of: block, stage: stage, channels: channels)
    case .bias, .multipliers, .ofm:
      return Region(outer: 0..<1, channels: channels, rows: .single, columns: .single)
    }
  }

  private mutating func compute(stage: Int, channels: Range<Int>, reducing: Range<Int>) {
    // What stands in registers meets nobody; the buffer that it ends in counts as written by the stage before.
    if chain.isEpilogue(stage) {
      return steps.append(.compute(stage: stage, channels: channels, reducing: reducing))
    }
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
    let target = chain.target(of: stage)
    let written: [Buffer] = ends && chain.hasBuffer(target) ? [.intermediate(target)] : []
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

  /// Notes a load into the next copy of `buffer`, which becomes the current one unless the load is ahead of its time;
  /// true where a barrier must come first.
  mutating func write(_ buffer: Buffer, buffers: Int, isAhead: Bool) -> Bool {
    let copy = ((current[buffer] ?? buffers - 1) + 1) % buffers
    if !isAhead { current[buffer] = copy }
    let instance = Instance(buffer: buffer, copy: copy)
    let needed = read.contains(instance) || written.contains(instance)
    if needed { synchronize() }
    written.insert(instance)
    return needed
  }

  /// The copy that was loaded ahead becomes the current one.
  mutating func advance(_ buffer: Buffer) { current[buffer] = 1 - (current[buffer] ?? 1) }

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

  /// As many as `chunks(of:for:)` has, whatever the channels.
  public func chunkCount(of stage: Int) -> Int { tiling.chunkCount(of: stage, in: chain) }
}
