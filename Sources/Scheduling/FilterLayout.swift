import Workload

/// How the filters of a step lie in shared memory, in elements.
///
/// | | filters | elements of a filter |
/// |---|---|---|
/// | one by one | side by side | side by side |
/// | packs | in groups of `side`, the groups an odd number of packs apart | side by side |
/// | filter packs, matrix | an odd number of packs apart | side by side |
/// | depthwise, several channels a lane | side by side | taps an odd number of packs apart |
///
/// So lanes that read packs of different rows at once meet no bank conflicts, and the last one reads a tap's weights of its
/// channels in one access.
public struct FilterLayout: Hashable, Sendable {
  /// Filters of a group: those whose outputs a lane writes together.
  public let side: Int
  /// From filter to filter of a group, and from group to group.
  public let pitch, groupPitch: Int
  /// From channel to channel and tap to tap of a filter.
  public let step: Int
  /// Neighbouring filters whose weights a lane reads at once.
  public let vector: Int

  /// Where filter `filter` of a step begins, in elements.
  @inline(__always)
  public func offset(of filter: Int) -> Int { filter / side * groupPitch + filter % side * pitch }

  /// Room for `filters` of `length` elements.
  func room(for filters: Int, length: Int) -> Int {
    vector > 1 ? length * step : Schedule.ceilDivide(filters, side) * groupPitch
  }

  /// One filter after the other.
  fileprivate static func rows(_ pitch: Int) -> FilterLayout {
    FilterLayout(side: 1, pitch: pitch, groupPitch: pitch, step: 1, vector: 1)
  }

  /// So many elements, in packs, as an odd number of packs has.
  static func oddPacks(of elements: Int, _ pack: Int) -> Int {
    (Schedule.ceilDivide(elements, pack) | 1) * pack
  }
}

extension FootprintModel {
  /// - Parameter reducing: Input channels of the step, where the stage mixes them.
  public func filterLayout(of stage: Int, reducing: Int) -> FilterLayout {
    let shape = chain.stages[stage].shape
    let window = shape.rows.window * shape.columns.window
    let length = (chain.mixesChannels(stage) ? reducing : shape.channelsPerGroup) * window
    let vector = channelVector(of: stage)
    if vector > 1 {
      let step = FilterLayout.oddPacks(of: producedChannels(of: stage), vector)
      return FilterLayout(side: 1, pitch: 1, groupPitch: 1, step: step, vector: vector)
    }
    // Of packs and matrices a shorter last chunk lies as the others do.
    let row = tiling.reduction[stage]
    switch path(of: stage) {
    case .elements: return .rows(length)
    case .packs(let size):
      let (side, pitch) = (storeWidth(of: stage), Schedule.ceilDivide(row, size) * size)
      let group = FilterLayout.oddPacks(of: side * pitch, size)
      return FilterLayout(side: side, pitch: pitch, groupPitch: group, step: 1, vector: 1)
    case .filterPacks(let size):
      // They are loaded in the widest items that fit, and read in packs of these or less.
      let grain = tiling.inputGrain(of: stage, in: chain)
      let item = [16, 8].map { $0 / chain.elementType.bytes }.first { grain % $0 == 0 } ?? size
      return .rows(FilterLayout.oddPacks(of: row, max(item, size)))
    case .matrix: return .rows(FilterLayout.oddPacks(of: row, 16))
    }
  }

  /// Whether every step loads filters in whole items of `width` neighbours, aligned to their size.
  public func loadsFilters(of stage: Int, by width: Int) -> Bool {
    // What lies side by side in memory are the taps of a channel, in shared memory the channels of a tap.
    if channelVector(of: stage) > 1 { return width == 1 }
    let shape = chain.stages[stage].shape
    let window = shape.rows.window * shape.columns.window
    let chunk = chain.mixesChannels(stage) ? tiling.reduction[stage] : shape.channelsPerGroup
    // Filters that are read in packs have each a row of its own.
    if chunk == shape.channelsPerGroup, !path(of: stage).isPacked {
      return tiling.outputGrain(of: stage, in: chain) * chunk * window % width == 0
    }
    return shape.channelsPerGroup * window % width == 0 && chunk * window % width == 0
  }

  /// Elements that the buffer of the weights of `stage` has room for.
  func weightElements(of stage: Int) -> Int {
    let shape = chain.stages[stage].shape
    let channels = chain.mixesChannels(stage) ? tiling.reduction[stage] : shape.channelsPerGroup
    return filterLayout(of: stage, reducing: channels).room(
      for: producedChannels(of: stage), length: channels * shape.rows.window * shape.columns.window)
  }
}
