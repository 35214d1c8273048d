import CostModel
import Hardware
import Scheduling
import Workload

/// A tile that some reduction chunk and lanes make legal.
struct TileChoice {
  let group: ReductionOptions.Group
  let channels: Int
  let rows, columns: AxisSums
  let blocks: Int
  let cost: Cost
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
/// a channel tile lie under a staircase, which is walked once instead of tried tile by tile.
struct TileSearch {
  /// All tiles of one channel tile and one group of reduction chunks.
  private struct Slice {
    let group: ReductionOptions.Group
    let channels, channelTiles: Int
    let formula: AccessFormula
    let sums: ChannelSums
    /// For each candidate of rows, how many candidates of columns are legal.
    let limits: [Int]
  }

  let legality: LaneLegality
  let chain: Chain
  private let rows, columns: [AxisSums]
  private let slices: [Slice]
  private let model: DRAMModel?
  private let pricer: EstimatePricer?
  /// The least number of blocks, or as many as a legal tile can make.
  private var minBlocks: Int

  init(_ explorer: TileExplorer, _ chain: Chain) {
    self.chain = chain
    let legality = LaneLegality(chain: chain, gpu: explorer.gpu)
    self.legality = legality
    let rowWindows = chain.stages.map(\.shape.rows)
    let columnWindows = chain.stages.map(\.shape.columns)
    let rowCandidates = AxisCandidates(windows: rowWindows)
    let columnCandidates =
      rowWindows == columnWindows ? rowCandidates : AxisCandidates(windows: columnWindows)
    let (rows, columns) = (rowCandidates.sums, columnCandidates.sums)
    (self.rows, self.columns) = (rows, columns)
    model = explorer.objective == .gma ? nil : DRAMModel(chain, on: explorer.gpu)
    pricer =
      explorer.objective.isEstimate
      ? EstimatePricer(chain, explorer, rows: rowCandidates.tilings, columns: columnCandidates.tilings) : nil
    let options = ReductionOptions(chain)
    slices = Self.channelTiles(of: chain).flatMap { channels in
      options.groups(ofTile: channels).map { group in
        let tiling = Tiling(rows: 1, columns: 1, channels: channels, reduction: group.options[0])
        let sums = ChannelSums(chain: chain, tiling: tiling)
        var limit = columns.count
        let limits = rows.map { row in
          while limit > 0, !legality.isLegal(group, channels, row, columns[limit - 1]) { limit -= 1 }
          return limit
        }
        return Slice(
          group: group, channels: channels,
          channelTiles: (chain.last.shape.outputChannels + channels - 1) / channels,
          formula: AccessFormula(chain: chain, channels: sums), sums: sums, limits: limits)
      }
    }
    minBlocks = explorer.minBlocks
    minBlocks = min(minBlocks, mostBlocks)
  }

  /// The choice of least cost; nil where no tile is legal.
  var best: TileChoice? {
    if let pricer { return best(by: pricer) }
    var best: TileChoice?
    for position in slices.indices {
      visit(position) { choice in
        guard choice.blocks >= minBlocks else { return }
        if let best, !(choice < best) { return }
        best = choice
      }
    }
    return best
  }

  /// The choice of least estimate. Tiles are priced in the order of their lower bounds, until the next bound exceeds the
  /// best price: no tile beyond can be cheaper.
  private func best(by pricer: EstimatePricer) -> TileChoice? {
    var bounded: [BoundedTile] = []
    for position in slices.indices {
      visit(position) { choice in
        if choice.blocks >= minBlocks { bounded.append(BoundedTile(choice)) }
      }
    }
    bounded.sort { $0.bound < $1.bound }
    var best: TileChoice?
    for tile in bounded {
      if let best, best.cost < tile.bound { break }
      let slice = slices[tile.position]
      guard
        let (rows, columns) = pricer.axes(tile),
        let found = legality.realise(slice.group, slice.channels, rows, columns)
      else { preconditionFailure("a tile under the staircase has no legal lanes") }
      let choice = TileChoice(
        group: slice.group, channels: slice.channels, rows: rows, columns: columns, blocks: tile.blocks,
        cost: Cost(primary: pricer.price(found.tiling, found.lanes), gma: tile.bound.gma),
        position: tile.position)
      precondition(choice.cost.primary >= tile.bound.primary, "a lower bound exceeds its price")
      if best.map({ choice < $0 }) ?? true { best = choice }
    }
    return best
  }

  private var mostBlocks: Int {
    var most = 0
    for position in slices.indices { visit(position) { most = max(most, $0.blocks) } }
    return most
  }

