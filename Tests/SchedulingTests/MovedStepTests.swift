import Scheduling
import TestSupport
import Testing

@Suite struct MovedStepTests {
  private static let chains: [[RandomStage]] = [
    [.dw], [.pw], [.grouped], [.dw, .pw], [.pw, .dw], [.pw, .pw], [.pw, .dw, .pw], [.add], [.conv, .dw, .pw],
  ]

  @Test("Blocks of one channel tile take the same steps, each on its own piece of the maps", arguments: 0..<9)
  func moved(_ chain: Int) throws {
    for seed in 0..<30 {
      var generator = RandomCaseGenerator(seed: UInt64(90_000 + chain * 1_000 + seed))
      let schedule = try generator.draw(Self.chains[chain]).schedule
      var first: [Int: [TileStep]] = [:]
      for block in schedule.blocks {
        let steps = schedule.steps(of: block)
        guard let others = first[block.channelTile] else {
          first[block.channelTile] = steps
          continue
        }
        try #require(others.map { schedule.step($0, movedTo: block) } == steps)
      }
    }
  }
}
