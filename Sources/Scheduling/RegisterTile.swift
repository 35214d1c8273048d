import Hardware
import Workload

/// Output channels × pixels that a thread computes together, in registers.
public struct RegisterTile: Hashable, Sendable {
  public let channels, pixels: Int
}

extension FootprintModel {
  /// The most pixels of a channel that a thread computes together where channels are not mixed.
  public static let unmixedPixels = 4
  /// The most below one another, and the most weights of the windows that slide over their rows: they are kept in registers.
  public static let slidingPixels = 8, slidingWeights = 49
  /// The most neighbouring channels that a thread reads and computes together there.
  public static let mostChannelsRead = 4

  /// The most output channels and pixels of `stage` that a thread computes together: fewer than the lane map has where half
  /// of the block's threads would have no item, for a reduction is as long for one thread as for all.
  public func registerTile(of stage: Int) -> RegisterTile {
    // A residual is added where the sums are.
    if chain.isEpilogue(stage) { return registerTile(of: stage - 1) }
    guard chain.mixesChannels(stage) else {
      // Channels that are not mixed share nothing, so a thread takes pixels of one, which share the filter; or of as
      // many as it reads at once.
      let most = slidesWindows(of: stage) ? Self.slidingPixels : Self.unmixedPixels
      return shared(
        channels: channelVector(of: stage), pixels: min(lanes.pixelsPerThread, most), of: stage,
        leastChannels: channelVector(of: stage))
    }
    guard path(of: stage) != .matrix else {
      // A thread holds two filters and two pixels of each matrix that its warp makes.
      let slots = rowSlots[stage + 1] * columnSlots[stage + 1]
      let pixels = Self.filled(max(2, lanes.pixelsPerThread / 2 * 2), of: Schedule.ceilDivide(slots, 8))
      return RegisterTile(
        channels: max(2, lanes.channelsPerThread / 2 * 2), pixels: 2 * Schedule.ceilDivide(pixels, 2))
    }
    // INT8 results in NHWC are written several channels at once.
    let isWrittenInPacks = chain.axisOrder == .hwc && chain.elementType == .int8
    return shared(
      channels: lanes.channelsPerThread, pixels: lanes.pixelsPerThread, of: stage,
      leastChannels: isWrittenInPacks ? lanes.channelsPerThread : 1)
  }

  /// Halves `channels` × `pixels` until half of the threads have an item. A value is read for all of a
  /// tile's channels and, of filters in packs, a weight seldom, so pixels are given up first.
  private func shared(channels: Int, pixels: Int, of stage: Int, leastChannels: Int) -> RegisterTile {
    let produced = producedChannels(of: stage)
    let (lines, length) = pixelLines(of: stage)
    var (channels, pixels) = (min(channels, produced), min(pixels, length))
    func items() -> Int {
      Schedule.ceilDivide(produced, channels) * lines * Schedule.ceilDivide(length, pixels)
    }
    while 2 * items() < lanes.threads {
      if pixels > 1 {
        pixels /= 2
      } else if channels / 2 >= leastChannels {
        channels /= 2
      } else {
        break
      }
    }
    pixels = Self.filled(pixels, of: length)
    if leastChannels == 1 { channels = Self.filled(channels, of: produced) }
    return RegisterTile(channels: channels, pixels: pixels)
  }

  /// The most pixels of a channel that a thread computes together of a stage that does not mix channels, whatever the tile.
  public static func mostPixels(_ chain: Chain, _ stage: Int) -> Int {
    maySlideWindows(chain, stage, channels: 1) ? slidingPixels : unmixedPixels
  }

  /// Whether windows of `stage` slide in some tile where a thread reads so many channels at once.
  public static func maySlideWindows(_ chain: Chain, _ stage: Int, channels: Int) -> Bool {
    let shape = chain.stages[stage].shape
    return chain.hasWeights(stage) && !chain.mixesChannels(stage) && chain.overlapsRows(stage)
      && channels * shape.rows.window * shape.columns.window <= slidingWeights
  }

  /// Whether the pixels of a thread of `stage`, where it has several, lie straight below one another: their windows then slide down over
  /// rows of values that the thread reads once.
  public func slidesWindows(of stage: Int) -> Bool {
    lanes.slidesWindows && rowSlots[stage + 1] > 1
      && Self.maySlideWindows(chain, stage, channels: channelVector(of: stage)) && !joinsTaps(of: stage)
  }

  /// The pixels of a tile, in lines of which a thread's lie on one: each column is one, or they are all.
  private func pixelLines(of stage: Int) -> (count: Int, length: Int) {
    let (rows, columns) = (rowSlots[stage + 1], columnSlots[stage + 1])
    return slidesWindows(of: stage) ? (columns, rows) : (1, rows * columns)
  }

  /// Groups of `pixels` pixels of a tile.
  func pixelGroups(of stage: Int, _ pixels: Int) -> Int {
    let (lines, length) = pixelLines(of: stage)
    return lines * Schedule.ceilDivide(length, pixels)
  }

  /// As few members as leave `all` of them to no more items than `members` do: where they lie as far apart as there are items, none that
  /// no item has.
  private static func filled(_ members: Int, of all: Int) -> Int {
    Schedule.ceilDivide(all, Schedule.ceilDivide(all, members))
  }
}
