import Hardware
import Scheduling
import Workload

/// Sectors that a kernel's requests touch and where they are found, by closed form: of each operand from the bytes accessed
/// and the length of the runs that lie side by side.
///
/// A step takes some channels of what a block takes in all. Where channels are innermost, as in weights and NHWC maps, the
/// steps that follow one another cut a run at places that need not be those of sectors; what two of them share of a sector
/// the second one finds in the L1, if that holds one step's lines. Nothing else is found there, for a block loads what it
/// needs once; blocks find in the L2 what others have asked for.
struct SectorEstimate {
  /// Sectors that loads ask the L1 for, those of them that it has, those that the L2 must fetch from DRAM, and those that
  /// stores write. Of a piece that the L2 fetches at once one sector misses, once: nothing is evicted that is asked for again.
  private(set) var loads = 0, fromL1 = 0, fromDRAM = 0, stores = 0
  var fromL2: Int { loads - fromL1 - fromDRAM }

  /// Bytes side by side, and what the distances of two such runs are multiples of. Endless where one follows the other without
  /// a gap.
  private struct Run {
    private let bytes, step: Int
    static let endless = Run(bytes: 0, apart: 0)

    init(bytes: Int, apart: Int) {
      self.bytes = bytes
      step = Self.commonDivisor(bytes, apart)
    }

    /// Pieces of `size` bytes that runs of `total` bytes touch. Of beginnings at all multiples of a divisor d of `size` and of its
    /// length, a run touches (length − d) ÷ size + 1 in the mean.
    func pieces(_ total: Int, of size: Int) -> Int {
      guard bytes > 0 else { return (total + size - 1) / size }
      let perRun = Double(bytes - Self.commonDivisor(step, size)) / Double(size) + 1
      return Int((Double(total) / Double(bytes) * perRun).rounded(.up))
    }

    private static func commonDivisor(_ a: Int, _ b: Int) -> Int { b == 0 ? a : commonDivisor(b, a % b) }
  }

  private let schedule: Schedule
  private let model: FootprintModel
  private var chain: Chain { schedule.chain }

  init(_ schedule: Schedule, accesses: GlobalAccesses, on gpu: GPU) {
    self.schedule = schedule
    model = schedule.footprintModel
    let (sector, fetched) = (gpu.sector.count, gpu.l2FetchGranularity.count)
    var fetches = 0
    var shared = 0
    var lines = 0
    for operand in accesses.operands {
      let bytes = accesses.total(of: operand).count
      let run = self.run(of: operand)
      let sectors = run.pieces(bytes, of: sector)
      guard operand != .ofm else {
        stores += sectors
        continue
      }
      loads += sectors
      fetches += (accesses[operand, .compulsory].count + fetched - 1) / fetched
      guard let (whole, taken) = runOfAllSteps(operand) else { continue }
      shared += max(0, sectors - whole.pieces(bytes, of: sector))
      lines += run.pieces(taken, of: gpu.l1Line.count) * gpu.l1Line.count
    }
    let occupancy = schedule.occupancy(on: gpu)
    let room = (gpu.unifiedL1 - occupancy.carveOut).count
    if lines * max(1, occupancy.blocksPerMultiprocessor) <= room { fromL1 = shared }
    fromDRAM = min(loads - fromL1, fetches)
  }
}

extension SectorEstimate {
  /// What lies side by side of what a step takes.
  private func run(of operand: Operand) -> Run {
    let size = chain.elementBytes(of: operand)
    switch operand {
    case .ifm: return run(ofMap: 0, channels: model.consumedChannels(of: 0), size)
    case .residual(let stage):
      return run(ofMap: stage + 1, channels: model.producedChannels(of: stage), size)
    case .ofm:
      return run(ofMap: chain.stages.count, channels: schedule.tiling.channels, size)
    case .weights(let stage):
      let shape = chain.stages[stage].shape
      let filter = shape.taps * size
      guard schedule.tiling.isChunked(stage, in: chain) else {
        return run(ofFilters: model.producedChannels(of: stage), of: stage, filter)
      }
      let taken = schedule.tiling.reduction[stage] * (filter / shape.channelsPerGroup)
      return Run(bytes: taken, apart: filter)
    case .bias(let stage), .multipliers(let stage):
      return run(ofFilters: model.producedChannels(of: stage), of: stage, size)
    }
  }

  /// `filters` rows of `filter` bytes: endless where they are all.
  private func run(ofFilters filters: Int, of stage: Int, _ filter: Int) -> Run {
    filters >= chain.stages[stage].shape.outputChannels
      ? .endless : Run(bytes: filters * filter, apart: 0)
  }

  private func run(ofMap map: Int, channels: Int, _ size: Int) -> Run {
    let stages = chain.stages
    let full = map == 0 ? stages[0].inputMap : stages[map - 1].outputMap
    // Of a row as much as a tile takes in the mean.
    let held = (schedule.columns.total(of: map) + schedule.columns.count - 1) / schedule.columns.count
    guard chain.axisOrder == .hwc else {
      return held >= full.columns ? .endless : Run(bytes: held * size, apart: size)
    }
    let (pixel, taken) = (full.channels * size, min(channels, full.channels) * size)
    guard taken >= pixel else { return Run(bytes: taken, apart: pixel) }
    return held >= full.columns ? .endless : Run(bytes: held * pixel, apart: pixel)
  }

  /// The runs of all steps of a block together, and the bytes that one step takes; nil where they are those of a step.
  private func runOfAllSteps(_ operand: Operand) -> (Run, bytes: Int)? {
    let size = chain.elementBytes(of: operand)
    func goesOn(from stage: Int) -> Bool {
      (stage..<chain.stages.count).contains { schedule.tiling.isChunked($0, in: chain) }
    }
    switch operand {
    case .ifm:
      guard chain.axisOrder == .hwc, goesOn(from: 0) else { return nil }
      let pixels = schedule.rows.offsets[0].count * schedule.columns.offsets[0].count
      let channels = chain.stages[0].inputMap.channels
      return (
        run(ofMap: 0, channels: channels, size), pixels * model.consumedChannels(of: 0) * size
      )
    case .residual, .ofm: return nil
    case .weights(let stage):
      guard goesOn(from: stage) else { return nil }
      let filters = model.producedChannels(of: stage)
      let shape = chain.stages[stage].shape
      let taken =
        schedule.tiling.isChunked(stage, in: chain)
        ? schedule.tiling.reduction[stage] * (shape.taps / shape.channelsPerGroup) : shape.taps
      let all = goesOn(from: stage + 1) ? .endless : run(ofFilters: filters, of: stage, shape.taps * size)
      return (all, filters * taken * size)
    case .bias(let stage), .multipliers(let stage):
      guard goesOn(from: stage + 1) else { return nil }
      return (.endless, model.producedChannels(of: stage) * size)
    }
  }
}
