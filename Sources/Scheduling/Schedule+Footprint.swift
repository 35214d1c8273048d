import Hardware
import Workload

/// What a block of a chain takes of a multiprocessor, from tile sizes alone: cheap enough to ask for every tile.
///
/// Shared memory is exact for the staging buffers that the steps name, each rounded up to 16 B; but where groups have
/// several filters the input's is for a run of outputs that begins at a group's last, though none may. Registers are an
/// estimate (`registersPerThread`).
public struct FootprintModel: Sendable {
  let chain: Chain
  let tiling: Tiling
  public let lanes: LaneMap
  /// Slots along rows and columns of each map.
  let rowSlots, columnSlots: [Int]

  public init(chain: Chain, tiling: Tiling, lanes: LaneMap, rowSlots: [Int], columnSlots: [Int]) {
    self.chain = chain
    self.tiling = tiling
    self.lanes = lanes
    self.rowSlots = rowSlots
    self.columnSlots = columnSlots
  }

  public var footprint: BlockFootprint {
    BlockFootprint(
      threads: lanes.threads, registersPerThread: registersPerThread, sharedMemory: sharedMemory)
  }

  /// The most output channels of `stage` that are asked for at once.
  public func producedChannels(of stage: Int) -> Int {
    let last = chain.stages.count - 1
    if stage == last { return tiling.channels }
    return consumedChannels(of: stage + 1)
  }

  /// The most input channels that `stage` takes at once.
  public func consumedChannels(of stage: Int) -> Int {
    if chain.mixesChannels(stage) { return tiling.reduction[stage] }
    let shape = chain.stages[stage].shape
    let produced = producedChannels(of: stage)
    // A run of outputs may begin at the last filter of a group.
    let groups = min(shape.groups, (produced + shape.filtersPerGroup - 2) / shape.filtersPerGroup + 1)
    return groups * shape.channelsPerGroup
  }

  /// Of the channels of each map, whether its steps are not all of one size: no constants of the kernel then.
  public var raggedMaps: [Bool] {
    var ragged = Array(repeating: false, count: chain.stages.count + 1)
    ragged[chain.stages.count] = chain.last.shape.outputChannels % tiling.channels != 0
    for stage in chain.stages.indices.reversed() {
      ragged[stage] =
        chain.mixesChannels(stage)
        ? chain.stages[stage].shape.inputChannels % tiling.reduction[stage] != 0 : ragged[stage + 1]
    }
    return ragged
  }

  /// The most items of `stage` that a thread works on in one step.
  public func itemsPerThread(of stage: Int) -> Int {
    Schedule.ceilDivide(lanesWithItems(of: stage), lanes.threads)
  }

  /// Items of `stage` in one step, each a lane's; a matrix is 32 lanes'.
  public func lanesWithItems(of stage: Int) -> Int {
    if chain.isEpilogue(stage) { return lanesWithItems(of: stage - 1) }
    let tile = registerTile(of: stage)
    let channels = producedChannels(of: stage)
    // Of a matrix four lanes have neighbouring channels, eight neighbouring pixels.
    let (side, length) = path(of: stage) == .matrix ? (4, 8) : (1, 1)
    return side * Schedule.ceilDivide(channels, side * tile.channels)
      * length * pixelGroups(of: stage, length * tile.pixels)
  }

  /// Accumulators that a thread keeps for `stage`: those of all its items where the reduction comes in chunks, else
  /// those of one; none of its own where it adds a residual to those of the stage before.
  public func accumulators(of stage: Int) -> Int {
    if chain.isEpilogue(stage) { return 0 }
    let tile = registerTile(of: stage)
    return (tiling.isChunked(stage, in: chain) ? itemsPerThread(of: stage) : 1) * tile.channels * tile.pixels
  }

  /// Calls `body` with every buffer, the bytes of one copy and the number of copies.
  func forEachBuffer(_ body: (SharedBuffer, Int, Int) -> Void) {
    func add(_ operand: Operand, elements: Int) {
      let copies = tiling.copies(of: operand, lanes, in: chain)
      body(.operand(operand), roundUp(elements * chain.elementBytes(of: operand)), copies)
    }
    let inputs = elements(of: 0)
    for input in chain.stages[0].inputs.indices { add(.ifm(input), elements: inputs) }
    for stage in chain.stages.indices {
      let produced = producedChannels(of: stage)
      if chain.hasWeights(stage) {
        add(.weights(stage: stage), elements: weightElements(of: stage))
      }
      if chain.hasBias(stage) { add(.bias(stage: stage), elements: produced) }
      if chain.hasMultipliers(stage) { add(.multipliers(stage: stage), elements: produced) }
      if chain.hasBuffer(stage) {
        let bytes = elements(of: stage + 1) * chain.elementType.bytes
        body(.intermediate(after: stage), roundUp(bytes), 1)
      }
    }
  }

  /// Elements that the buffer of map `map` has room for.
  private func elements(of map: Int) -> Int {
    let slots = rowSlots[map] * columnSlots[map]
    return slots * (chain.axisOrder == .hwc ? pixelPitch(of: map) : consumedChannels(of: map))
  }

