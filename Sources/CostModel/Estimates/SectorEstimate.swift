import Hardware
import Scheduling
import Workload

/// Sectors that a kernel's requests touch and where they are found, by closed form: of each operand from the bytes accessed
/// and the length of what lies side by side.
///
/// A step takes some channels of what a block takes in all. Where channels are innermost, as in weights and NHWC maps, steps
/// that follow one another cut at places that need not be those of sectors; what two of them share of a sector the second one
/// finds in the L1, if that holds such lines of a step of every resident block. No other hits are taken for granted there: not
/// of what a block loads again, nor of what another one left. Blocks find in the L2 what others have asked for.
struct SectorEstimate {
  /// Sectors that loads ask the L1 for, those of them that it has, those that the L2 must fetch from DRAM, and those that
  /// stores write. Of a piece that the L2 fetches at once one sector misses, once: nothing is evicted that is asked for again.
  private(set) var loads = 0, fromL1 = 0, fromDRAM = 0, stores = 0
  var fromL2: Int { loads - fromL1 - fromDRAM }
  /// Lines of all requests, loads and stores.
  private(set) var lines = 0

  private let schedule: Schedule
  private let sector: Int
  private var chain: Chain { schedule.chain }

  init(_ schedule: Schedule, accesses: GlobalAccesses, on gpu: GPU) {
    self.schedule = schedule
    sector = gpu.sector.count
    let fetched = gpu.l2FetchGranularity.count
    var (fetches, shared, held) = (0, 0, 0)
    for operand in accesses.operands {
      let bytes = accesses.total(of: operand).count
      let run = self.run(of: operand)
      let sectors = run.pieces(bytes, of: sector)
      let perRequest = WarpRequest.lanes * schedule.vectorWidth(of: operand) * chain.elementBytes(of: operand)
      lines += run.cut(to: perRequest).pieces(bytes, of: gpu.l1Line.count)
      guard operand != .ofm else {
        stores += sectors
        continue
      }
      loads += sectors
      let distinct = accesses[operand, .compulsory].count
      fetches += run.hasGaps ? run.pieces(distinct, of: fetched) : (distinct + fetched - 1) / fetched
      guard let all = runOfAllSteps(operand) else { continue }
      let again = sectors - all.pieces(bytes, of: sector)
      guard again > 0 else { continue }
      shared += again
      held += run.pieces(bytesOfStep(operand), of: gpu.l1Line.count) * gpu.l1Line.count
    }
    let occupancy = schedule.occupancy(on: gpu)
    let room = (gpu.unifiedL1 - occupancy.carveOut).count
    if held * max(1, occupancy.blocksPerMultiprocessor) <= room { fromL1 = shared }
    fromDRAM = min(loads - fromL1, fetches)
  }
}

/// Bytes that lie side by side, among others of the kind.
private struct Run {
  /// Of the run that are accessed, and from its first to its last. 0 where one run follows the other without an end.
  private let bytes, span: Int
  /// Runs begin at multiples of so many bytes.
  private let step: Int
  /// Whether bytes between those that are accessed are not.
  let hasGaps: Bool

  static let endless = Run(bytes: 0, apart: 0)

  /// - Parameter apart: From the beginning of one run to that of the next; 0 where it is the length of the run.
  init(bytes: Int, span: Int? = nil, apart: Int, hasGaps: Bool = false) {
    self.bytes = bytes
    self.span = span ?? bytes
    self.hasGaps = hasGaps
    step = Self.commonDivisor(bytes, apart)
  }

  /// Pieces of `size` bytes that runs with `total` bytes touch. Where all multiples of some d are as likely to be a run's
  /// beginning, and d divides its length and `size`, it touches (length − d) ÷ size + 1 in the mean.
  func pieces(_ total: Int, of size: Int) -> Int {
    guard bytes > 0 else { return (total + size - 1) / size }
    let perRun = Double(span - Self.commonDivisor(step, size)) / Double(size) + 1
    return Int((Double(total) / Double(bytes) * perRun).rounded(.up))
  }

  /// The pieces of so many bytes that requests take of it.
  func cut(to most: Int) -> Run {
    guard bytes == 0 || (bytes > most && span == bytes) else { return self }
    return Run(bytes: most, apart: bytes == 0 ? 0 : step, hasGaps: hasGaps)
  }

  private static func commonDivisor(_ a: Int, _ b: Int) -> Int { b == 0 ? a : commonDivisor(b, a % b) }
}

extension SectorEstimate {
  /// Channels of a map that a step takes or makes: a tile's of the last map, else a chunk or those of the groups. Where groups have
  /// several filters, `FootprintModel.consumedChannels` has room for a run of outputs that begins at a group's last one; here it
  /// begins with a group, as most do.
  private func channels(of map: Int) -> Int {
    guard map < chain.stages.count else { return schedule.tiling.channels }
    if chain.mixesChannels(map) { return schedule.tiling.reduction[map] }
    let shape = chain.stages[map].shape
    return Schedule.ceilDivide(channels(of: map + 1), shape.filtersPerGroup) * shape.channelsPerGroup
  }

