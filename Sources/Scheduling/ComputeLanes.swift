import Hardware
import Workload

/// The lane map of one compute step: which lane works out which outputs.
///
/// An item is a group of channels × a group of pixels, `RegisterTile` of the stage, and belongs to one lane: item `i` to
/// thread `i mod threads`, so 32 neighbouring items are a warp's. Its pixels lie `pixelStep` pixels apart; of its channels
/// `side` lie side by side, the next ones `channelStep` further on.
///
/// | | item `i` | pixels apart | channels |
/// |---|---|---|---|
/// | NCHW | pixel group `i mod pixelGroups`, channel group `⌊i / pixelGroups⌋` | `pixelGroups` | mixed: `channelGroups` apart; else side by side |
/// | NHWC | channel group `i mod channelGroups`, pixel group `⌊i / channelGroups⌋` | `pixelGroups` | mixed: runs of those that are written at once, `channelGroups` runs apart; else side by side |
/// | matrix | a warp's: 4 lanes × 2 channels, 8 lanes × 1 pixel | 8 | pairs, 8 apart |
///
/// Where windows slide, pixel group `g` is of column `g mod columns`, from row `⌊g / columns⌋ · pixels` on, and its pixels lie a
/// row apart; a last group that would end below the tile begins higher, and drops what the one above it has.
///
/// So neighbouring lanes have neighbouring elements of the output. A member beyond the tile works the last pixel or channel
/// again and drops the result; outputs of slots that hold no element are worked out as well: a tile's size is a constant.
public struct ComputeLanes: Hashable, Sendable {
  public let tile: RegisterTile
  /// Output channels of the step.
  public let channels: Int
  /// Slots of the tile of the stage's output.
  public let rows, columns: Int
  /// Neighbouring channels that a lane writes at once.
  public let storeWidth: Int
  /// Whether four taps of a channel are multiplied at once.
  public let joinsTaps: Bool
  private let isMatrix, isChannelsFirst, slides: Bool
  private let side, channelStep, pixelStep: Int

  public init(_ schedule: Schedule, stage: Int, channels: Int) {
    self.init(schedule.footprintModel, stage: stage, channels: channels)
  }

  /// Of the schedule that `model` is of.
  public init(_ model: FootprintModel, stage: Int, channels: Int) {
    // An add inside a chain is worked out where the results that it adds to stand.
    let maker = model.chain.maker(of: stage)
    tile = model.registerTile(of: stage)
    self.channels = channels
    rows = model.rowSlots[stage + 1]
    columns = model.columnSlots[stage + 1]
    storeWidth = model.storeWidth(of: stage)
    joinsTaps = model.joinsTaps(of: maker)
    isMatrix = model.path(of: maker) == .matrix
    isChannelsFirst = model.chain.axisOrder == .hwc
    let mixes = model.chain.mixesChannels(maker)
    slides = model.slidesWindows(of: maker)
    pixelGroups = model.pixelGroups(of: maker, (isMatrix ? 8 : 1) * tile.pixels)
    pixelStep = isMatrix ? 8 : slides ? columns : pixelGroups
    side = isMatrix ? 2 : mixes ? storeWidth : tile.channels
    channelStep = isMatrix ? 8 : side * Schedule.ceilDivide(channels, tile.channels)
    channelsKept =
      isMatrix && storeWidth == 2 && !model.raggedMaps[maker + 1]
      ? min(tile.channels, 2 * Schedule.ceilDivide(model.producedChannels(of: maker), 8)) : tile.channels
  }

  /// Groups of pixels and channels: an item's, or with matrices a warp's.
  private let pixelGroups: Int
  private var channelGroups: Int { Schedule.ceilDivide(channels, (isMatrix ? 4 : 1) * tile.channels) }

  public var warps: Int {
    let items = channelGroups * pixelGroups
    return isMatrix ? items : Schedule.ceilDivide(items, WarpRequest.lanes)
  }

  /// Pixels of an item of which each lane reads the values: where the tile has one, that is all of them; where windows slide, the
  /// first, with those of the others below it.
  public var pixelsRead: Int { slides || rows * columns == 1 ? 1 : tile.pixels }

