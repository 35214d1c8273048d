import Hardware
import Scheduling
import TestSupport
import Testing
import Workload

@testable import MemorySimulation

/// GPUs that no one builds but whose descriptions are sound.
@Suite struct OddGPUTests {
  private func schedule() throws -> Schedule {
    var sample = Sample(channels: 3, rows: (9, 3, 1, 1), columns: (11, 3, 1, 1))
    sample.tile = (4, 5, 2)
    return try sample.schedule()
  }

  @Test("As many multiprocessors as a file may have, of which 18 get a block")
  func countlessMultiprocessors() throws {
    var draft = GPUDraft()
    draft.multiprocessors = 1 << 12
    let traffic = KernelReplay(try schedule(), on: try draft.gpu()).run()
    draft.multiprocessors = 18
    let few = KernelReplay(try schedule(), on: try draft.gpu()).run()
    #expect(traffic.blocks == 18)
    #expect(traffic.operands == few.operands)
    #expect(traffic.waves == 1)
  }

  @Test("Caches of one line, lines of one sector and of three, one place in all")
  func smallest() throws {
    for line in [32, 64, 96, 128, 256] {
      var draft = GPUDraft()
      (draft.multiprocessors, draft.blocks, draft.l1Line) = (1, 1, line)
      draft.unifiedL1 = (100 << 10) + 1
      draft.l2 = CacheSpec(capacity: Bytes(line), line: Bytes(line), ways: 1)
      draft.l2FetchGranularity = 32
      let traffic = KernelReplay(try schedule(), on: try draft.gpu()).run()
      #expect(traffic.checkConservation() == [], "\(line) B a line")
      #expect(traffic.waves == 18)
      #expect(traffic.tailBasisPoints == 0)
    }
  }

  @Test("64 ways keep whole sets: 32 KB of L1 beside 64 KB of shared memory are 4 sets")
  func manyWays() {
    let cache = SectoredCache(capacity: Bytes(32 << 10), line: Bytes(128), ways: 64)
    #expect(cache.sets == 4)
    #expect(cache.sets * cache.ways * 128 == 32 << 10)
  }

  @Test("A schedule that fits no multiprocessor is not replayed as one without traffic")
  func illegal() async throws {
    #expect(try Sample().schedule().occupancy(on: Self.withoutRegisters()).blocksPerMultiprocessor == 0)
    await #expect(processExitsWith: .failure) {
      _ = KernelReplay(try Sample().schedule(), on: try Self.withoutRegisters()).run()
    }
  }

  private static func withoutRegisters() throws -> GPU {
    var draft = GPUDraft()
    draft.registers = 256
    return try draft.gpu()
  }

  @Test("A turn of no steps is refused")
  func emptyTurn() async {
    await #expect(processExitsWith: .failure) {
      var parameters = SimulationParameters()
      parameters.stepsPerTurn = 0
      _ = KernelReplay(try Sample().schedule(), on: try GPUDraft().gpu(), parameters: parameters).run()
    }
  }
}
