import CostModel
import Scheduling
import Workload

/// The reduction chunks of a chain, in groups whose members cause equally many accesses.
///
/// A stage that takes its input in `n` chunks asks the stage before `n` times; where that one mixes channels in chunks too,
/// it runs through all of its input `n` times, else it holds what it needs. So a chunked stage matters to accesses by its
/// number of chunks where the mixing stage before it is chunked as well, and not at all where it is not. A chunk's size
/// matters besides where it may cut a group of filters before it, whose input is then asked for by both chunks; there the
/// groups depend on the chunks' sizes and on the tile. All chunks of up to `ChannelOptions.exhaustive` channels are
/// tried then.
struct ReductionOptions {
  struct Group {
    /// Chunks of each stage, from large to small.
    var options: [[Int]]
    /// If any option is legal, one of these is: shared memory falls with the chunk, and registers are least where
    /// a stage reduces at once.
    var extremes: [[Int]]
    /// For each stage that mixes channels how often what comes before it is asked for because of its chunks: accesses never
    /// fall when one of them grows. Empty where sizes matter too.
    var repeats: [Int] = []
  }

  private let chain: Chain
  /// The least accesses first, as far as no chunk cuts a group of filters.
  private let groups: [Group]

  /// - Parameter grain: Chunks are a multiple of so many channels, or all.
  init(_ chain: Chain, grain: Int = 1) {
    self.chain = chain
    let mixing = chain.stages.indices.filter { chain.mixesChannels($0) }
    let whole = chain.stages.map(\.shape.channelsPerGroup)
    func options(_ stage: Int, from base: [Int]) -> [[Int]] {
      let isExhaustive = chain.mayCutGroups(of: stage) && whole[stage] <= ChannelOptions.exhaustive
      // Else the smallest of each number of chunks: a larger one needs more shared memory and saves nothing.
      let sizes =
        isExhaustive
        ? AxisCandidates.multiples(of: grain, to: whole[stage])
        : AxisCandidates.distinctCounts(whole[stage], grain: grain)
      return sizes.reversed().map { chunk in
        var next = base
        next[stage] = chunk
        return next
      }
    }
    let lists = mixing.map { Array(options($0, from: whole).dropFirst()) }
    var groups = [Group(options: [whole], extremes: [whole], repeats: mixing.map { _ in 1 })]
    var position = [whole: 0]
    for chunked in Self.subsets(of: mixing.count) {
      // Those that ask a chunked stage, and the lowest of each row of chunked stages.
      let askers = chunked.filter { chunked.contains($0 - 1) }
      let lowest = chunked.filter { !chunked.contains($0 - 1) }
      func choices(_ stages: [Int], from base: [Int]) -> [[Int]] {
        stages.reversed().reduce([base]) { all, stage in
          all.flatMap { base in
            lists[stage].map { option in
              var next = base
              next[mixing[stage]] = option[mixing[stage]]
              return next
            }
          }
        }
      }
      for base in choices(askers, from: whole) {
        let options = choices(lowest, from: base)
        guard let smallest = options.last else { continue }
        if let index = position[base] {
          groups[index].options += options
          groups[index].extremes.append(smallest)
        } else {
          position[base] = groups.count
          groups.append(
            Group(
              options: options, extremes: [smallest],
              repeats: mixing.map { (whole[$0] + base[$0] - 1) / base[$0] }))
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

  /// The non-empty sets of the numbers below `count`, each ascending, the whole set last.
  private static func subsets(of count: Int) -> [[Int]] {
    (1..<max(1, 1 << count)).map { bits in (0..<count).filter { bits >> $0 & 1 == 1 } }
  }
}
