import CostModel
import Hardware
import Scheduling
import Workload

/// A legal tile with its cost or a lower bound of it: small enough to keep all of a search.
struct BoundedTile {
  let bound: Cost
  /// Bytes that cross the DRAM interface; zero where the objective is none of them.
  let dram: Bytes
  let blocks: Int
  /// Where its rows and columns stand among the search's, and its slice among those that are looked at together.
  let row, column, slice: Int
}

/// A tile that some reduction chunk and lanes make legal.
struct TileChoice {
  let group: ReductionOptions.Group
  let channels: Int
  let rows, columns: AxisSums
  let blocks: Int
  let cost: Cost
  /// Nil where they were not priced.
  let lanes: LaneMap?
  /// Where the group stands in the search: the last thing that tells two choices apart.
  let position: Int

  /// Cost, then preferences among equals: blocks that fill 256 threads, more blocks, smaller tile sizes.
  static func < (a: TileChoice, b: TileChoice) -> Bool {
    if a.cost != b.cost { return a.cost < b.cost }
    if a.idleThreads != b.idleThreads { return a.idleThreads < b.idleThreads }
    if a.blocks != b.blocks { return a.blocks > b.blocks }
    if a.tile != b.tile { return a.tile.lexicographicallyPrecedes(b.tile) }
    return a.position < b.position
  }

  private var idleThreads: Int { max(0, 256 - rows.tile * columns.tile * channels) }
  private var tile: [Int] { [channels, rows.tile, columns.tile] }
}

/// The search of one chain: the legal tile of least cost.
///
/// What a block takes of a multiprocessor never falls when its tile grows in rows or columns, so the legal tiles of
/// a channel tile lie under a staircase, which is walked once instead of tried tile by tile. And no staircase is walked
/// where even the fewest spatial tiles with the least input would cost more than what is found already.
///
/// Where the objective would not see the rest of a sector go to waste, tiles and chunks have the channels of whole sectors, or all
/// (`TileExplorer.channelsOfSector`). Where none of these is legal they have those of half a sector, and so on.
struct TileSearch {
  /// All tiles of one channel tile and one group of reduction chunks.
  private struct Slice {
    let group: ReductionOptions.Group
    let channels, channelTiles: Int
    let formula: AccessFormula
    let sums: ChannelSums
    let position: Int
  }

  let legality: LaneLegality
  let chain: Chain
  /// The choice of least cost; nil where no tile is legal, or none costs less than was asked for.
  private(set) var best: TileChoice?
  private let rows, columns: [AxisSums]
  private let options: ChannelOptions
  private let model: DRAMModel?
  private let pricer: EstimatePricer?
  /// The least number of blocks, or as many as a legal tile can make.
  private var minBlocks: Int
  private let limit: Cost?

  /// - Parameter limit: What a tile must cost less than to be of use.
  init(_ explorer: TileExplorer, _ chain: Chain, below limit: Cost? = nil) {
    self.chain = chain
    self.limit = limit
    legality = LaneLegality(chain: chain, gpu: explorer.gpu)
    let rowWindows = chain.stages.map(\.shape.rows)
    let columnWindows = chain.stages.map(\.shape.columns)
    let loaded = [0] + chain.stages.indices.filter(chain.isEpilogue).map { $0 + 1 }
    let rowCandidates = AxisCandidates(windows: rowWindows, loaded: loaded)
    let columnCandidates =
      rowWindows == columnWindows ? rowCandidates : AxisCandidates(windows: columnWindows, loaded: loaded)
    (rows, columns) = (rowCandidates.sums, columnCandidates.sums)
    model = explorer.objective == .gma ? nil : DRAMModel(chain, on: explorer.gpu)
    pricer =
      explorer.objective.isEstimate
      ? EstimatePricer(chain, explorer, rows: rowCandidates.tilings, columns: columnCandidates.tilings) : nil
    // The smallest tile makes most blocks and needs least.
    var grain = explorer.channelsOfSector(chain)
    var options = ChannelOptions(chain, grain: grain)
    var smallest = legality.smallest(of: options, rows[0], columns[0])
    while smallest == nil, grain > 1 {
      grain /= 2
      options = ChannelOptions(chain, grain: grain)
      smallest = legality.smallest(of: options, rows[0], columns[0])
    }
    self.options = options
    minBlocks = explorer.minBlocks
    guard let smallest else { return }
    minBlocks = min(minBlocks, legality.blocks(smallest, rows[0], columns[0]))
    search()
    if best == nil, limit == nil {
      minBlocks = min(minBlocks, mostBlocks)
      search()
    }
  }