  /// The smallest of each count. Where tiles may cut groups of filters, also larger ones that ask for less than
  /// every smaller one of their count, up to `exhaustiveChannels` outputs.
  static func channelTiles(of chain: Chain) -> [Int] {
    let outputs = chain.last.shape.outputChannels
    guard chain.mayCutGroups(of: chain.stages.count), outputs <= exhaustiveChannels else {
      return AxisCandidates.distinctCounts(outputs)
    }
    let whole = chain.stages.map(\.shape.channelsPerGroup)
    var kept: [Int] = []
    var sameCount: [AccessFormula] = []
    for channels in 1...outputs {
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

  static let exhaustiveChannels = 1 << 14

  private func visit(_ position: Int, _ body: (TileChoice) -> Void) {
    let slice = slices[position]
    let perSpatial = slice.channelTiles * chain.last.shape.batch
    for (row, limit) in zip(rows, slice.limits) {
      for column in columns[..<limit] {
        guard let accesses = slice.formula.total(rows: row, columns: column) else { continue }
        let blocks = row.tiles * column.tiles * perSpatial
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
          TileChoice(
            group: slice.group, channels: slice.channels, rows: row, columns: column, blocks: blocks,
            cost: Cost(primary: primary, gma: accesses), position: position))
      }
    }
  }
}

/// Which reduction chunks and lanes make a tile legal on a GPU, and which of them to take.
struct LaneLegality {
  let chain: Chain
  let gpu: GPU

  /// Threads per block that are tried, in order of preference.
  static let threadCounts = [256, 128, 512, 1024, 64, 32]

  /// 16-byte accesses where alignment allows them.
  func lanes(threads: Int, pixels: Int = 1) -> LaneMap {
    LaneMap(
      threads: threads, vectorWidth: 16 / chain.elementType.bytes, pixelsPerThread: pixels,
      usesTensorCores: chain.axisOrder == .hwc)
  }

  func isLegal(_ group: ReductionOptions.Group, _ channels: Int, _ rows: AxisSums, _ columns: AxisSums)
    -> Bool
  {
    group.extremes.contains { reduction in
      let tiling = Tiling(
        rows: rows.tile, columns: columns.tile, channels: channels, reduction: reduction)
      return Self.threadCounts.contains { threads in
        (try? footprint(tiling, threads, rows, columns).checkLegality(on: gpu)) != nil
      }
    }
  }

  /// Pixels that a thread may compute together.
  static let pixelCounts = [1, 2, 4, 8, 16]

  /// The tiling and lanes that let the stages take most input channels at once, and among those keep most threads
  /// resident; among those the largest chunk. A thread then takes as many
  /// pixels together as leave it fewest items, if that keeps as many threads resident: it reads each weight once for
  /// all of them.
  func realise(
    _ group: ReductionOptions.Group, _ channels: Int, _ rows: AxisSums, _ columns: AxisSums
  ) -> (tiling: Tiling, lanes: LaneMap)? {
    var best: (rank: (taken: Int, resident: Int), tiling: Tiling, threads: Int)?
    for reduction in group.options {
      let tiling = Tiling(
        rows: rows.tile, columns: columns.tile, channels: channels, reduction: reduction)
      for threads in Self.threadCounts {
        let model = model(tiling, threads, rows, columns, pixels: 1)
        guard (try? model.footprint.checkLegality(on: gpu)) != nil else { continue }
        let rank = (taken: channelsTaken(by: model), resident: residentThreads(model.footprint))
        if best.map({ rank > $0.rank }) ?? true { best = (rank, tiling, threads) }
      }
    }
    return best.map { best in
      let models = Self.pixelCounts.map { model(best.tiling, best.threads, rows, columns, pixels: $0) }
      let fits = models.filter { model in
        (try? model.footprint.checkLegality(on: gpu)) != nil
          && residentThreads(model.footprint) >= best.rank.resident
      }
      // The first of the least, so the fewest pixels.
      let fewest = fits.min { items(of: $0) < items(of: $1) }
      return (best.tiling, fewest?.lanes ?? lanes(threads: best.threads))
    }
  }

  /// Input channels that the stages which mix channels take at once, one and one where packs are not possible.
  private func channelsTaken(by model: FootprintModel) -> Int {
    chain.stages.indices.reduce(0) { sum, stage in
      switch model.path(of: stage) {
      case .elements: sum + 1
      case .packs(let size): sum + size
      case .matrix: sum + ComputePath.matrixChannels
      }
    }
  }

  private func residentThreads(_ footprint: BlockFootprint) -> Int {
    Occupancy.residentBlocks(footprint, on: gpu) * footprint.threads
  }

  /// Items of a thread of the stages that mix channels.
  private func items(of model: FootprintModel) -> Int {
    chain.stages.indices.reduce(0) { $0 + (chain.mixesChannels($1) ? model.itemsPerThread(of: $1) : 0) }
  }

  private func footprint(
    _ tiling: Tiling, _ threads: Int, _ rows: AxisSums, _ columns: AxisSums
  ) -> BlockFootprint {
    model(tiling, threads, rows, columns, pixels: 1).footprint
  }

  private func model(
    _ tiling: Tiling, _ threads: Int, _ rows: AxisSums, _ columns: AxisSums, pixels: Int
  ) -> FootprintModel {
    FootprintModel(
      chain: chain, tiling: tiling, lanes: lanes(threads: threads, pixels: pixels), rowSlots: rows.slots,
      columnSlots: columns.slots)
  }
}
