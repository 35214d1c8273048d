import Hardware
import Scheduling
import Workload

/// What one block of a schedule does on its multiprocessor, counted from sizes alone: the recursion of
/// `Schedule.steps(of:)` without its regions. Tiles at the edges do what all others do, for a tile's size is a constant.
struct BlockWork {
  struct Counts: Hashable {
    /// Warp instructions that load, that multiply and add one product a lane, that access shared memory.
    var loads = 0, multiplyAdds = 0, sharedRequests = 0
    /// Warp instructions of four products a lane, and matrices that warps multiply.
    var dotProducts = 0, matrices = 0
    /// Passes over the banks beyond one for each of those: of copies those of wide items, of others as far as a few of a compute
    /// step's warps show.
    var bankConflicts = 0
    /// How often the block's threads wait for loads, one time after the other.
    var waits = 0
    /// Steps of matrices of the block's busiest warp.
    var matrixSteps = 0
    /// Tenths of warp instructions beside all those, and compute steps.
    var overheadTenths = 0, steps = 0

    /// Adds `times` what `more` has beyond `less`.
    mutating func add(_ more: Counts, less: Counts, times: Int) {
      loads += (more.loads - less.loads) * times
      dotProducts += (more.dotProducts - less.dotProducts) * times
      matrices += (more.matrices - less.matrices) * times
      multiplyAdds += (more.multiplyAdds - less.multiplyAdds) * times
      sharedRequests += (more.sharedRequests - less.sharedRequests) * times
      bankConflicts += (more.bankConflicts - less.bankConflicts) * times
      waits += (more.waits - less.waits) * times
      matrixSteps += (more.matrixSteps - less.matrixSteps) * times
      overheadTenths += (more.overheadTenths - less.overheadTenths) * times
      steps += (more.steps - less.steps) * times
    }
  }

  private(set) var counts = Counts()
  private let costs: StepCosts
  /// The lanes of each stage's last step.
  private var lanes: [(channels: Int, map: ComputeLanes)?]
  private var held: [[Range<Int>]]
  private var produced: [Range<Int>?]
  /// Whether copies are on their way that no thread has waited for.
  private var isCopying = false
  private var waitsForCopies = 0
  /// Whether the second copies of buffers were filled a step ahead, with what is loaded now.
  private var isLoadedAhead = false

  init(_ costs: StepCosts, channels: Range<Int>) {
    self.costs = costs
    held = Array(repeating: [], count: costs.operands.count)
    produced = Array(repeating: nil, count: costs.chain.stages.count)
    lanes = Array(repeating: nil, count: costs.chain.stages.count)
    let last = costs.chain.stages.count - 1
    produce(last, channels)
    // Where some stage's do, all are counted as if every one did.
    guard costs.schedule.tiling.loopsOverChunks(in: costs.chain) else { return }
    // Those of a stage's later chunks.
    let more = max(0, counts.steps - costs.chain.stages.indices.count { !costs.chain.isEpilogue($0) })
    counts.overheadTenths += more * costs.warps * OverheadCosts.loopedStep
  }

  private var chain: Chain { costs.chain }

  /// Most steps of a stage make as many channels.
  private mutating func lanes(_ stage: Int, channels: Int) -> ComputeLanes {
    if let last = lanes[stage], last.channels == channels { return last.map }
    let map = costs.lanes(stage, channels: channels)
    lanes[stage] = (channels, map)
    return map
  }

  private mutating func produce(_ stage: Int, _ channels: Range<Int>) {
    guard produced[stage] != channels else { return }
    produced[stage] = channels
    let chunks = costs.schedule.chunkCount(of: stage)
    // Chunks between the second and the last but one do what the second does: they differ from the one before as it does.
    let isRegular = chunks > 4 && !chain.mayCutGroups(of: stage)
    let outside = isLoadedAhead
    defer { isLoadedAhead = outside }
    for index in 0..<chunks where !isRegular || index < 2 || index >= chunks - 2 {
      let before = counts
      // With the last chunk nothing is loaded ahead, so there is nothing to wait for.
      if chunks > 1 { isLoadedAhead = costs.schedule.lanes.buffers > 1 && index == chunks - 1 }
      consume(costs.schedule.chunk(index, of: stage, for: channels), stage, channels)
      if isRegular, index == 1 { counts.add(counts, less: before, times: chunks - 4) }
    }
    let lanes = lanes(stage, channels: channels.count)
    end(stage, lanes)
    counts.overheadTenths += OverheadCosts.ending(stage, costs, lanes)
  }