  private mutating func search() {
    let tiles = options.tiles
    // Chunks that repeat nothing come first, so that what they cost rules out most of the others.
    consider(tiles.indices.map { slice(tiles[$0].channels, tiles[$0].groups[0], position: $0 << 32) })
    for (index, tile) in tiles.enumerated() {
      var tooMany: [[Int]] = []
      var slices: [Slice] = []
      for (number, group) in tile.groups.enumerated().dropFirst() {
        if tooMany.contains(where: { zip($0, group.repeats).allSatisfy { $0 <= $1 } }) { continue }
        let slice = slice(tile.channels, group, position: index << 32 + number)
        if mayBeBest(slice) {
          slices.append(slice)
          // What is counted, and not priced, is at once known to the next.
          if pricer == nil { consider([slice]) }
        } else if !group.repeats.isEmpty {
          tooMany.append(group.repeats)
        }
      }
      if pricer != nil { consider(slices) }
    }
  }

  /// About `count` of the legal tiles that make enough blocks, evenly over the order of the search, each at its bound.
  func sample(about count: Int) -> [TileChoice] {
    var total = 0
    forEachTileOfUse { _, _ in total += 1 }
    let stride = max(1, total / max(1, count))
    var (number, taken) = (0, [TileChoice]())
    forEachTileOfUse { tile, slice in
      if number % stride == 0 { taken.append(choice(tile, slice, cost: tile.bound)) }
      number += 1
    }
    return taken
  }

  private func forEachTileOfUse(_ body: (BoundedTile, Slice) -> Void) {
    for (index, tile) in options.tiles.enumerated() {
      for (number, group) in tile.groups.enumerated() {
        let slice = slice(tile.channels, group, position: index << 32 + number)
        forEachTile(of: slice) { if $0.blocks >= minBlocks { body($0, slice) } }
      }
    }
  }

  private mutating func consider(_ slices: [Slice]) {
    if let pricer { return price(slices, by: pricer) }
    for slice in slices where mayBeBest(slice) {
      var found = best
      forEachTile(of: slice) { tile in
        guard isOfUse(tile, beside: found) else { return }
        let choice = choice(tile, slice, cost: tile.bound)
        if let best = found, !(choice < best) { return }
        found = choice
      }
      best = found
    }
  }

  /// Whether a tile is legal, makes enough blocks and may cost as little as the best so far.
  private func isOfUse(_ tile: BoundedTile, beside best: TileChoice?) -> Bool {
    guard tile.blocks >= minBlocks else { return false }
    if let limit, !(tile.bound < limit) { return false }
    return best.map { !($0.cost < tile.bound) } ?? true
  }

  private func choice(_ tile: BoundedTile, _ slice: Slice, cost: Cost, lanes: LaneMap? = nil) -> TileChoice {
    TileChoice(
      group: slice.group, channels: slice.channels, rows: rows[tile.row], columns: columns[tile.column],
      blocks: tile.blocks, cost: cost, lanes: lanes, position: slice.position)
  }

