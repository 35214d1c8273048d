import Hardware
import Scheduling
import TestSupport
import Testing
import Workload

@testable import MemorySimulation

@Suite struct ConservationFindingTests {
  // Two blocks of one channel of 8×8 outputs each. A block loads two maps of 64 fp32 (2 requests of 32 lanes, 4
  // sectors each) and two weights (1 request, 1 sector), and stores a map. On one multiprocessor with room for both
  // maps, the second block's 16 map sectors hit, and its weights share the first's sector.
  private func traffic() throws -> KernelTraffic {
    var draft = GPUDraft()
    draft.multiprocessors = 1
    draft.l2FetchGranularity = 32
    var sample = Sample(channels: 2, rows: (8, 1, 1, 0), columns: (8, 1, 1, 0))
    sample.tile.channels = 1
    return KernelReplay(try sample.schedule(), on: try draft.gpu()).run()
  }

  @Test("The second tile of filters hits the L1; only the first reads the L2")
  func byHand() throws {
    let traffic = try traffic()
    #expect(traffic.loads.requests == 2 * (4 + 1))
    #expect(traffic.loads.sectors == Sectors(2 * (16 + 1)))
    #expect(traffic.loads.l1Hits == Sectors(17))
    #expect(traffic.loads.l2ReadMisses == Sectors(17))
    #expect(traffic.stores.sectors == Sectors(16))
    #expect(traffic.total.lines == 2 * (4 + 1) + 4)
    #expect(traffic.loads.sectorsPerRequest == 3.4)
    #expect(traffic.dramRead == Bytes(17 * 32))
    #expect(traffic.dramWritten == Bytes(16 * 32))
    #expect(traffic.compulsory == Bytes((128 + 4 + 128) * 4))
  }

  @Test("Waves, the empty share of the last one, and warp instructions")
  func waves() throws {
    let traffic = try traffic()
    #expect(traffic.blocks == 2)
    #expect(traffic.waves == 1)
    #expect(traffic.blocksPerWave == 16)
    #expect(traffic.tailFraction == 14.0 / 16)
    #expect(traffic.tailBasisPoints == 8750)
    // 14 global; shared: 10 staged, and for each of 2 warps of 2 blocks 2 values and a pack of 2 weights; as many
    // multiply-adds as values.
    #expect(traffic.warpInstructions == 14 + 10 + 12 + 8)
  }

  @Test("Books that do not balance are told, each with its operand or cache")
  func findings() throws {
    var broken = try traffic()
    #expect(broken.checkConservation() == [])
    broken.operands[.ifm(0)]?.l1Hits = Sectors(15)
    broken.operands[.ofm]?.dramWrites = Sectors(15)
    #expect(
      broken.checkConservation() == [
        "ifm: causes of l1_hits add up", "ifm: L1 hits and misses are the sectors",
        "ofm: causes of dram_writes add up", "ofm: a flush writes each stored sector",
        "L2: dirty sectors written back are DRAM writes", "L2: what a flush writes is among all writes",
      ])
  }
}
