import Hardware
import Scheduling
import Workload

extension KernelWork {
  /// The work of a schedule without a replay. Exact: blocks, occupancy, instructions that load and that multiply, and
  /// shared-memory instructions. Estimates: bank conflicts, as a few warps of a compute step have them at its first tap, and of copies none
  /// beyond the passes of wide items; sectors, and where they are found (`SectorEstimate`).
  ///
  /// - Parameters:
  ///   - dram: Bytes of DRAM traffic, reads and writes.
  ///   - accesses: Bytes accessed, by operand.
  ///   - countsConflicts: False for the same without bank conflicts of compute steps, in a fraction of the time.
  /// - Precondition: A block fits a multiprocessor.
  public init(
    _ schedule: Schedule, on gpu: GPU, accesses: GlobalAccesses, dram: Bytes, countsConflicts: Bool = true
  ) {
    let chain = schedule.chain
    let costs = StepCosts(schedule, architecture: gpu.architecture, countsConflicts: countsConflicts)
    let blocks = schedule.blocks.count
    var counts = WorkCounts()
    for (channels, tiles) in schedule.channelTileClasses {
      counts.add(
        BlockWork(costs, channels: channels).counts, stores: costs.stores(channels.count),
        times: blocks / schedule.channelTiles * tiles)
    }
    let sectors = SectorEstimate(schedule, accesses: accesses, on: gpu)
    self.init(
      blocks: blocks, residentBlocks: max(1, schedule.occupancy(on: gpu).blocksPerMultiprocessor),
      elementType: chain.elementType, multiplyAdds: counts.multiplyAdds,
      instructions: counts.loads + counts.stores + counts.sharedRequests + counts.multiplyAdds
        + counts.dotProducts + counts.matrices * gpu.instructionsPerMatrix,
      sharedWavefronts: counts.sharedRequests + counts.bankConflicts,
      l1Sectors: sectors.loads + sectors.stores,
      l2Sectors: sectors.loads - sectors.fromL1 + sectors.stores, dramBytes: dram.count,
      warps: costs.warps, waits: counts.waits, sectorsFromL1: sectors.fromL1, sectorsFromL2: sectors.fromL2,
      sectorsFromDRAM: sectors.fromDRAM, dotProducts: counts.dotProducts, matrices: counts.matrices,
      matrixSteps: counts.matrixSteps, overhead: counts.overheadTenths / 10, l1Lines: sectors.lines)
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

/// Sums over the blocks of a kernel; of what happens one after the other the most of any block.
private struct WorkCounts {
  var loads = 0, stores = 0, sharedRequests = 0, bankConflicts = 0, multiplyAdds = 0
  var dotProducts = 0, matrices = 0, overheadTenths = 0, waits = 0, matrixSteps = 0

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
    grow(&overheadTenths, block.overheadTenths)
    waits = max(waits, block.waits)
    matrixSteps = min(max(matrixSteps, block.matrixSteps), 1 << 49)
  }
}

extension StepCosts {
  /// Warp instructions that store a block's outputs.
  fileprivate func stores(_ channels: Int) -> Int {
    lanes(chain.stages.count - 1, channels: channels).resultRequests
  }
}
