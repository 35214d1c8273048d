import Scheduling
import Workload

/// What a kernel's compute and staging steps do in all blocks: its shared-memory accesses and its multiply-adds. They depend on
/// the schedule alone, on no cache and no order of blocks.
struct SharedMemoryBooks: Hashable, Sendable {
  let staging, reads, intermediates: SharedMemoryTraffic
  /// What of `staging` goes asynchronously where a GPU can, and the stores that are left beside it.
  let copies, fills: SharedMemoryTraffic
  let multiplyAdds: MultiplyAdds

  /// Every block of a channel tile costs the same, and each channel tile has as many blocks.
  init(_ schedule: Schedule) {
    let chain = schedule.chain
    var fills = SharedMemoryFills(schedule)
    var steps = SharedMemorySteps(schedule)
    var seen: Set<Int> = []
    for block in schedule.blocks.prefix(schedule.blocks.count / max(1, chain.last.shape.batch))
    where seen.insert(block.channelTile).inserted {
      for step in schedule.steps(of: block) {
        switch step {
        case .load(.residual, _): break
        case .load(let operand, let region):
          steps.stage(operand, region, width: schedule.vectorWidth(of: operand))
          if case .ifm = operand { fills.add(steps.layout(of: operand, region), region.channels.count) }
        case .compute(let stage, let channels, let reducing):
          // A stage that does not mix channels reduces at once.
          let ends = reducing.upperBound == chain.stages[stage].shape.inputChannels
          steps.compute(
            stage, channels: channels, reducing: reducing.count, ends: !chain.mixesChannels(stage) || ends)
        case .store, .barrier: break
        }
      }
    }
    let blocks = schedule.blocks.count / schedule.channelTiles
    staging = steps.staging * blocks
    copies = steps.copies * blocks
    self.fills = fills.total * chain.last.shape.batch
    reads = steps.operandReads * blocks
    intermediates = steps.intermediateWrites * blocks
    multiplyAdds = steps.multiplyAdds * blocks
  }
}

extension KernelTraffic {
  mutating func add(_ books: SharedMemoryBooks) {
    sharedStaging = books.staging
    if copiesAsynchronously { (sharedCopies, sharedFills) = (books.copies, books.fills) }
    sharedReads = books.reads
    sharedIntermediates = books.intermediates
    multiplyAdds = books.multiplyAdds
  }
}
