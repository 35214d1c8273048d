import Hardware
import Workload

extension Schedule {
  static func validate(_ tiling: Tiling, _ lanes: LaneMap, for chain: Chain) throws(ScheduleError) {
    let shape = chain.last.shape
    let axes = [
      ("rows", tiling.rows, shape.rows.outputExtent),
      ("columns", tiling.columns, shape.columns.outputExtent),
      ("channels", tiling.channels, shape.outputChannels),
    ]
    for (axis, tile, extent) in axes {
      if tile < 1 { throw .notPositive("tile's number of \(axis)", tile) }
      if tile > extent { throw .tileTooLarge(axis: axis, tile: tile, extent: extent) }
    }
    guard tiling.reduction.count == chain.stages.count else {
      throw .wrongReductionCount(stages: chain.stages.count, found: tiling.reduction.count)
    }
    for (stage, chunk) in tiling.reduction.enumerated() {
      try validate(chunk: chunk, of: stage, in: chain)
    }
    if lanes.threads < 1 { throw .notPositive("number of threads", lanes.threads) }
    if lanes.threads % 32 != 0 { throw .threadsNotWarps(lanes.threads, warpSize: 32) }
    if ![1, 2, 4, 8, 16].contains(lanes.vectorWidth) { throw .unsupportedVectorWidth(lanes.vectorWidth) }
    if ![1, 2].contains(lanes.buffers) { throw .unsupportedBufferCount(lanes.buffers) }
    if lanes.channelsPerThread < 1 {
      throw .notPositive("number of channels per thread", lanes.channelsPerThread)
    }
    if lanes.pixelsPerThread < 1 {
      throw .notPositive("number of pixels per thread", lanes.pixelsPerThread)
    }
  }

  private static func validate(chunk: Int, of stage: Int, in chain: Chain) throws(ScheduleError) {
    let layer = chain.stages[stage]
    if chunk < 1 { throw .notPositive("reduction chunk of '\(layer.name)'", chunk) }
    if chain.mixesChannels(stage) {
      let channels = layer.shape.inputChannels
      if chunk > channels { throw .reductionTooLarge(stage: layer.name, chunk: chunk, channels: channels) }
    } else if chunk != layer.shape.channelsPerGroup {
      throw .reductionSplitsGroup(
        stage: layer.name, chunk: chunk, channelsPerGroup: layer.shape.channelsPerGroup)
    }
  }

  /// - Throws: `ScheduleError` naming the limit of `gpu` that the schedule exceeds, by how much, and the remedy.
  public func checkLegality(on gpu: GPU, minBlocks: Int = 1) throws(ScheduleError) {
    try footprint.checkLegality(on: gpu)
    if blocks.count < minBlocks { throw .tooFewBlocks(found: blocks.count, needed: minBlocks) }
  }
}

extension BlockFootprint {
  /// - Throws: `ScheduleError` where a block of this footprint cannot run on `gpu`.
  public func checkLegality(on gpu: GPU) throws(ScheduleError) {
    if let violation = violation(on: gpu) { throw violation }
  }

  /// The first limit of `gpu` that a block of this footprint passes; nil where it can run. A search asks this of millions.
  public func violation(on gpu: GPU) -> ScheduleError? {
    if threads > gpu.threadsPerBlock { return .tooManyThreads(threads, limit: gpu.threadsPerBlock) }
    if sharedMemory > gpu.sharedMemoryPerBlock {
      return .sharedMemoryExceeded(need: sharedMemory, limit: gpu.sharedMemoryPerBlock)
    }
    if registersPerThread > gpu.registersPerThread {
      return .registersPerThreadExceeded(need: registersPerThread, limit: gpu.registersPerThread)
    }
    if Occupancy.residentBlocks(self, on: gpu) < 1 {
      return .registersPerBlockExceeded(
        need: Occupancy.allocatedRegisters(of: self, on: gpu), limit: gpu.registersPerMultiprocessor)
    }
    return nil
  }
}
