import Hardware
import Scheduling
import TestSupport
import Testing
import Workload

@testable import MemorySimulation

/// Replays of launches of which it is known where their blocks ran.
@Suite struct LaunchFactsTests {
  private func gpu(multiprocessors: Int, blocks: Int) throws -> GPU {
    var draft = GPUDraft()
    (draft.multiprocessors, draft.blocks) = (multiprocessors, blocks)
    return try draft.gpu()
  }

  // Two filters of one block each, and one input of 8 pixels: a sector.
  @Test("A sector that two blocks read is fetched once where both run on one multiprocessor, else twice")
  func sharing() throws {
    var two = Sample(filters: 2, rows: (1, 1, 1, 0), columns: (8, 1, 1, 0))
    two.tile.channels = 1
    let schedule = try two.schedule()
    func hits(_ takers: [Int]) throws -> Int {
      let facts = LaunchFacts(multiprocessors: takers)
      let traffic = KernelReplay(schedule, on: try gpu(multiprocessors: 2, blocks: 1), facts: facts).run()
      return traffic.operands[.ifm(0)]?.l1Hits.count ?? -1
    }
    #expect(try [[0, 1], [1, 0], [0, 0], [1, 1]].map(hits) == [0, 0, 1, 1])
  }

  private var sample: Sample {
    Sample(channels: 6, filters: 8, rows: (12, 3, 1, 1), columns: (12, 3, 1, 1), tile: (5, 4, 4), chunk: 3)
  }

  @Test("Blocks on the multiprocessors that they would take in turn move what they move in turn")
  func inTurn() throws {
    let schedule = try sample.schedule()
    let count = schedule.blocks.count
    // All are resident at once, then one on each multiprocessor at a time.
    for (multiprocessors, blocks) in [(3, 32), (count, 1)] {
      let gpu = try gpu(multiprocessors: multiprocessors, blocks: blocks)
      let takers = (0..<count).map { $0 % multiprocessors }
      let known = KernelReplay(schedule, on: gpu, facts: LaunchFacts(multiprocessors: takers))
      #expect(known.run() == KernelReplay(schedule, on: gpu).run())
    }
  }

  @Test("Wherever blocks run, requests stay, the books balance, and the timeline has the replay's rounds")
  func anywhere() throws {
    let schedule = try sample.schedule()
    let gpu = try gpu(multiprocessors: 3, blocks: 2)
    let plain = KernelReplay(schedule, on: gpu).run()
    var random = SeededGenerator(seed: 5)
    for _ in 0..<50 {
      let takers = (0..<schedule.blocks.count).map { _ in Int.random(in: 0..<3, using: &random) }
      var replay = KernelReplay(schedule, on: gpu, facts: LaunchFacts(multiprocessors: takers))
      replay.countsRounds = true
      let traffic = replay.run()
      #expect(traffic.violations().isEmpty)
      #expect(traffic.total.sectors == plain.total.sectors && traffic.total.requests == plain.total.requests)
      #expect(traffic.total.dramReads == plain.total.dramReads)
      let timeline = BlockTimeline(
        schedule, on: gpu, parameters: SimulationParameters(of: gpu),
        resident: traffic.occupancy.blocksPerMultiprocessor, multiprocessors: takers)
      #expect(traffic.rounds.count == timeline.rounds)
      #expect(timeline.spans.map { $0.place % 3 } == takers)
    }
  }
}
