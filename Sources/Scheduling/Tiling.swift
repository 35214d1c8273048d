import Hardware
import Workload

/// How big a piece of the work one thread block takes.
public struct Tiling: Hashable, Sendable {
  /// Rows, columns and channels of the last stage's output that a block makes.
  public let rows, columns, channels: Int
  /// For each stage, how many input channels it consumes at a time. A stage that does not mix channels consumes
  /// one group's (1 for DW).
  public let reduction: [Int]

  public init(rows: Int, columns: Int, channels: Int, reduction: [Int]) {
    self.rows = rows
    self.columns = columns
    self.channels = channels
    self.reduction = reduction
  }

  /// Whether `stage` consumes its input channels in more than one chunk.
  public func isChunked(_ stage: Int, in chain: Chain) -> Bool {
    chain.mixesChannels(stage) && reduction[stage] < chain.stages[stage].shape.inputChannels
  }

  /// Chunks in which `stage` consumes its input channels.
  func chunkCount(of stage: Int, in chain: Chain) -> Int {
    guard chain.mixesChannels(stage) else { return 1 }
    return Schedule.ceilDivide(chain.stages[stage].shape.inputChannels, reduction[stage])
  }

  /// Chunks of `stage` that are each code of their own: then what buffers hold, and when threads meet, is known when the kernel is
  /// compiled. All or 1: from the last stage on, as long as there are few copies of an inner stage's code.
  public func unrolledChunks(of stage: Int, in chain: Chain) -> Int {
    let mostCopies = 8
    var (copies, own) = (1, 1)
    for outer in chain.stages.indices.reversed() where outer >= stage {
      own = chunkCount(of: outer, in: chain)
      if own > mostCopies / copies { own = 1 }
      copies *= own
    }
    return own
  }

  /// Whether the chunks of some stage go round a loop.
  public func loopsOverChunks(in chain: Chain) -> Bool {
    chain.stages.indices.contains { unrolledChunks(of: $0, in: chain) < chunkCount(of: $0, in: chain) }
  }

  /// Whether a block loads `operand` more than once, so that a second buffer can hide the load: some stage that
  /// asks for the operand, directly or through others, works in chunks.
  func isStreamed(_ operand: Operand, in chain: Chain) -> Bool {
    let first: Int
    switch operand {
    case .ifm: first = 0
    case .weights(let stage): first = stage
    case .bias(let stage), .multipliers(let stage): first = stage + 1
    // Goes to registers and from registers, so it has no buffer.
    case .residual, .ofm: return false
    }
    return (first..<chain.stages.count).contains { isChunked($0, in: chain) }
  }

  /// Buffers that a block has for `operand`: two where the next chunk is loaded while the last one is computed.
  func copies(of operand: Operand, _ lanes: LaneMap, in chain: Chain) -> Int {
    isStreamed(operand, in: chain) ? lanes.buffers : 1
  }
}

/// Which lane does what: threads of a block, elements one lane moves at once, staging buffers, and the outputs a
/// thread keeps in registers.
public struct LaneMap: Hashable, Sendable {
  public let threads: Int
  /// Elements a lane loads or stores in one request, where alignment allows it: 1, 2, 4, 8 or 16.
  public let vectorWidth: Int
  /// 1, or 2 to load the next chunk while the current one is computed.
  public let buffers: Int
  /// Output channels of one pixel that a thread computes together.
  public let channelsPerThread: Int
  /// Pixels that a thread computes together, of each of those channels.
  public let pixelsPerThread: Int
  /// Whether INT8 stages that mix channels go through tensor cores where their chunks allow it (NHWC).
  public let usesTensorCores: Bool
  /// Whether the pixels of a thread of a depthwise stage lie straight below one another, so that it reads each value that their
  /// windows share once (`FootprintModel.slidesWindows`); else as far apart as it has items.
  public let slidesWindows: Bool
  /// Whether a thread keeps its slot or column of a map in NCHW from one round of a load to the next (`LoadRounds`).
  public let keepsSlots: Bool

  /// The most channels and pixels that a plan gives a thread.
  public static let mostChannels = 8, mostPixels = 16

  public init(
    threads: Int = 256, vectorWidth: Int = 1, buffers: Int = 1, channelsPerThread: Int = 4,
    pixelsPerThread: Int = 1, usesTensorCores: Bool = false, slidesWindows: Bool = false,
    keepsSlots: Bool = false
  ) {
    self.threads = threads
    self.vectorWidth = vectorWidth
    self.buffers = buffers
    self.channelsPerThread = channelsPerThread
    self.pixelsPerThread = pixelsPerThread
    self.usesTensorCores = usesTensorCores
    self.slidesWindows = slidesWindows
    self.keepsSlots = keepsSlots
  }
}

/// Which tile coordinate varies fastest in launch order. Images are always the slowest.
public enum BlockOrder: String, Hashable, Sendable, CaseIterable {
  /// columns, rows, channels
  case columnFastest = "column-fastest"
  /// rows, columns, channels
  case rowFastest = "row-fastest"
  /// channels, columns, rows
  case channelFastest = "channel-fastest"
  /// Bands of `bandRows` rows of tiles: down a band's rows, then along its columns, then the next band; then channels. So
  /// blocks that run at once lie close together along both axes and share more of their halos.
  case swizzled

  /// Rows of tiles of a band; the last band may have fewer.
  public static let bandRows = 4
}