  public var sharedMemory: Bytes {
    var bytes = 0
    forEachBuffer { bytes += $1 * $2 }
    return Bytes(bytes)
  }

  /// An estimate of what the compiler takes: most of any stage while a thread makes it, with the accumulators that later stages
  /// keep from chunk to chunk, and some for chunks, a second buffer and each further stage. The numbers are fitted to what NVRTC
  /// 13.0 takes of 392 kernels of the four built-in networks for compute capability 7.5 to 9.0: 90 % of the estimates are 0.82 to
  /// 1.27 times that, their mean error is 10 %. Of 402 kernels of plans for an H200, whose text is a later one, 90 % are 0.87 to
  /// 1.31 times, with 11 %. `Tests/machine-code` prints both.
  public var registersPerThread: Int {
    var (most, kept) = (0, 0)
    var hasChunks = false
    // A residual is added where the sums are, and costs nothing.
    let stages = chain.stages.indices.filter { !chain.isEpilogue($0) }
    for stage in stages.reversed() {
      let tile = registerTile(of: stage)
      let own = max(accumulators(of: stage), tile.channels * tile.pixels)
      let (base, each) = registerCost(of: stage)
      let beside = kept > 0 ? 9 * kept + 64 : 0
      most = max(most, 8 * base + each * operandWords(of: stage) + 8 * own + beside)
      if tiling.isChunked(stage, in: chain) {
        kept += own
        hasChunks = true
      }
    }
    return Schedule.ceilDivide(most, 8) + (hasChunks ? 7 : 0) + (lanes.buffers == 2 ? 12 : 0)
      + 3 * (stages.count - 1)
  }

  /// Registers for addresses and loop state of a stage, and eighths of one for each word that it reads.
  private func registerCost(of stage: Int) -> (base: Int, each: Int) {
    let isFP32 = chain.elementType == .fp32
    guard chain.mixesChannels(stage) else {
      if !chain.hasWeights(stage) { return chain.axisOrder == .chw ? (27, 0) : (33, 0) }
      if slidesWindows(of: stage) { return (23, 8) }
      return chain.axisOrder == .chw ? (19, 64) : isFP32 ? (24, 72) : (34, 8)
    }
    return switch path(of: stage) {
    case .elements: (40, 24)
    case .filterPacks: isFP32 ? (26, 22) : (20, 60)
    case .packs: isFP32 ? (40, 13) : (40, 6)
    case .matrix: (17, 24)
    }
  }

  /// Words of values and weights that a thread holds of a stage at a time.
  private func operandWords(of stage: Int) -> Int {
    let tile = registerTile(of: stage)
    guard chain.mixesChannels(stage) else {
      guard slidesWindows(of: stage) else { return tile.pixels + tile.channels }
      // The weights of rows that some pixel's window still has to see; of a small window the compiler reads all at once.
      let (rows, columns) = (chain.stages[stage].shape.rows, chain.stages[stage].shape.columns)
      let live = columns.window * min(rows.window, (tile.pixels - 1) * rows.stride + 1)
      return 2 * tile.pixels + tile.channels * max(live, min(rows.window * columns.window, 20))
    }
    let bytes = chain.elementType.bytes
    return switch path(of: stage) {
    case .elements: tile.pixels + tile.channels
    case .filterPacks(let size): tile.pixels + tile.channels * size * bytes / 4
    case .packs(let size): (tile.pixels + tile.channels) * size * bytes / 4
    case .matrix: 2 * tile.pixels + tile.channels
    }
  }

  private func roundUp(_ bytes: Int) -> Int {
    Schedule.ceilDivide(bytes, SharedLayout.alignment) * SharedLayout.alignment
  }
}

extension Schedule {
  public var footprintModel: FootprintModel {
    FootprintModel(
      chain: chain, tiling: tiling, lanes: lanes, rowSlots: rows.slotCounts,
      columnSlots: columns.slotCounts)
  }

  public var footprint: BlockFootprint { footprintModel.footprint }

  public var sharedLayout: SharedLayout { SharedLayout(footprintModel) }

  /// Buffers that a block has for `operand`.
  public func copies(of operand: Operand) -> Int { tiling.copies(of: operand, lanes, in: chain) }

  /// What a thread computes together of `stage`.
  public func registerTile(of stage: Int) -> RegisterTile { footprintModel.registerTile(of: stage) }

  /// The most items of `stage` that a thread works on in one step.
  public func itemsPerThread(of stage: Int) -> Int { footprintModel.itemsPerThread(of: stage) }

  /// Accumulators that a thread keeps for `stage`.
  public func accumulators(of stage: Int) -> Int { footprintModel.accumulators(of: stage) }

  /// Blocks that the estimate of registers leaves room for on a multiprocessor of 65,536, up to 1,024 threads. The compiler is
  /// held to it, so that as many blocks are resident as a plan counts on.
  public var residentBlocksInRegisters: Int {
    let threads = lanes.threads
    let perThread = Self.ceilDivide(footprint.registersPerThread, 8) * 8
    return max(1, min(65536 / (perThread * threads), 1024 / threads))
  }

  public func occupancy(on gpu: GPU) -> Occupancy { Occupancy(footprint, on: gpu) }
}
