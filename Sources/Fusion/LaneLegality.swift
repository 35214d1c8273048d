import CostModel
import Hardware
import Scheduling
import Workload

/// Which reduction chunks and lanes make a tile legal on a GPU, and which of them to take.
struct LaneLegality {
  let chain: Chain
  let gpu: GPU

  /// Threads per block that are tried, in order of preference.
  static let threadCounts = [256, 128, 512, 1024, 64, 32]

  /// 16-byte accesses where alignment allows them.
  func lanes(threads: Int, channels: Int = 4, pixels: Int = 1, buffers: Int = 1) -> LaneMap {
    LaneMap(
      threads: threads, vectorWidth: 16 / chain.elementType.bytes, buffers: buffers,
      channelsPerThread: channels, pixelsPerThread: pixels, usesTensorCores: chain.axisOrder == .hwc,
      slidesWindows: true, keepsSlots: true)
  }

  func isLegal(_ group: ReductionOptions.Group, _ channels: Int, _ rows: AxisSums, _ columns: AxisSums)
    -> Bool
  {
    group.extremes.contains { reduction in
      let tiling = Tiling(
        rows: rows.tile, columns: columns.tile, channels: channels, reduction: reduction)
      let shared = sharedMemory(tiling, rows, columns)
      guard shared <= gpu.sharedMemoryPerBlock else { return false }
      return Self.threadCounts.contains { threads in
        footprint(model(tiling, lanes(threads: threads), rows, columns), shared).violation(on: gpu) == nil
      }
    }
  }

  /// The smallest channel tile that some group of chunks makes legal at this size; nil where none is.
  func smallest(of options: ChannelOptions, _ rows: AxisSums, _ columns: AxisSums) -> Int? {
    options.tiles.first { tile in
      tile.groups.contains { isLegal($0, tile.channels, rows, columns) }
    }?.channels
  }

  /// Pixels and channels that a thread may compute together.
  static let pixelCounts = [1, 2, 4, 8, LaneMap.mostPixels]
  private static let mostSums = 32

  /// Channels that a thread may compute together: where they lie side by side no fewer than it reads at once.
  private var channelCounts: [Int] {
    guard chain.axisOrder == .hwc else { return [1, 2, 4, LaneMap.mostChannels] }
    let readsRuns = chain.stages.indices.contains(where: chain.isPlainDepthwise)
    return (readsRuns ? [] : [2]) + [FootprintModel.mostChannelsRead, LaneMap.mostChannels]
  }

  /// What is preferred among the reduction chunks and lanes of a tile, most important first.
  private struct Rank {
    /// Input channels that the stages take at once.
    let taken: Int
    /// Threads with work that a multiprocessor holds, as far as there are blocks for it.
    let busy: Int
    /// Stages whose filters are loaded in items of 16 bytes.
    let aligned: Int
    /// Staging buffers of what is loaded chunk by chunk.
    let buffers: Int

    static func > (a: Rank, b: Rank) -> Bool {
      (a.taken, a.busy, a.aligned, a.buffers) > (b.taken, b.busy, b.aligned, b.buffers)
    }
  }

  /// The tiling and lanes of the highest rank; among equals those of the largest chunk. A thread then takes as many pixels
  /// together as leave it fewest items, if that keeps as many threads resident: it reads each weight once for all of them.
  func realise(
    _ group: ReductionOptions.Group, _ channels: Int, _ rows: AxisSums, _ columns: AxisSums
  ) -> (tiling: Tiling, lanes: LaneMap)? {
    var best: (rank: Rank, tiling: Tiling, lanes: LaneMap)?
    let supply = Schedule.ceilDivide(blocks(channels, rows, columns), gpu.multiprocessors)
    let stages = busyStages
    for reduction in group.options {
      let tiling = Tiling(
        rows: rows.tile, columns: columns.tile, channels: channels, reduction: reduction)
      // Neither depends on the threads.
      let any = model(tiling, lanes(threads: WarpRequest.lanes), rows, columns)
      let (taken, aligned) = (channelsTaken(by: any), alignedStages(of: any))
      let most = isPipelined(tiling) ? 2 : 1
      func isBetter(_ busy: Int, _ buffers: Int) -> Bool {
        let rank = Rank(taken: taken, busy: busy, aligned: aligned, buffers: buffers)
        return best.map { rank > $0.rank } ?? true
      }
      // What a footprint could not change is looked at before it is worked out.
      guard isBetter(gpu.warpsPerMultiprocessor * gpu.warpSize * stages.count, most) else { continue }
      for buffers in 1...most {
        let shared = sharedMemory(tiling, rows, columns, buffers: buffers)
        guard shared <= gpu.sharedMemoryPerBlock else { break }
        for threads in Self.threadCounts {
          let model = model(tiling, lanes(threads: threads, buffers: buffers), rows, columns)
          let footprint = footprint(model, shared)
          guard footprint.violation(on: gpu) == nil else { continue }
          let busy = busyThreads(model, footprint, of: stages, supply: supply)
          guard isBetter(busy, buffers) else { continue }
          best = (Rank(taken: taken, busy: busy, aligned: aligned, buffers: buffers), tiling, model.lanes)
        }
      }
    }
    return best.map { best in
      let shared = sharedMemory(best.tiling, rows, columns, buffers: best.lanes.buffers)
      let models = Self.pixelCounts.map { pixels in
        model(
          best.tiling, lanes(threads: best.lanes.threads, pixels: pixels, buffers: best.lanes.buffers), rows,
          columns)
      }
      let resident = min(
        supply,
        Occupancy.residentBlocks(footprint(model(best.tiling, best.lanes, rows, columns), shared), on: gpu))
      let fits = models.filter { model in
        let footprint = footprint(model, shared)
        return footprint.violation(on: gpu) == nil
          && min(supply, Occupancy.residentBlocks(footprint, on: gpu)) >= resident
      }
      // The first of the least, so the fewest pixels.
      let fewest = fits.min { items(of: $0) < items(of: $1) }
      return (best.tiling, fewest?.lanes ?? best.lanes)
    }
  }

