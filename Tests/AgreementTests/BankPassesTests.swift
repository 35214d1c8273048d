import Fusion
import ModelFiles
import Scheduling
import Testing
import Workload

@testable import CostModel
@testable import MemorySimulation

/// Passes over the banks as plans count them beside those of the replay.
@Suite struct BankPassesTests {
  private func replayed(_ places: [Int?], words: Int, _ direction: SharedMemoryBanks.Direction) -> Int {
    var addresses = places.map { $0.map { $0 * SharedMemoryBanks.word } ?? -1 }
    return addresses.withUnsafeMutableBufferPointer {
      max(0, SharedMemoryBanks.cost(of: $0, size: words * SharedMemoryBanks.word, direction).wavefronts - 1)
    }
  }

  @Test(
    "Reads and writes of 1, 2 and 4 words a lane take the replay's passes, in pairs or not, with lanes left out",
    arguments: [1, 2, 4])
  func passes(words: Int) {
    var random = SeededGenerator(seed: UInt64(words))
    for round in 0..<3000 {
      // Few places make pairs and broadcasts, many make conflicts.
      let extent = [1, 2, 5, 40, 500][round % 5]
      let apart = [0, 1, 2][round % 3]
      let strided = round % 7 == 0
      var places = (0..<WarpRequest.lanes).map { lane -> Int? in
        Bool.random(using: &random) || round % 2 == 0
          ? words * (strided ? lane * extent : Int.random(in: 0..<extent, using: &random)) : nil
      }
      if apart > 0 {
        for lane in places.indices where lane & apart != 0 && places[lane] != nil {
          places[lane] = places[lane ^ apart] ?? places[lane]
        }
      }
      #expect(
        BankPasses.extraPasses(words) { places[$0] } == replayed(places, words: words, .read), "\(places)")
      #expect(
        BankPasses.extraPasses(words, isRead: false) { places[$0] } == replayed(places, words: words, .write),
        "\(places)")
    }
  }

  @Test("By hand: a broadcast of 4 words takes two passes, 32 rows of one bank 32, a warp's neighbours one")
  func byHand() {
    #expect(BankPasses.extraPasses(4) { _ in 8 } == 1)
    #expect(BankPasses.extraPasses(1) { $0 * 32 } == 31)
    #expect(BankPasses.extraPasses(1) { $0 } == 0)
    #expect(BankPasses.extraPasses(4) { $0 * 4 } == 3)
    #expect(BankPasses.extraPasses(2) { _ in nil } == 0)
  }

  // Of a network's stages, for the first warps of one step stand for all.
  @Test("Conflicts of constants and of results add up to what each access of a network's kernels has")
  func sums() throws {
    let gpu = try #require(BuiltIn.gpu(named: "gtx1660"))
    let network = try #require(BuiltIn.network(named: "mobilenet_v2"))
    let plan = FusionPlanner(gpu: gpu, precision: .int8(.onnx), axisOrder: .hwc, maxFuse: 2).plan(network)
    var constants = (closed: 0.0, counted: 0)
    var writes = (closed: 0.0, counted: 0)
    for schedule in plan.groups.compactMap({ $0.candidate?.schedule }) {
      let costs = StepCosts(schedule, architecture: 86, countsConflicts: true)
      for stage in schedule.chain.stages.indices where schedule.chain.hasWeights(stage) {
        let channels = costs.model.producedChannels(of: stage)
        let lanes = costs.lanes(stage, channels: channels)
        let banks = BankPasses(costs, stage, lanes)
        let accesses = ComputeLaneCost(
          schedule, stage: stage, channels: channels, reducing: costs.model.consumedChannels(of: stage))
        for bytes in schedule.chain.constantBytes(of: stage) {
          let reads = lanes.warps * lanes.tile.channels / lanes.constantsRead(of: bytes)
          constants.closed += Double(reads) * banks.constantConflicts(bytes)
        }
        let read = accesses.constantReads()
        constants.counted += read.wavefronts - read.requests
        guard schedule.chain.hasBuffer(stage) else { continue }
        let written = accesses.writes()
        writes.closed += Double(written.requests) * banks.writeConflicts()
        writes.counted += written.wavefronts - written.requests
      }
    }
    #expect(constants.counted > 1000 && writes.counted > 1000, "\(constants) \(writes)")
    #expect((0.9...1.1).contains(constants.closed / Double(constants.counted)), "\(constants)")
    #expect((0.9...1.1).contains(writes.closed / Double(writes.counted)), "\(writes)")
  }
}
