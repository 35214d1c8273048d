import Workload

/// Why a schedule is not one that a kernel can have, on any GPU or on the one named. Cases carry the numbers.
public enum ScheduleError: Error, Hashable, Sendable {
  case emptyChain
  case opaqueStage(String)
  case addDoesNotJoin(String, String)
  case stagesDoNotFit(String, FeatureMap, String, FeatureMap)
  case axisTooLong(stage: String, axis: String, limit: Int)
  case notPositive(String, Int)
  case tileTooLarge(axis: String, tile: Int, extent: Int)
  case wrongReductionCount(stages: Int, found: Int)
  case reductionTooLarge(stage: String, chunk: Int, channels: Int)
  case reductionSplitsGroup(stage: String, chunk: Int, channelsPerGroup: Int)
  case threadsNotWarps(Int, warpSize: Int)
  case tooManyThreads(Int, limit: Int)
  case unsupportedVectorWidth(Int)
  case unsupportedBufferCount(Int)
  case sharedMemoryExceeded(need: Bytes, limit: Bytes)
  case registersPerThreadExceeded(need: Int, limit: Int)
  case registersPerBlockExceeded(need: Int, limit: Int)
  case tooFewBlocks(found: Int, needed: Int)
  case tooManyAccesses(limit: Int)
}

extension ScheduleError {
  public var code: String {
    switch self {
    case .emptyChain, .opaqueStage, .addDoesNotJoin, .stagesDoNotFit: "chain-invalid"
    case .axisTooLong: "limit-axis"
    case .tooManyAccesses: "limit-accesses"
    default: "tile-infeasible"
    }
  }
}

extension ScheduleError: CustomStringConvertible {
  public var description: String {
    switch self {
    case .emptyChain: "A kernel needs at least one layer."
    case .opaqueStage(let name): "'\(name)' is an operator that FuseLab does not compute."
    case .addDoesNotJoin(let name, let before):
      "'\(name)' adds two maps; inside a kernel one of them must be the output of '\(before)', and only one."
    case .stagesDoNotFit(let first, let output, let second, let input):
      "'\(first)' gives \(output.text) but '\(second)' reads \(input.text)."
    case .axisTooLong(let stage, let axis, let limit):
      "'\(stage)' reads more than \(limit.grouped) taps along its \(axis), the most that schedules support."
    case .notPositive(let what, let value): "The \(what) must be at least 1, not \(value)."
    case .tileTooLarge(let axis, let tile, let extent):
      "The tile has \(tile) \(axis) but the output has \(extent). Use at most \(extent)."
    case .wrongReductionCount(let stages, let found):
      "\(stages) stages need \(stages) reduction chunks; \(found) given."
    case .reductionTooLarge(let stage, let chunk, let channels):
      "'\(stage)' has \(channels) input channels, fewer than the chunk of \(chunk)."
    case .reductionSplitsGroup(let stage, let chunk, let channels):
      "'\(stage)' reads \(channels) channels a group at once; a chunk of \(chunk) is not possible."
    case .threadsNotWarps(let threads, let warpSize):
      "\(threads) threads are no whole number of warps of \(warpSize)."
    case .tooManyThreads(let threads, let limit):
      "The block has \(threads) threads; this GPU allows \(limit)."
    case .unsupportedVectorWidth(let width):
      "A lane cannot move \(width) elements at once: use 1, 2, 4, 8 or 16."
    case .unsupportedBufferCount(let count): "\(count) staging buffers are not possible: use 1 or 2."
    case .sharedMemoryExceeded(let need, let limit):
      "The tile needs \(need.grouped) B of shared memory, \((need - limit).grouped) B more than the "
        + "\(limit.grouped) B that a block can have. Shrink rows, columns, channels or the reduction chunk."
    case .registersPerThreadExceeded(let need, let limit):
      "Each thread needs about \(need) registers, \(need - limit) more than \(limit). "
        + "Use more threads or a smaller tile."
    case .registersPerBlockExceeded(let need, let limit):
      "The block needs about \(need) registers, \(need - limit) more than the multiprocessor's \(limit). "
        + "Shrink the tile or use fewer threads."
    case .tooFewBlocks(let found, let needed):
      "The tiling makes \(found.grouped) blocks where at least \(needed.grouped) are asked for. Use smaller tiles."
    case .tooManyAccesses(let limit):
      "The kernel would access more than \(limit.grouped) B in all, the most that one kernel may."
    }
  }
}
