import CostModel
import Scheduling
import Workload

/// The channel tiles and reduction chunks that a search compares: multiples of some number of channels, the grain, or all.
struct ChannelOptions {
  /// Up to so many channels all sizes are tried where sizes matter.
  static let exhaustive = 1 << 14

  struct Tile {
    let channels: Int
    let groups: [ReductionOptions.Group]
  }

  /// Ascending.
  let tiles: [Tile]

  init(_ chain: Chain, grain: Int = 1) {
    let reductions = ReductionOptions(chain, grain: grain)
    tiles = Self.sizes(of: chain, grain).map { Tile(channels: $0, groups: reductions.groups(ofTile: $0)) }
  }

  /// The smallest of each count. Where tiles may cut groups of filters, also larger ones that ask for less than
  /// every smaller one of their count, up to `exhaustive` outputs.
  private static func sizes(of chain: Chain, _ grain: Int) -> [Int] {
    let outputs = chain.last.shape.outputChannels
    guard chain.mayCutGroups(of: chain.stages.count), outputs <= exhaustive else {
      return AxisCandidates.distinctCounts(outputs, grain: grain)
    }
    let whole = chain.stages.map(\.shape.channelsPerGroup)
    var kept: [Int] = []
    var sameCount: [AccessFormula] = []
    for channels in AxisCandidates.multiples(of: grain, to: outputs) {
      let tiling = Tiling(rows: 1, columns: 1, channels: channels, reduction: whole)
      let formula = AccessFormula(chain: chain, channels: ChannelSums(chain: chain, tiling: tiling))
      let count = (outputs + channels - 1) / channels
      if kept.last.map({ (outputs + $0 - 1) / $0 != count }) ?? true { sameCount = [] }
      if sameCount.contains(where: { $0.isNoMore(than: formula) }) { continue }
      sameCount.append(formula)
      kept.append(channels)
    }
    return kept
  }
}