  /// Biases and multipliers at the end of the reduction, and the intermediate's writes.
  private mutating func end(_ stage: Int, _ lanes: ComputeLanes) {
    let banks = costs.countsConflicts ? BankPasses(costs, stage, lanes) : nil
    func add(_ requests: Int, _ conflicts: Double?) {
      counts.sharedRequests += requests
      counts.bankConflicts += Int((Double(requests) * (conflicts ?? 0)).rounded())
    }
    for bytes in chain.constantBytes(of: stage) {
      let requests = lanes.warps * lanes.channelsKept / lanes.constantsRead(of: bytes)
      add(requests, banks?.constantConflicts(bytes))
    }
    if chain.hasBuffer(stage) { add(lanes.writes, banks?.writeConflicts()) }
  }

  /// Items that the busiest warp works out one after the other.
  private func turns(_ lanes: ComputeLanes) -> Int { Schedule.ceilDivide(lanes.warps, costs.warps) }

  private mutating func consume(_ chunk: Range<Int>, _ stage: Int, _ channels: Range<Int>) {
    let layer = chain.stages[stage]
    var hasWaited = false
    if stage > 0 {
      let before = waitsForCopies
      produce(stage - 1, chunk)
      hasWaited = waitsForCopies > before
    } else {
      for input in layer.inputs.indices { load(.ifm(input), [chunk]) }
    }
    if layer.hasWeights {
      let reduced = chain.mixesChannels(stage) ? chunk : 0..<layer.shape.channelsPerGroup
      load(.weights(stage: stage), [reduced, channels])
    }
    if layer.hasBias { load(.bias(stage: stage), [channels]) }
    if chain.hasMultipliers(stage) { load(.multipliers(stage: stage), [channels]) }
    if chain.isEpilogue(stage) { loadResidual(of: stage, channels: channels.count) }
    // What a stage takes is loaded before the stages that it reads begin, and waited for with what they load.
    if isCopying, !hasWaited {
      counts.waits += 1
      waitsForCopies += 1
    }
    isCopying = false
    compute(stage, channels: channels.count, reducing: chunk.count)
  }

  /// To registers, as results are stored.
  private mutating func loadResidual(of stage: Int, channels: Int) {
    guard chain.operands.contains(.residual(stage: stage)) else { return }
    counts.loads += lanes(stage, channels: channels).resultRequests
  }

  private mutating func load(_ operand: Operand, _ ranges: [Range<Int>]) {
    guard let index = costs.operands.firstIndex(of: operand), held[index] != ranges else { return }
    held[index] = ranges
    let slots = ranges.reduce(costs.slots[index]) { $0 * $1.count }
    let items = (slots + costs.widths[index] - 1) / costs.widths[index]
    let rounds = costs.rounds[index]
    let warps = rounds.requests(of: items)
    counts.loads += warps
    counts.sharedRequests += warps
    counts.bankConflicts += rounds.passes(of: items, bytes: costs.bytes[index]) - warps
    counts.overheadTenths += OverheadCosts.loading(operand, costs, rounds.kept, requests: warps)
    let perThread = Schedule.ceilDivide(items, rounds.threads)
    switch CopyPath(itemBytes: costs.bytes[index], on: costs.architecture) {
    case .asynchronous: if !isLoadedAhead { isCopying = true }
    case .registers:
      // Where copies are asynchronous the loop of the others is not unrolled (staging.cuh).
      let inFlight = costs.architecture >= CopyPath.firstAsynchronous ? 1 : KernelWork.loadsInFlight
      counts.waits += Schedule.ceilDivide(perThread, inFlight)
    }
  }