  /// Rows of values that a lane reads of each of these, of the rows that a window has.
  public func rowsRead(_ window: WindowAxis) -> Int {
    slides ? window.span(of: tile.pixels) : window.window
  }

  /// Channels of an item whose results are made. Where matrices have more filters than any step has channels, and results are written
  /// two at once, the others are no lane's, and their constants are not read.
  public let channelsKept: Int

  /// Channels whose biases or multipliers of `bytes` each a lane reads at once: those that it writes at once, up to 16 B.
  public func constantsRead(of bytes: Int) -> Int { min(storeWidth, max(1, 16 / bytes)) }

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
    guard let first = firstOutput(warp, lane) else { return nil }
    let channel = first.channel + m / side * channelStep + m % side
    guard slides else { return output(channel: channel, pixel: first.pixel + p * pixelStep) }
    let (line, column) = first.pixel.quotientAndRemainder(dividingBy: columns)
    let row = min(line * tile.pixels, rows - tile.pixels) + p
    return Output(
      channel: min(channel, channels - 1), row: row, column: column,
      isReal: channel < channels && row >= line * tile.pixels)
  }

  /// The output of any channel and pixel, or the last one in its place.
  @inline(__always)
  public func output(channel: Int, pixel: Int) -> Output {
    let last = rows * columns - 1
    let held = min(pixel, last)
    return Output(
      channel: min(channel, channels - 1), row: held / columns, column: held % columns,
      isReal: channel < channels && pixel <= last)
  }

  /// Where the item of a lane begins.
  @inline(__always)
  private func firstOutput(_ warp: Int, _ lane: Int) -> (channel: Int, pixel: Int)? {
    if isMatrix {
      let first = matrixOrigin(warp: warp)
      return (first.channel + 2 * (lane % 4), first.pixel + lane / 4)
    }
    let item = warp * WarpRequest.lanes + lane
    guard item < channelGroups * pixelGroups else { return nil }
    if isChannelsFirst {
      return (item % channelGroups * side, item / channelGroups)
    }
    return (item / pixelGroups * side, item % pixelGroups)
  }

  /// Lanes of a warp of which one has an output for itself if any lane has: the first, and the one that begins the next run of items.
  /// Every other lies behind one of them along both axes.
  public func firstLanes(ofWarp warp: Int) -> [Int] {
    if isMatrix { return [0] }
    let run = isChannelsFirst ? channelGroups : pixelGroups
    let next = run - warp * WarpRequest.lanes % run
    return next < WarpRequest.lanes ? [0, next] : [0]
  }

  /// The first channel and pixel of what a warp makes by matrices.
  public func matrixOrigin(warp: Int) -> (channel: Int, pixel: Int) {
    (warp % channelGroups * 4 * tile.channels, warp / channelGroups * 8 * tile.pixels)
  }
}

extension Schedule {
  /// Calls `body` with each warp request that stores `region` of the output: the offsets in elements of what the 32 lanes
  /// begin with, −1 for inactive ones. Results go from the registers that they were summed up in straight to memory: one
  /// request for each pixel of an item and each of its channels, or each `storeWidth` of them. `body` may overwrite the
  /// offsets.
  public func forEachStoreRequest(of region: Region, _ body: (UnsafeMutableBufferPointer<Int>) -> Void) {
    forEachResultRequest(of: region, after: chain.stages.count - 1, body)
  }

  /// The same for the outputs of any `stage`: so the lanes load the residuals of their results.
  public func forEachResultRequest(
    of region: Region, after stage: Int, _ body: (UnsafeMutableBufferPointer<Int>) -> Void
  ) {
    let layout = chain.layout(of: chain.stages[stage].outputMap, chain.axisOrder)
    let lanes = ComputeLanes(self, stage: stage, channels: region.channels.count)
    withUnsafeTemporaryAllocation(of: Int.self, capacity: WarpRequest.lanes) { offsets in
      for warp in 0..<lanes.warps {
        for channel in stride(from: 0, to: lanes.channelsKept, by: lanes.storeWidth) {
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