  /// Lane maps that a price may choose from, each of other threads or register tiles: first the one that was `found`, then
  /// those of as many threads, half or twice as many.
  func variants(
    of found: (tiling: Tiling, lanes: LaneMap), _ rows: AxisSums, _ columns: AxisSums
  ) -> [LaneMap] {
    struct Work: Hashable {
      let threads: Int
      let tiles: [RegisterTile]
    }
    var known: Set<Work> = []
    var variants: [LaneMap] = []
    func add(_ lanes: LaneMap) {
      let model = model(found.tiling, lanes, rows, columns)
      let tiles = chain.stages.indices.map(model.registerTile(of:))
      guard known.insert(Work(threads: lanes.threads, tiles: tiles)).inserted,
        model.footprint.violation(on: gpu) == nil
      else { return }
      variants.append(lanes)
    }
    add(found.lanes)
    let own = found.lanes.threads
    for threads in [own, own / 2, 2 * own] where Self.threadCounts.contains(threads) {
      for channels in channelCounts {
        for pixels in Self.pixelCounts where channels * pixels <= Self.mostSums {
          add(lanes(threads: threads, channels: channels, pixels: pixels, buffers: found.lanes.buffers))
        }
      }
    }
    return variants
  }

  /// Input channels that a chunk must have for a second buffer to be worth a meeting of the block's threads for each.
  private static let leastPipelinedChunk = 8

  /// Whether a second buffer lets a chunk be loaded while the one before is computed. Where copies are not asynchronous, a
  /// warp waits for its loads whichever buffer they go to.
  private func isPipelined(_ tiling: Tiling) -> Bool {
    let chunked = chain.stages.indices.filter { tiling.isChunked($0, in: chain) }
    return gpu.hasAsynchronousCopies && !chunked.isEmpty
      && chunked.allSatisfy { tiling.reduction[$0] >= Self.leastPipelinedChunk }
  }

  private func alignedStages(of model: FootprintModel) -> Int {
    chain.stages.indices.count { stage in
      chain.hasWeights(stage) && model.loadsFilters(of: stage, by: 16 / chain.elementType.bytes)
    }
  }

  /// Input channels that the stages which mix channels take at once, one and one where packs are not possible.
  private func channelsTaken(by model: FootprintModel) -> Int {
    chain.stages.indices.reduce(0) { sum, stage in
      switch model.path(of: stage) {
      case .elements: sum + 1
      case .packs(let size), .filterPacks(let size): sum + size
      case .matrix: sum + ComputePath.matrixChannels
      }
    }
  }

  /// Blocks of the grid.
  func blocks(_ channels: Int, _ rows: AxisSums, _ columns: AxisSums) -> Int {
    let last = chain.last.shape
    return rows.tiles * columns.tiles * Schedule.ceilDivide(last.outputChannels, channels) * last.batch
  }

  /// Those that take most of the time: that mix channels, or else all.
  private var busyStages: [Int] {
    let mixing = chain.stages.indices.filter { chain.mixesChannels($0) && !chain.isEpilogue($0) }
    return mixing.isEmpty ? Array(chain.stages.indices) : mixing
  }

  /// Summed over `stages`.
  /// - Parameter supply: The most blocks of the grid for each multiprocessor.
  private func busyThreads(
    _ model: FootprintModel, _ footprint: BlockFootprint, of stages: [Int], supply: Int
  ) -> Int {
    let busy = stages.reduce(0) { $0 + min(model.lanesWithItems(of: $1), footprint.threads) }
    return min(supply, Occupancy.residentBlocks(footprint, on: gpu)) * busy
  }

  /// Items of a thread of the stages that mix channels.
  private func items(of model: FootprintModel) -> Int {
    chain.stages.indices.reduce(0) { $0 + (chain.mixesChannels($1) ? model.itemsPerThread(of: $1) : 0) }
  }

  /// What a block's buffers take. It depends neither on the threads nor on the pixels of each.
  private func sharedMemory(
    _ tiling: Tiling, _ rows: AxisSums, _ columns: AxisSums, buffers: Int = 1
  ) -> Bytes {
    model(tiling, lanes(threads: WarpRequest.lanes, buffers: buffers), rows, columns).sharedMemory
  }

  private func footprint(_ model: FootprintModel, _ sharedMemory: Bytes) -> BlockFootprint {
    BlockFootprint(
      threads: model.lanes.threads, registersPerThread: model.registersPerThread, sharedMemory: sharedMemory)
  }

  private func model(
    _ tiling: Tiling, _ lanes: LaneMap, _ rows: AxisSums, _ columns: AxisSums
  ) -> FootprintModel {
    FootprintModel(
      chain: chain, tiling: tiling, lanes: lanes, rowSlots: rows.slots, columnSlots: columns.slots)
  }
}
