import Hardware
import Workload

/// The lane map of one compute step: which lane works out which outputs.
///
/// An item is a group of channels × a group of pixels, `RegisterTile` of the stage. The pixels of an item lie as many
/// pixels apart as there are groups, so that neighbouring lanes have neighbouring pixels; its channels follow one another.
/// Item `i` has pixel group `i mod pixelGroups` and channel group `⌊i / pixelGroups⌋`, and belongs to thread
/// `i mod threads`, so 32 neighbouring items are a warp's. A member beyond the tile works the last pixel or channel
/// again and drops the result; outputs of slots that hold no element are worked out as well: a tile's size is a constant.
public struct ComputeLanes: Hashable, Sendable {
  public let tile: RegisterTile
  /// Output channels of the step.
  public let channels: Int
  /// Slots of the tile of the stage's output.
  public let rows, columns: Int

  public init(_ schedule: Schedule, stage: Int, channels: Int) {
    tile = schedule.registerTile(of: stage)
    self.channels = channels
    rows = schedule.rows.offsets[stage + 1].count
    columns = schedule.columns.offsets[stage + 1].count
  }

  public var pixelGroups: Int { Schedule.ceilDivide(rows * columns, tile.pixels) }
  public var items: Int { Schedule.ceilDivide(channels, tile.channels) * pixelGroups }
  public var warps: Int { Schedule.ceilDivide(items, WarpRequest.lanes) }

  /// One output of an item.
  public struct Output: Hashable, Sendable {
    /// Counted from the step's first channel, and in slots.
    public let channel, row, column: Int
    /// Whether the item has it for itself; else it is the last one again.
    public let isReal: Bool
  }

  /// Output channel `m`, pixel `p` of `lane` of a warp; nil for a lane without an item.
  @inline(__always)
  public func output(warp: Int, lane: Int, channel m: Int, pixel p: Int) -> Output? {
    let item = warp * WarpRequest.lanes + lane
    guard item < items else { return nil }
    let groups = pixelGroups
    let channel = item / groups * tile.channels + m
    let pixel = item % groups + p * groups
    let last = rows * columns - 1
    let held = min(pixel, last)
    return Output(
      channel: min(channel, channels - 1), row: held / columns, column: held % columns,
      isReal: channel < channels && pixel <= last)
  }
}

extension Schedule {
  /// Calls `body` with each warp request that stores `region` of the output: the offsets in elements of the 32 lanes,
  /// −1 for inactive ones. Results go from the registers that they were summed up in straight to memory: one request
  /// for each output channel and pixel of an item. `body` may overwrite the offsets.
  public func forEachStoreRequest(of region: Region, _ body: (UnsafeMutableBufferPointer<Int>) -> Void) {
    let layout = chain.layout(of: .ofm)
    let lanes = ComputeLanes(self, stage: chain.stages.count - 1, channels: region.channels.count)
    withUnsafeTemporaryAllocation(of: Int.self, capacity: WarpRequest.lanes) { offsets in
      for warp in 0..<lanes.warps {
        for channel in 0..<lanes.tile.channels {
          for pixel in 0..<lanes.tile.pixels {
            for lane in 0..<WarpRequest.lanes {
              offsets[lane] = -1
              guard let output = lanes.output(warp: warp, lane: lane, channel: channel, pixel: pixel),
                output.isReal
              else { continue }
              let (row, column) = (region.rows.indices[output.row], region.columns.indices[output.column])
              guard row >= 0, column >= 0 else { continue }
              offsets[lane] = layout.offset(
                outer: region.outer.lowerBound, channel: region.channels.lowerBound + output.channel,
                row: row,
                column: column)
            }
            body(offsets)
          }
        }
      }
    }
  }
}
