import CostModel
import Fusion
import Hardware
import ModelFiles
import Scheduling
import TestSupport
import Testing
import Workload

@Suite struct TileSampleTests {
  private func chain(_ layers: [Int]) throws -> Chain {
    let network = try ModelSource.load("mobilenet_v1").network
    return try Chain(layers.map { network.layers[$0] }, precision: .fp32)
  }

  @Test(
    "A sample begins with the best tile, rises in cost to 4 times that at most, and has no tile twice",
    arguments: [Objective.gma, .time], [[1], [5, 6]])
  func sample(_ objective: Objective, _ layers: [Int]) throws {
    let gpu = try GPUSource.load("h200").gpu
    let explorer = TileExplorer(gpu: gpu, objective: objective)
    let chain = try chain(layers)
    let tiles = try explorer.sample(of: chain, count: 9)
    #expect(tiles.count == 9)
    #expect(tiles[0] == (try explorer.best(of: chain)))
    #expect(Set(tiles.map(\.schedule)).count == tiles.count)
    for (tile, next) in zip(tiles, tiles.dropFirst()) { #expect(!(next.cost < tile.cost)) }
    for tile in tiles {
      try tile.schedule.checkLegality(on: gpu)
      #expect(tile.cost.primary.count <= 4 * tiles[0].cost.primary.count)
      #expect(tile.schedule.blocks.count >= gpu.multiprocessors)
      #expect(tile == (try explorer.candidate(tile.schedule)))
    }
    // Nearer to the best they lie closer together: half of them below twice its cost.
    #expect(tiles[4].cost.primary.count < 2 * tiles[0].cost.primary.count)
    #expect(tiles == (try explorer.sample(of: chain, count: 9)))
  }

  @Test("Where there are fewer tiles than asked for, all come once")
  func few() throws {
    let gpu = try GPUSource.load("gtx1660").gpu
    var small = SmallNetwork(seed: 3, size: 2)
    let chain = try Chain([small.network().layers[0]], precision: .fp32)
    let tiles = try TileExplorer(gpu: gpu, minBlocks: 1).sample(of: chain, count: 500)
    #expect((2..<500).contains(tiles.count))
    #expect(tiles == (try TileExplorer(gpu: gpu, minBlocks: 1).sample(of: chain, count: 1000)))
    #expect(Set(tiles.map(\.schedule)).count == tiles.count)
  }
}
