import Hardware
import Workload

/// When, where and by which lane a chain of layers is computed: the single source of truth for the executor, the
/// cost model, the replay and the launch parameters.
///
/// A block makes one tile of the last stage's output of one image. It asks the last stage for its channels; a
/// stage that mixes channels takes its input in chunks, any other takes the channels of its groups; a chunk comes
/// from global memory for the first stage and from the stage before for the others. What a buffer already holds
/// is neither loaded nor computed again.
public struct Schedule: Hashable, Sendable {
  public let chain: Chain
  public let tiling: Tiling
  public let lanes: LaneMap
  public let order: BlockOrder
  public let rows: AxisTiling
  public let columns: AxisTiling

  /// - Throws: `ScheduleError` where the tiling is impossible on any GPU.
  public init(
    _ chain: Chain, tiling: Tiling, lanes: LaneMap = LaneMap(), order: BlockOrder = .columnFastest
  ) throws(ScheduleError) {
    try Self.validate(tiling, lanes, for: chain)
    self.init(
      unchecked: chain, tiling: tiling, lanes: lanes, order: order,
      rows: AxisTiling(windows: chain.stages.map(\.shape.rows), tile: tiling.rows),
      columns: AxisTiling(windows: chain.stages.map(\.shape.columns), tile: tiling.columns))
  }

  /// A schedule whose axes are tiled already.
  ///
  /// - Precondition: `tiling` is legal for the chain, and the axes are tiled by it.
  public init(
    unchecked chain: Chain, tiling: Tiling, lanes: LaneMap, order: BlockOrder, rows: AxisTiling,
    columns: AxisTiling
  ) {
    self.chain = chain
    self.tiling = tiling
    self.lanes = lanes
    self.order = order
    self.rows = rows
    self.columns = columns
  }

  public var kind: KernelKind {
    KernelKind(stages: chain.stages.map(\.kind), recomputesHalo: recomputesHalo)
  }

  /// Whether some intermediate element is computed by more than one spatial tile.
  public var recomputesHalo: Bool {
    (1..<chain.stages.count).contains { map in
      rows.total(of: map) > rows.distinct(of: map) || columns.total(of: map) > columns.distinct(of: map)
    }
  }

  public var channelTiles: Int { Self.ceilDivide(chain.last.shape.outputChannels, tiling.channels) }

  /// The thread blocks in launch order.
  public var blocks: ThreadBlocks { ThreadBlocks(schedule: self) }

  /// ⌈a ÷ b⌉ of numbers that are not negative.
  public static func ceilDivide(_ a: Int, _ b: Int) -> Int { (a + b - 1) / b }
}

/// The blocks of a schedule, made as they are asked for.
public struct ThreadBlocks: RandomAccessCollection, Sendable {
  let schedule: Schedule

  public var startIndex: Int { 0 }
  public var endIndex: Int {
    schedule.rows.count * schedule.columns.count * schedule.channelTiles * schedule.chain.last.shape.batch
  }

  public subscript(position: Int) -> ThreadBlock {
    let extents = (
      rows: schedule.rows.count, columns: schedule.columns.count, channels: schedule.channelTiles
    )
    var rest = position
    func take(_ extent: Int) -> Int {
      defer { rest /= extent }
      return rest % extent
    }
    let row: Int
    let column: Int
    let channel: Int
    switch schedule.order {
    case .columnFastest:
      column = take(extents.columns)
      row = take(extents.rows)
      channel = take(extents.channels)
    case .rowFastest:
      row = take(extents.rows)
      column = take(extents.columns)
      channel = take(extents.channels)
    case .channelFastest:
      channel = take(extents.channels)
      column = take(extents.columns)
      row = take(extents.rows)
    case .swizzled:
      let inPlane = take(extents.rows * extents.columns)
      let (band, inBand) = inPlane.quotientAndRemainder(dividingBy: BlockOrder.bandRows * extents.columns)
      let top = band * BlockOrder.bandRows
      let height = Swift.min(BlockOrder.bandRows, extents.rows - top)
      (row, column) = (top + inBand % height, inBand / height)
      channel = take(extents.channels)
    }
    let first = channel * schedule.tiling.channels
    let end = Swift.min(first + schedule.tiling.channels, schedule.chain.last.shape.outputChannels)
    return ThreadBlock(
      index: position, image: rest, rowTile: row, columnTile: column, channelTile: channel,
      channels: first..<end)
  }
}
