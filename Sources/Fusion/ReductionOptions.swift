import CostModel
import Scheduling
import Workload

/// The reduction chunks of a chain, in groups whose members cause equally many accesses.
///
/// A chunk matters to accesses only where a stage behind it mixes channels too: then the input is read again for
/// each chunk of the later stage, unless one of the two stages takes all its channels at once. And it matters where
/// a chunk may cut a group of filters before it, whose input is then asked for by both chunks; there the groups
/// depend on the chunks' sizes and on the tile. All chunks of up to `TileSearch.exhaustiveChannels` channels are
/// tried then.
struct ReductionOptions {
  struct Group {
    /// Chunks of each stage, from large to small.
    var options: [[Int]]
    /// If any option is legal, one of these is: shared memory falls with the chunk, and registers are least where
    /// a stage reduces at once.
    var extremes: [[Int]]
  }

  private let chain: Chain
  /// Ascending in accesses, as far as no chunk cuts a group of filters.
  private let groups: [Group]

  init(_ chain: Chain) {
    self.chain = chain
    let mixing = chain.stages.indices.filter { chain.mixesChannels($0) }
    let whole = chain.stages.map(\.shape.channelsPerGroup)
    func options(_ stage: Int, from base: [Int]) -> [[Int]] {
      let isExhaustive = chain.mayCutGroups(of: stage) && whole[stage] <= TileSearch.exhaustiveChannels
      return (isExhaustive ? (1...whole[stage]).reversed() : Self.chunks(of: whole[stage])).map { chunk in
        var next = base
        next[stage] = chunk
        return next
      }
    }
    // With all but one stage whole, nothing is read twice.
    let lists = mixing.map { options($0, from: whole) }
    var groups = [
      Group(
        options: [whole] + lists.flatMap { $0.dropFirst() },
        extremes: [whole] + lists.compactMap { $0.count > 1 ? $0.last : nil })
    ]
    if let first = mixing.first {
      for stage in mixing.dropFirst() {
        for base in options(stage, from: whole).dropFirst() {
          let chunked = Array(options(first, from: base).dropFirst())
          if let smallest = chunked.last { groups.append(Group(options: chunked, extremes: [smallest])) }
        }
      }
    }
    self.groups = groups
  }

  /// The groups for tiles of `channels` outputs.
  func groups(ofTile channels: Int) -> [Group] {
    guard chain.stages.indices.contains(where: { chain.mixesChannels($0) && chain.mayCutGroups(of: $0) })
    else { return groups }
    var split: [Group] = []
    var position: [AccessFormula: Int] = [:]
    for option in groups.flatMap(\.options) {
      let tiling = Tiling(rows: 1, columns: 1, channels: channels, reduction: option)
      let formula = AccessFormula(chain: chain, channels: ChannelSums(chain: chain, tiling: tiling))
      if let index = position[formula] {
        split[index].options.append(option)
        split[index].extremes.append(option)
      } else {
        position[formula] = split.count
        split.append(Group(options: [option], extremes: [option]))
      }
    }
    return split
  }

  /// The smallest chunk of each number of chunks, descending: a larger chunk of the same number needs more shared
  /// memory and saves nothing.
  static func chunks(of channels: Int) -> [Int] { AxisCandidates.distinctCounts(channels).reversed() }
}