  private mutating func compute(_ stage: Int, channels: Int, reducing: Int) {
    let layer = chain.stages[stage]
    let lanes = lanes(stage, channels: channels)
    let reduced = chain.mixesChannels(stage) ? reducing : layer.shape.channelsPerGroup
    if !chain.isEpilogue(stage) { counts.steps += 1 }
    counts.overheadTenths += OverheadCosts.computing(stage, costs, lanes, reduced: reduced)
    switch costs.model.path(of: stage) {
    case .elements: readElements(stage, lanes, reduced: reduced)
    case .packs(let size):
      counts.sharedRequests += reduced / size * lanes.warps * (lanes.tile.pixels + lanes.tile.channels)
    case .filterPacks(let size):
      counts.sharedRequests +=
        lanes.warps * (reduced * lanes.tile.pixels + reduced / size * lanes.tile.channels)
    case .matrix:
      let steps = reduced / ComputePath.matrixChannels * lanes.warps
      counts.matrixSteps += reduced / ComputePath.matrixChannels * turns(lanes)
      counts.sharedRequests += 2 * steps * (lanes.pixelsRead + lanes.tile.channels / 2)
    }
    if costs.countsConflicts { addConflicts(stage, lanes, reduced: reduced) }
    guard layer.hasWeights else { return }
    let taps = layer.shape.rows.window * layer.shape.columns.window
    let outputs = reduced * lanes.warps * lanes.tile.channels * lanes.tile.pixels
    let products = outputs * taps
    switch costs.model.path(of: stage) {
    case .elements where lanes.joinsTaps:
      counts.dotProducts += outputs * ComputePath.dotProducts(ofTaps: taps)
    case .packs where chain.elementType == .int8: counts.dotProducts += products / ComputePath.dotChannels
    case .elements, .packs, .filterPacks: counts.multiplyAdds += products
    case .matrix: counts.matrices += products * WarpRequest.lanes / ComputePath.matrixProducts
    }
  }

  private mutating func readElements(_ stage: Int, _ lanes: ComputeLanes, reduced: Int) {
    let layer = chain.stages[stage]
    let runs = chain.mixesChannels(stage) ? 1 : lanes.channelRuns
    counts.sharedRequests +=
      valueRows(stage, lanes, reduced: reduced) * runs * lanes.pixelsRead * inputs(of: stage)
    guard layer.hasWeights else { return }
    let taps = layer.shape.rows.window * layer.shape.columns.window
    let filters = costs.model.filterLayout(of: stage, reducing: reduced)
    counts.sharedRequests += reduced * taps * lanes.warps * lanes.tile.channels / filters.vector
  }

  /// Values that the step's warps read one by one for each run of channels and pixel of which they read any.
  private func valueRows(_ stage: Int, _ lanes: ComputeLanes, reduced: Int) -> Int {
    let shape = chain.stages[stage].shape
    return reduced * lanes.warps * lanes.rowsRead(shape.rows) * shape.columns.window
  }

  /// Maps that a stage reads from shared memory.
  private func inputs(of stage: Int) -> Int {
    chain.isEpilogue(stage) ? 0 : stage == 0 ? chain.stages[stage].inputs.count : 1
  }

  private mutating func addConflicts(_ stage: Int, _ lanes: ComputeLanes, reduced: Int) {
    let layer = chain.stages[stage]
    let banks = BankPasses(costs, stage, lanes)
    func add(_ requests: Int, _ conflicts: Double) {
      counts.bankConflicts += Int((Double(requests) * conflicts).rounded())
    }
    switch costs.model.path(of: stage) {
    case .elements:
      let taps = layer.shape.rows.window * layer.shape.columns.window
      add(valueRows(stage, lanes, reduced: reduced) * inputs(of: stage), banks.valueConflicts())
      if layer.hasWeights { add(reduced * taps * lanes.warps, banks.weightConflicts(reduced: reduced)) }
    case .packs(let size):
      add(
        reduced / size * lanes.warps,
        banks.valueConflicts(pack: size) + banks.weightConflicts(reduced: reduced, pack: size))
    case .filterPacks(let size):
      let conflicts =
        Double(reduced * lanes.warps) * banks.valueConflicts()
        + Double(reduced / size * lanes.warps) * banks.weightConflicts(reduced: reduced, pack: size)
      add(1, conflicts)
    case .matrix: break
    }
  }
}

