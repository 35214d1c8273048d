import Hardware
import Scheduling
import Workload

extension KernelWork {
  /// The work of a schedule without a replay. Exact: blocks, occupancy, instructions that load and that multiply, and
  /// shared-memory instructions. Estimates: bank conflicts, as a compute step's first warps and tap have them; sectors of
  /// rows that begin anywhere in a sector, where tiles do not take whole planes; no hits in the L1, since a block
  /// loads what it needs once; distinct bytes come from DRAM, all else from the L2.
  ///
  /// - Parameters:
  ///   - dram: Bytes of DRAM traffic, reads and writes.
  ///   - accesses: Bytes accessed, by operand.
  ///   - countsConflicts: False for the same without bank conflicts, in a fraction of the time.
  /// - Precondition: A block fits a multiprocessor.
  public init(
    _ schedule: Schedule, on gpu: GPU, accesses: GlobalAccesses, dram: Bytes, countsConflicts: Bool = true
  ) {
    let chain = schedule.chain
    let costs = StepCosts(
      schedule, loadsInFlight: gpu.hasAsynchronousCopies ? Self.copiesInFlight : Self.loadsInFlight,
      countsConflicts: countsConflicts)
    let blocks = schedule.blocks.count
    var counts = WorkCounts()
    for (channels, tiles) in schedule.channelTileClasses {
      counts.add(
        BlockWork(costs, channels: channels).counts, stores: costs.stores(channels.count),
        times: blocks / schedule.channelTiles * tiles)
    }
    let warps = Schedule.ceilDivide(schedule.lanes.threads, WarpRequest.lanes)
    let sectors = SectorEstimate(schedule, accesses: accesses)
    let loaded = sectors.loads
    let distinct = min(loaded, sectors.distinctLoads)
    self.init(
      blocks: blocks, residentBlocks: max(1, schedule.occupancy(on: gpu).blocksPerMultiprocessor),
      elementType: chain.elementType, multiplyAdds: counts.multiplyAdds,
      instructions: counts.loads + counts.stores + counts.sharedRequests + counts.multiplyAdds
        + counts.dotProducts + counts.matrices * gpu.instructionsPerMatrix,
      sharedWavefronts: counts.sharedRequests + counts.bankConflicts, l1Sectors: loaded + sectors.stores,
      l2Sectors: loaded + sectors.stores, dramBytes: dram.count, loadRounds: counts.loadRounds,
      sectorsFromL1: 0, sectorsFromL2: loaded - distinct, sectorsFromDRAM: distinct,
      dotProducts: counts.dotProducts, matrices: counts.matrices,
      overhead: min(
        1 << 50,
        saturatingSum(
          counts.overhead, saturatingProduct(blocks, warps * Self.instructionsPerWarp))),
      serial: counts.serial + Self.instructionsPerWarp)
  }
}

extension Schedule {
  /// Channel tiles that are alike, with how many there are. All but the last are, unless groups of several filters make
  /// their alignment matter.
  fileprivate var channelTileClasses: [(channels: Range<Int>, tiles: Int)] {
    let outputs = chain.last.shape.outputChannels
    if chain.mayCutGroups(of: chain.stages.count) {
      return stride(from: 0, to: outputs, by: tiling.channels).map {
        ($0..<min($0 + tiling.channels, outputs), 1)
      }
    }
    let (full, rest) = outputs.quotientAndRemainder(dividingBy: tiling.channels)
    return [(0..<tiling.channels, full), (outputs - rest..<outputs, rest == 0 ? 0 : 1)].filter {
      $0.tiles > 0
    }
  }
}

/// Sums over the blocks of a kernel; of load rounds and serial instructions the most of any block.
private struct WorkCounts {
  var loads = 0, stores = 0, sharedRequests = 0, bankConflicts = 0, multiplyAdds = 0, loadRounds = 0
  var dotProducts = 0, matrices = 0, overhead = 0, serial = 0

  /// Counts beyond 2⁵⁰ stay there, so that no product of one of them overflows.
  mutating func add(_ block: BlockWork.Counts, stores: Int, times: Int) {
    func grow(_ sum: inout Int, _ count: Int) {
      sum = min(saturatingSum(sum, saturatingProduct(count, times)), 1 << 50)
    }
    grow(&loads, block.loads)
    grow(&self.stores, stores)
    grow(&sharedRequests, block.sharedRequests)
    grow(&bankConflicts, block.bankConflicts)
    grow(&multiplyAdds, block.multiplyAdds)
    grow(&dotProducts, block.dotProducts)
    grow(&matrices, block.matrices)
    grow(&overhead, block.overhead)
    loadRounds = max(loadRounds, block.loadRounds)
    serial = min(max(serial, block.serial), 1 << 49)
  }
}

extension StepCosts {
  /// Warp instructions that store a block's outputs.
  fileprivate func stores(_ channels: Int) -> Int {
    lanes(chain.stages.count - 1, channels: channels).resultRequests
  }
}

/// Sectors that requests touch.
private struct SectorEstimate {
  private(set) var loads = 0
  private(set) var stores = 0
  /// Sectors of the loaded tensors, each once.
  private(set) var distinctLoads = 0

  init(_ schedule: Schedule, accesses: GlobalAccesses) {
    let chain = schedule.chain
    for operand in accesses.operands {
      let bytes = accesses.total(of: operand).count
      let run: Int
      switch operand {
      case .ifm: run = Self.run(schedule, map: 0)
      case .residual(let stage): run = Self.run(schedule, map: stage + 1)
      case .ofm: run = Self.run(schedule, map: chain.stages.count)
      case .weights, .bias, .multipliers: run = 0
      }
      let size = chain.elementBytes(of: operand)
      let sectors = Self.sectors(bytes: bytes, run: run * size, element: size)
      if operand == .ofm {
        stores += sectors
      } else {
        loads += sectors
        distinctLoads += Self.sectors(
          bytes: accesses[operand, .compulsory].count, run: run * size, element: size)
      }
    }
  }

  /// Elements of a row that a tile takes; 0 where tiles take whole rows, so that one row follows the other.
  private static func run(_ schedule: Schedule, map: Int) -> Int {
    let stages = schedule.chain.stages
    let extent = map == 0 ? stages[0].inputMap.columns : stages[map - 1].outputMap.columns
    let held = (schedule.columns.total(of: map) + schedule.columns.count - 1) / schedule.columns.count
    return held >= extent ? 0 : held
  }

  /// Runs of `run` bytes that begin at any element of a sector touch (run − element) ÷ 32 + 1 sectors in the mean.
  private static func sectors(bytes: Int, run: Int, element: Int) -> Int {
    guard run > 0 else { return (bytes + 31) / 32 }
    let perRun = Double(run - element) / 32 + 1
    return Int((Double(bytes) / Double(run) * perRun).rounded(.up))
  }
}
