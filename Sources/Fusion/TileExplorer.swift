import CostModel
import Hardware
import Scheduling
import Workload

/// A legal schedule of a chain on a GPU and what it costs.
public struct TileCandidate: Hashable, Sendable {
  public let schedule: Schedule
  public let cost: Cost
  public let accesses: GlobalAccesses
}

/// Finds the tiles of a chain that cost least on a GPU: every rows × columns × channels tile and every reduction
/// chunk, by closed form, leaving out only what cannot be optimal. Where channels lie side by side and the objective counts
/// bytes, every one with the channels of whole sectors.
public struct TileExplorer: Sendable {
  public let gpu: GPU
  public let objective: Objective
  /// The least number of thread blocks; where a chain cannot be cut into so many, as many as it can.
  public let minBlocks: Int

  public init(gpu: GPU, objective: Objective = .gma, minBlocks: Int? = nil) {
    self.gpu = gpu
    self.objective = objective
    self.minBlocks = minBlocks ?? gpu.multiprocessors
  }

  /// The schedule of least cost; on axes of more than `AxisCandidates.exhaustive` outputs, among the smallest tiles
  /// of each count.
  /// - Throws: `ScheduleError` of the smallest tile where no tile is legal.
  public func best(of chain: Chain) throws(ScheduleError) -> TileCandidate {
    try best(of: chain, TileSearch(self, chain))
  }

  func best(of chain: Chain, _ search: TileSearch) throws(ScheduleError) -> TileCandidate {
    if let choice = search.best { return try realised(choice, search) }
    return try candidate(of: chain, rows: 1, columns: 1, channels: 1)
  }

  /// The schedule of least cost; nil where none is legal and costs less than `limit`.
  func best(of chain: Chain, below limit: Cost) throws(ScheduleError) -> TileCandidate? {
    let search = TileSearch(self, chain, below: limit)
    guard let choice = search.best else { return nil }
    return try realised(choice, search)
  }

  /// The best reduction chunk, of any size, and lanes for a given tile of the output, whatever the number of blocks.
  /// - Throws: `ScheduleError` where none is legal: that of the variant that needs least shared memory.
  public func candidate(
    of chain: Chain, rows: Int, columns: Int, channels: Int
  ) throws(ScheduleError) -> TileCandidate {
    let whole = Tiling(
      rows: rows, columns: columns, channels: channels,
      reduction: chain.stages.map(\.shape.channelsPerGroup))
    let probe = try Schedule(chain, tiling: whole)
    let (rowSums, columnSums) = (AxisSums(probe.rows), AxisSums(probe.columns))
    let legality = LaneLegality(chain: chain, gpu: gpu)
    let groups = ReductionOptions(chain).groups(ofTile: channels)
    var best: TileCandidate?
    for group in groups {
      guard let found = legality.realise(group, channels, rowSums, columnSums) else { continue }
      let lanes = objective.isEstimate ? legality.variants(of: found, rowSums, columnSums) : [found.lanes]
      for lanes in lanes {
        let next = try candidate(chain, found.tiling, lanes)
        if best.map({ next.cost < $0.cost }) ?? true { best = next }
      }
    }
    if let best { return best }
    // Says what is wrong with the variant that needs least.
    let least = Tiling(
      rows: rows, columns: columns, channels: channels,
      reduction: groups[groups.count - 1].options.last ?? whole.reduction)
    let lanes = legality.lanes(threads: LaneLegality.threadCounts[0])
    try Schedule(chain, tiling: least, lanes: lanes).checkLegality(on: gpu)
    return try candidate(chain, least, lanes)
  }

  /// Channels that fill a sector of a map where they lie side by side; 1 where they do not. Sectors that are priced may be cut
  /// as well, but where the L2 has dropped the rest of a sector by the time that the next tile asks for it, which the price lacks:
  /// of maps larger than the L2, where tiles share the channels out.
  func channelsOfSector(_ chain: Chain) -> Int {
    guard chain.axisOrder == .hwc else { return 1 }
    let (input, output) = (chain.stages[0].inputMap, chain.last.outputMap)
    let elements = (input.elements * chain.stages[0].inputs.count + output.elements) / output.batch
    let isKept = elements * chain.elementType.bytes <= gpu.l2.capacity.count
    let isShared = !chain.stages.indices.contains(where: chain.mixesChannels)
    if objective.isEstimate, isKept || !isShared { return 1 }
    return max(1, gpu.sector.count / chain.elementType.bytes)
  }

  /// - Parameter variant: Which lanes a choice takes that has none yet, of as many as a price may choose from, round and round.
  func realised(
    _ choice: TileChoice, _ search: TileSearch, variant: Int = 0
  ) throws(ScheduleError) -> TileCandidate {
    let legality = search.legality
    guard
      let found = legality.realise(choice.group, choice.channels, choice.rows, choice.columns)
    else { preconditionFailure("a tile under the staircase has no legal lanes") }
    guard choice.lanes == nil, objective.isEstimate else {
      return try candidate(search.chain, found.tiling, choice.lanes ?? found.lanes)
    }
    let variants = legality.variants(of: found, choice.rows, choice.columns)
    return try candidate(search.chain, found.tiling, variants[variant % variants.count])
  }

  private func candidate(
    _ chain: Chain, _ tiling: Tiling, _ lanes: LaneMap
  ) throws(ScheduleError) -> TileCandidate {
    try candidate(Schedule(chain, tiling: tiling, lanes: lanes))
  }

  /// A schedule that was chosen elsewhere, with what it costs.
  /// - Throws: `ScheduleError` where it is illegal on the GPU.
  public func candidate(_ schedule: Schedule) throws(ScheduleError) -> TileCandidate {
    try schedule.checkLegality(on: gpu)
    let formula = AccessFormula(
      chain: schedule.chain, channels: ChannelSums(chain: schedule.chain, tiling: schedule.tiling))
    if formula.total(rows: AxisSums(schedule.rows), columns: AxisSums(schedule.columns)) == nil {
      throw .tooManyAccesses(limit: AccessFormula.limit)
    }
    let accesses = AnalyticTraffic(schedule).accesses
    return TileCandidate(
      schedule: schedule,
      cost: Cost(primary: objective.value(of: schedule, on: gpu, accesses: accesses), gma: accesses.total),
      accesses: accesses)
  }
}

extension Objective {
  /// The primary cost of a schedule.
  public func value(of schedule: Schedule, on gpu: GPU, accesses: GlobalAccesses) -> ObjectiveValue {
    if self == .gma { return ObjectiveValue(accesses.total.count) }
    let dram = DRAMEstimate(schedule, on: gpu).total
    if self == .dram { return ObjectiveValue(dram.count) }
    return estimate(of: KernelWork(schedule, on: gpu, accesses: accesses, dram: dram), on: gpu)
  }

  /// Of `time` and `energy`; where not so many blocks are handed out, but so many are there at once, no more than that.
  func estimate(of work: KernelWork, on gpu: GPU, isDistributed: Bool = true) -> ObjectiveValue {
    self == .energy
      ? ObjectiveValue(EnergyEstimate(work, on: gpu).total.count)
      : ObjectiveValue(TimeEstimate(work, on: gpu, isDistributed: isDistributed).total.count)
  }
}
