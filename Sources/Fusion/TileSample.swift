import CostModel
import Scheduling

extension TileExplorer {
  /// Tiles of a chain for other means to rank: the cheapest, and dearer ones up to `mostTimesBest` its cost, closer together
  /// where they are nearer to it, as nearly as `sampled` tiles of the search have such costs. By rising cost; fewer than `count`
  /// where there are no more. By `time` and `energy` each has other lanes than the one before.
  /// - Throws: `ScheduleError` of the smallest tile where no tile is legal.
  public func sample(of chain: Chain, count: Int) throws(ScheduleError) -> [TileCandidate] {
    let search = TileSearch(self, chain)
    let best = try best(of: chain, search)
    var known: Set<Schedule> = [best.schedule]
    var left: [(tile: TileCandidate, ratio: Double)] = []
    for (number, choice) in search.sample(about: Self.sampled).enumerated() {
      let tile = try realised(choice, search, variant: number)
      let ratio = Double(tile.cost.primary.count) / Double(max(1, best.cost.primary.count))
      if ratio <= Self.mostTimesBest, known.insert(tile.schedule).inserted { left.append((tile, ratio)) }
    }
    var taken = [best]
    for step in 1..<max(1, count) {
      let share = Double(step) / Double(count - 1)
      let wanted = 1 + (Self.mostTimesBest - 1) * share * share
      let nearest = left.indices.min { abs(left[$0].ratio - wanted) < abs(left[$1].ratio - wanted) }
      guard let nearest else { break }
      taken.append(left.remove(at: nearest).tile)
    }
    return taken.sorted { $0.cost < $1.cost }
  }

  /// How much dearer than the best a tile of a sample may be.
  public static let mostTimesBest = 4.0
  private static let sampled = 1024
}