  /// What lies side by side of what a step takes.
  private func run(of operand: Operand) -> Run {
    let size = chain.elementBytes(of: operand)
    switch operand {
    case .ifm: return run(ofMap: 0, channels: channels(of: 0), size)
    case .residual(let stage): return run(ofMap: stage + 1, channels: channels(of: stage + 1), size)
    case .ofm: return run(ofMap: chain.stages.count, channels: schedule.tiling.channels, size)
    case .weights(let stage):
      let filter = chain.stages[stage].shape.taps * size
      guard schedule.tiling.isChunked(stage, in: chain) else { return run(ofFilters: stage, filter) }
      return Run(bytes: weights(ofStep: stage) * size, apart: filter)
    case .bias(let stage), .multipliers(let stage): return run(ofFilters: stage, size)
    }
  }

  /// The rows, of `filter` bytes each, of the filters that a step of `stage` takes: endless where those are all.
  private func run(ofFilters stage: Int, _ filter: Int) -> Run {
    let filters = channels(of: stage + 1)
    let isAll = filters >= chain.stages[stage].shape.outputChannels
    return isAll ? .endless : Run(bytes: filters * filter, apart: 0)
  }

  private func run(ofMap map: Int, channels: Int, _ size: Int) -> Run {
    let stages = chain.stages
    let full = map == 0 ? stages[0].inputMap : stages[map - 1].outputMap
    // Of a row as much as a tile takes in the mean.
    let held = Schedule.ceilDivide(schedule.columns.total(of: map), schedule.columns.count)
    let (rowGaps, columnGaps) = (hasGaps(schedule.rows, map), hasGaps(schedule.columns, map))
    let isWhole = held >= full.columns && !rowGaps
    guard chain.axisOrder == .hwc else {
      if !columnGaps { return isWhole ? .endless : Run(bytes: held * size, apart: size, hasGaps: rowGaps) }
      let offsets = schedule.columns.offsets[map]
      let span = held * (offsets[offsets.count - 1] + 1) / offsets.count
      // Each element has a sector of its own, or the gaps lie in those that are touched.
      return span * size >= held * sector
        ? Run(bytes: size, apart: 0, hasGaps: true)
        : Run(bytes: held * size, span: span * size, apart: size, hasGaps: true)
    }
    let (pixel, taken) = (full.channels * size, min(channels, full.channels) * size)
    guard taken >= pixel, !columnGaps else {
      return Run(bytes: taken, apart: pixel, hasGaps: rowGaps || columnGaps)
    }
    return isWhole ? .endless : Run(bytes: held * pixel, apart: pixel, hasGaps: rowGaps)
  }

  /// Whether strides pass over elements of the map that no output reads.
  private func hasGaps(_ axis: AxisTiling, _ map: Int) -> Bool {
    let offsets = axis.offsets[map]
    return offsets[offsets.count - 1] >= offsets.count
  }

  /// The runs of all steps of a block together; nil where they are those of each.
  private func runOfAllSteps(_ operand: Operand) -> Run? {
    let size = chain.elementBytes(of: operand)
    func goesOn(from stage: Int) -> Bool {
      (stage..<chain.stages.count).contains { schedule.tiling.isChunked($0, in: chain) }
    }
    switch operand {
    case .ifm:
      guard chain.axisOrder == .hwc, goesOn(from: 0) else { return nil }
      return run(ofMap: 0, channels: chain.stages[0].inputMap.channels, size)
    case .weights(let stage):
      guard goesOn(from: stage) else { return nil }
      return goesOn(from: stage + 1) ? .endless : run(ofFilters: stage, chain.stages[stage].shape.taps * size)
    case .bias(let stage), .multipliers(let stage): return goesOn(from: stage + 1) ? .endless : nil
    case .residual, .ofm: return nil
    }
  }

  private func bytesOfStep(_ operand: Operand) -> Int {
    let size = chain.elementBytes(of: operand)
    switch operand {
    case .ifm: return schedule.rows.slotCounts[0] * schedule.columns.slotCounts[0] * channels(of: 0) * size
    case .weights(let stage): return channels(of: stage + 1) * weights(ofStep: stage) * size
    case .bias(let stage), .multipliers(let stage): return channels(of: stage + 1) * size
    case .residual, .ofm: return 0
    }
  }

  /// Weights of a filter that a step takes.
  private func weights(ofStep stage: Int) -> Int {
    let shape = chain.stages[stage].shape
    return schedule.tiling.isChunked(stage, in: chain)
      ? schedule.tiling.reduction[stage] * (shape.taps / shape.channelsPerGroup) : shape.taps
  }
}