  /// Tiles are priced in the order of their lower bounds, until the next bound exceeds the best price: no tile beyond can
  /// be cheaper.
  private mutating func price(_ slices: [Slice], by pricer: EstimatePricer) {
    var bounded: [BoundedTile] = []
    for (index, slice) in slices.enumerated() where mayBeBest(slice) {
      forEachTile(of: slice, number: index) { tile in
        if isOfUse(tile, beside: best) { bounded.append(tile) }
      }
    }
    bounded.sort { $0.bound < $1.bound }
    for tile in bounded {
      if let best, best.cost < tile.bound { break }
      let slice = slices[tile.slice]
      guard
        let found = legality.realise(slice.group, slice.channels, rows[tile.row], columns[tile.column])
      else { preconditionFailure("a tile under the staircase has no legal lanes") }
      let lanes = legality.variants(of: found, rows[tile.row], columns[tile.column])
      let priced = pricer.price(found.tiling, lanes, dram: tile.dram, gma: tile.bound.gma) {
        [best, limit] cost in
        precondition(cost.primary >= tile.bound.primary, "a lower bound exceeds its price")
        return limit.map { cost < $0 } ?? true && best.map { !($0.cost < cost) } ?? true
      }
      guard let priced else { continue }
      let choice = choice(tile, slice, cost: priced.cost, lanes: priced.lanes)
      if best.map({ choice < $0 }) ?? true { best = choice }
    }
  }

  private func slice(_ channels: Int, _ group: ReductionOptions.Group, position: Int) -> Slice {
    let tiling = Tiling(rows: 1, columns: 1, channels: channels, reduction: group.options[0])
    let sums = ChannelSums(chain: chain, tiling: tiling)
    return Slice(
      group: group, channels: channels,
      channelTiles: (chain.last.shape.outputChannels + channels - 1) / channels,
      formula: AccessFormula(chain: chain, channels: sums), sums: sums, position: position)
  }

  /// Whether some tile of the slice may cost as little as the best so far, and less than what is of use.
  private func mayBeBest(_ slice: Slice) -> Bool {
    let least = leastCost(slice)
    if let limit, !(least < limit) { return false }
    return best.map { !($0.cost < least) } ?? true
  }

  /// No tile of the slice costs less.
  private func leastCost(_ slice: Slice) -> Cost {
    let held =
      (rows.map { $0.totals[0] }.min() ?? 0) * (columns.map { $0.totals[0] }.min() ?? 0)
    let perSpatial = slice.channelTiles * chain.last.shape.batch
    let tiles = max(1, (minBlocks + perSpatial - 1) / perSpatial)
    let accesses = slice.formula.total(held: held, tiles: tiles) ?? Bytes(AccessFormula.limit)
    let primary =
      pricer?.leastBound(
        slice.sums, rows[0], columns[0], accesses: accesses, dram: model?.compulsory ?? .zero)
      ?? ObjectiveValue((model?.compulsory ?? accesses).count)
    return Cost(primary: primary, gma: accesses)
  }

  private var mostBlocks: Int {
    var most = 0
    for tile in options.tiles {
      for group in tile.groups {
        forEachTile(of: slice(tile.channels, group, position: 0)) { most = max(most, $0.blocks) }
      }
    }
    return most
  }

  /// The legal ones.
  /// - Parameter number: The slice's own.
  private func forEachTile(of slice: Slice, number: Int = 0, _ body: (BoundedTile) -> Void) {
    var limit = columns.count
    for (rowIndex, row) in rows.enumerated() {
      while limit > 0, !legality.isLegal(slice.group, slice.channels, row, columns[limit - 1]) { limit -= 1 }
      for columnIndex in 0..<limit {
        let column = columns[columnIndex]
        guard let accesses = slice.formula.total(rows: row, columns: column) else { continue }
        let blocks = legality.blocks(slice.channels, row, column)
        let dram = model.map {
          $0.compulsory
            + $0.capacity(
              accesses: accesses, swept: slice.formula.swept(rows: row, columns: column), blocks: blocks,
              channelTiles: slice.channelTiles)
        }
        let bound = pricer?.bound(
          slice.sums, row, column, blocks: blocks, accesses: accesses, dram: dram ?? .zero)
        let primary = bound ?? ObjectiveValue((dram ?? accesses).count)
        body(
          BoundedTile(
            bound: Cost(primary: primary, gma: accesses), dram: dram ?? .zero, blocks: blocks, row: rowIndex,
            column: columnIndex, slice: number))
      }
    }
  }
}
