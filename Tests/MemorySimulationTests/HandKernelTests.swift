import Hardware
import Scheduling
import TestSupport
import Testing
import Workload

@testable import MemorySimulation

/// Kernels small enough to be worked out on paper. Tensors begin at multiples of 256 B, misses fetch 64 B.
@Suite struct HandKernelTests {
  private func replay(
    _ sample: Sample, _ change: (inout SimulationParameters) -> Void = { _ in }
  ) throws -> KernelTraffic {
    var parameters = SimulationParameters()
    change(&parameters)
    return KernelReplay(try sample.schedule(), on: try GPUDraft().gpu(), parameters: parameters).run()
  }

  private let small = Sample(rows: (4, 3, 1, 0), columns: (8, 3, 1, 0))

  // One block. The 4×8 map is 32 lanes, one request, 128 B = 4 sectors, all new to the L1; in the L2 sectors 0 and 2
  // miss and bring 1 and 3 with them. The filter is 9 lanes, 36 B = 2 sectors; the miss of the first brings the
  // second. The 2×6 outputs are 12 lanes, 48 B = 1½ sectors: both written to the L2, and back at the end.
  @Test("One channel of 4×8 through 3×3")
  func oneChannel() throws {
    let traffic = try replay(small)
    #expect(
      traffic.operands[.ifm(0)]?.withoutCauses
        == OperandTraffic(
          accesses: Elements(32), distinct: Elements(32), instructions: 1, requests: 1, lines: 1,
          sectors: Sectors(4), distinctSectors: Sectors(4), l1Misses: Sectors(4), l2ReadHits: Sectors(2),
          l2ReadMisses: Sectors(2), dramReads: Sectors(4)))
    #expect(
      traffic.operands[.weights(stage: 0)]?.withoutCauses
        == OperandTraffic(
          accesses: Elements(9), distinct: Elements(9), instructions: 1, requests: 1, lines: 1,
          sectors: Sectors(2), distinctSectors: Sectors(2), l1Misses: Sectors(2), l2ReadHits: Sectors(1),
          l2ReadMisses: Sectors(1), dramReads: Sectors(2)))
    #expect(
      traffic.operands[.ofm]?.withoutCauses
        == OperandTraffic(
          accesses: Elements(12), distinct: Elements(12), instructions: 1, requests: 1, lines: 1,
          sectors: Sectors(2), distinctSectors: Sectors(2), l2Writes: Sectors(2), l2WriteMisses: Sectors(2),
          dramWrites: Sectors(2)))
    #expect(traffic.gma == Bytes(32 * 4 + 9 * 4 + 12 * 4))
    // Staged: 32 and 9 words, a wavefront each. Computed: 12 outputs are one warp, which for each of 9 taps reads
    // values from words 0–5 and 8–13 (no two in one bank) and one weight for all.
    #expect(traffic.shared == SharedMemoryTraffic(requests: 1 + 1 + 9 + 9, wavefronts: 1 + 1 + 9 + 9))
    #expect(traffic.blocks == 1)
    #expect(traffic.waves == 1)
    #expect(traffic.checkConservation().isEmpty)
  }

  // Only the last output sector is partial, half of it; its granule's other sector was stored before, so one sector
  // is fetched.
  @Test("Where partial writes fetch, the half sector is read once")
  func partialWrites() throws {
    let traffic = try replay(small) { $0.partialWrites = .fetchOnWrite }
    #expect(traffic.operands[.ofm]?.dramReads == Sectors(1))
    #expect(traffic.operands[.ofm]?.dramWrites == Sectors(2))
    #expect(traffic.checkConservation().isEmpty)
  }

  @Test("Without the flush the results stay in the L2")
  func noFlush() throws {
    let traffic = try replay(small) { $0.flushesAtEnd = false }
    #expect(traffic.operands[.ofm]?.dramWrites == .zero)
    #expect(traffic.operands[.ofm]?.l2Writes == Sectors(2))
  }

  // Depthwise, two channels in one block. Maps: 64 lanes, 2 requests of 4 sectors. Filters: 18 lanes, 72 B = 3
  // sectors, of which the L2 fetches 0 with 1 and 2 with 3: 4 from DRAM for 3. Outputs: 24 lanes, 96 B = 3 sectors.
  // 2 channels of 2×6 pixels are 24 items, one warp. Each of 9 taps: one request for values, whose two planes of 32 words
  // meet in the same banks, so 2 wavefronts; one for weights, of two words.
  @Test("Two channels, depthwise: the filters' last granule is half overfetch")
  func twoChannels() throws {
    var sample = small
    (sample.channels, sample.groups) = (2, 2)
    let traffic = try replay(sample)
    #expect(traffic.operands[.ifm(0)]?.requests == 2)
    #expect(traffic.operands[.ifm(0)]?.dramReads == Sectors(8))
    #expect(traffic.operands[.weights(stage: 0)]?.sectors == Sectors(3))
    #expect(traffic.operands[.weights(stage: 0)]?.l2ReadMisses == Sectors(2))
    #expect(traffic.operands[.weights(stage: 0)]?.dramReads == Sectors(4))
    #expect(traffic.operands[.ofm]?.dramWrites == Sectors(3))
    #expect(traffic.shared == SharedMemoryTraffic(requests: 3 + 18, wavefronts: 3 + 27, bankConflicts: 9))
  }

  // 4 B a lane of INT8: 8 lanes move the map, 32 B = 1 sector; of its granule's two sectors DRAM sends both.
  // The 3×3 window leaves 2×6 outputs of 1 B, one piece of memory: 3 lanes, 12 B of one sector.
  @Test("INT8: four elements a lane, one sector, partly written")
  func int8() throws {
    var sample = small
    sample.precision = .int8(.onnx)
    sample.vectorWidth = 4
    let traffic = try replay(sample) { $0.partialWrites = .fetchOnWrite }
    #expect(
      traffic.operands[.ifm(0)]?.withoutCauses
        == OperandTraffic(
          accesses: Elements(32), distinct: Elements(32), instructions: 1, requests: 1, lines: 1,
          sectors: Sectors(1), distinctSectors: Sectors(1), l1Misses: Sectors(1), l2ReadMisses: Sectors(1),
          dramReads: Sectors(2)))
    #expect(
      traffic.operands[.ofm]?.withoutCauses
        == OperandTraffic(
          accesses: Elements(12), distinct: Elements(12), instructions: 1, requests: 1, lines: 1,
          sectors: Sectors(1), distinctSectors: Sectors(1), l2Writes: Sectors(1), l2WriteMisses: Sectors(1),
          dramReads: Sectors(2), dramWrites: Sectors(1)))
    #expect(traffic.operands[.multipliers(stage: 0)]?.accesses == Elements(1))
  }

  // Padding of 1: slots are 6 rows of 10, of which 4 rows of 8 exist. 60 slots are 2 instructions; both have active
  // lanes. Rows 0 to 3 begin at slots 11, 21, 31, 41: the first request holds rows 0, 1 and one element of row 2,
  // 3 sectors; the second the other 7 elements of row 2, and row 3, 2 sectors, the first of them again.
  @Test("Padding takes lanes but no bytes")
  func padding() throws {
    let sample = Sample(rows: (4, 3, 1, 1), columns: (8, 3, 1, 1))
    let input = try replay(sample).operands[.ifm(0)]
    #expect(input?.accesses == Elements(32))
    #expect(input?.instructions == 2)
    #expect(input?.requests == 2)
    #expect(input?.sectors == Sectors(5))
    #expect(input?.l1Hits == Sectors(1))
    #expect(input?.dramReads == Sectors(4))
  }

  // One row of 10 under a window of 8 rows: 8 tiles of 8 × 10 slots, 3 instructions each. The row is at slots 0, 10,
  // …, 70 of its tile, across the boundary of two requests where it starts at 30 or at 60.
  @Test("A request with nothing but padding is an instruction, not a request")
  func paddingOnly() throws {
    var sample = Sample(rows: (1, 8, 1, 7), columns: (10, 1, 1, 0))
    sample.tile.rows = 1
    let input = try replay(sample).operands[.ifm(0)]
    #expect(input?.instructions == 8 * 3)
    #expect(input?.requests == 8 + 2)
    #expect(input?.accesses == Elements(8 * 10))
  }
}