extension Schedule {
  /// `chunks(of:for:)[index]`.
  fileprivate func chunk(_ index: Int, of stage: Int, for channels: Range<Int>) -> Range<Int> {
    guard chain.mixesChannels(stage) else { return chain.inputChannels(of: stage, for: channels) }
    let first = index * tiling.reduction[stage]
    return first..<min(first + tiling.reduction[stage], chain.stages[stage].shape.inputChannels)
  }
}

extension LoadRounds {
  /// Passes over the 32 banks of words in which a block writes `items` of `bytes` bytes, one a lane and side by side: 128 bytes each,
  /// or the lanes of a warp.
  fileprivate func passes(of items: Int, bytes: Int) -> Int {
    func ofWarp(_ items: Int) -> Int { (items * max(bytes, 4) + 127) / 128 }
    func ofRound(_ items: Int) -> Int {
      items / WarpRequest.lanes * ofWarp(WarpRequest.lanes) + ofWarp(items % WarpRequest.lanes)
    }
    return items / threads * ofRound(threads) + ofRound(items % threads)
  }
}

extension ComputeLanes {
  /// Runs of neighbouring channels of an item that a lane writes at once.
  var channelRuns: Int { (tile.channels + storeWidth - 1) / storeWidth }

  /// Warp instructions that move each result between registers and global memory.
  var resultRequests: Int { warps * ((channelsKept + storeWidth - 1) / storeWidth) * tile.pixels }

  /// Warp instructions that write the step's outputs, those of which some lane has one for itself: the rest is dropped.
  fileprivate var writes: Int {
    var count = 0
    for warp in 0..<warps {
      let lanes = firstLanes(ofWarp: warp)
      for channel in stride(from: 0, to: channelsKept, by: storeWidth) {
        for pixel in 0..<tile.pixels {
          if lanes.contains(where: {
            output(warp: warp, lane: $0, channel: channel, pixel: pixel)?.isReal == true
          }) {
            count += 1
          }
        }
      }
    }
    return count
  }
}

/// What the steps of a schedule's blocks have in common.
struct StepCosts {
  let schedule: Schedule
  var chain: Chain { schedule.chain }
  /// `Chain.operands`.
  let operands: [Operand]
  /// Of each operand: slots of one channel (and filter), elements that a lane loads at once, and their bytes.
  let slots, widths, bytes: [Int]
  let rounds: [LoadRounds]
  /// Whether every tile takes all rows and columns of the inputs.
  let takesWholePlanes: Bool
  let model: FootprintModel
  /// Warps of a block.
  let warps: Int
  /// Compute capability without its dot, as 75 or 90.
  let architecture: Int
  /// `FootprintModel.raggedMaps`.
  let isRagged: [Bool]
  /// Whether bank conflicts are looked for, which takes most of the time.
  let countsConflicts: Bool

  init(_ schedule: Schedule, architecture: Int, countsConflicts: Bool) {
    self.schedule = schedule
    self.architecture = architecture
    isRagged = schedule.footprintModel.raggedMaps
    warps = Schedule.ceilDivide(schedule.lanes.threads, WarpRequest.lanes)
    self.countsConflicts = countsConflicts
    model = schedule.footprintModel
    let chain = schedule.chain
    operands = chain.operands
    let rows = schedule.rows.offsets[0].count
    let columns = schedule.columns.offsets[0].count
    slots = operands.map { operand in
      switch operand {
      case .ifm: rows * columns
      case .weights(let stage):
        chain.stages[stage].shape.rows.window * chain.stages[stage].shape.columns.window
      case .residual(let stage):
        schedule.rows.offsets[stage + 1].count * schedule.columns.offsets[stage + 1].count
      case .bias, .multipliers, .ofm: 1
      }
    }
    let walks = operands.map { schedule.laneWalk(of: $0) }
    widths = walks.map(\.vectorWidth)
    rounds = walks.map(\.rounds)
    takesWholePlanes =
      chain.axisOrder == .chw && zip(operands, walks).contains { $0 == .ifm(0) && $1.takesWholePlanes }
    bytes = zip(operands, widths).map { chain.elementBytes(of: $0) * $1 }
  }

  func lanes(_ stage: Int, channels: Int) -> ComputeLanes {
    ComputeLanes(model, stage: stage, channels: channels)
  }
}
