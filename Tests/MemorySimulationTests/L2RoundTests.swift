import Hardware
import Scheduling
import TestSupport
import Testing
import Workload

@testable import MemorySimulation

@Suite struct L2RoundTests {
  private func run(_ schedule: Schedule, on gpu: GPU, _ parameters: SimulationParameters) -> KernelTraffic {
    var replay = KernelReplay(schedule, on: gpu, parameters: parameters)
    replay.countsRounds = true
    return replay.run()
  }

  @Test("Over all rounds the bytes are the L2's own counters, whatever is between it and the blocks")
  func sums() throws {
    var draft = GPUDraft()
    (draft.multiprocessors, draft.blocks) = (3, 2)
    let gpu = try draft.gpu()
    var sample = Sample(
      channels: 6, filters: 8, rows: (12, 3, 1, 1), columns: (12, 3, 1, 1), tile: (5, 4, 4), chunk: 3)
    for order in [BlockOrder.columnFastest, .rowFastest] {
      sample.order = order
      let schedule = try sample.schedule()
      for stepsPerTurn in [1, 3] {
        for storeMergeLines in [0, 4] {
          for partitions in SimulationParameters.Partitions.allCases {
            var parameters = SimulationParameters()
            (parameters.stepsPerTurn, parameters.l2Partitions) = (stepsPerTurn, partitions)
            parameters.storeMergeLines = storeMergeLines
            var traffic = run(schedule, on: gpu, parameters)
            let total = traffic.total
            #expect(
              traffic.rounds.reduce(0) { $0 + $1.read } == (total.l2ReadHits + total.l2ReadMisses).count * 32)
            #expect(traffic.rounds.reduce(0) { $0 + $1.written } == total.l2Writes.count * 32)
            #expect(traffic.rounds.count == BlockTimeline(schedule, on: gpu, parameters: parameters).rounds)
            // To count them moves nothing else.
            traffic.rounds = []
            #expect(traffic == KernelReplay(schedule, on: gpu, parameters: parameters).run())
          }
        }
      }
    }
  }

  // One block of one row of 8 pixels: a sector of input, a sector of a weight, nothing while it computes, a sector of output.
  @Test("A block's bytes stand in the rounds in which it moves them, and hits in the L1 in none")
  func rounds() throws {
    var draft = GPUDraft()
    draft.multiprocessors = 1
    let one = try Sample(rows: (1, 1, 1, 0), columns: (8, 1, 1, 0)).schedule()
    #expect(drawing(run(one, on: try draft.gpu(), SimulationParameters())) == "r32 r32 - w32")
    // Two filters, one after the other on the only place: the second block finds the input in the L1, and its weight, which lies
    // in the sector of the first.
    draft.blocks = 1
    var two = Sample(filters: 2, rows: (1, 1, 1, 0), columns: (8, 1, 1, 0))
    two.tile.channels = 1
    #expect(
      drawing(run(try two.schedule(), on: try draft.gpu(), SimulationParameters()))
        == "r32 r32 - w32 - - - w32")
  }

  private func drawing(_ traffic: KernelTraffic) -> String {
    traffic.rounds.map { round in
      let moved = (round.read > 0 ? "r\(round.read)" : "") + (round.written > 0 ? "w\(round.written)" : "")
      return moved.isEmpty ? "-" : moved
    }.joined(separator: " ")
  }
}
