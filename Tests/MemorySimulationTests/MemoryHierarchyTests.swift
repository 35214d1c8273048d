import Hardware
import TestSupport
import Testing
import Workload

@testable import MemorySimulation

/// Drawings of what happens to one L2 of `lines` lines: one answer an access.
@Suite struct MemoryHierarchyTests {
  private typealias Policy = SimulationParameters.PartialWrites

  /// Accesses such as `r3` (read sector 3) and `w3:00ff` (write the bytes of the mask, in hexadecimal), each
  /// answered by h hit, M miss, and a digit for DRAM reads; after `|` the DRAM writes and reads of the flush.
  private func draw(
    _ accesses: String, _ policy: Policy = .maskedWriteBack, granularity: Int = 32, lines: Int = 8
  ) throws -> String {
    var draft = GPUDraft()
    draft.l2 = CacheSpec(capacity: Bytes(lines * 128), ways: lines)
    var parameters = SimulationParameters()
    parameters.partialWrites = policy
    parameters.l2FetchGranularity = Bytes(granularity)
    // Each access on a multiprocessor of its own, so that all reach the L2.
    var memory = MemoryHierarchy(
      try draft.gpu(), multiprocessors: 40, carveOut: Bytes(64 << 10), parameters: parameters)
    var answers: [String] = []
    for (index, access) in accesses.split(separator: " ").enumerated() {
      var counts = LevelCounts()
      let parts = access.dropFirst().split(separator: ":")
      let sector = Int(parts[0]) ?? 0
      if access.first == "r" {
        memory.load(sector: sector, on: index, &counts)
      } else {
        let mask = UInt32(parts[1], radix: 16) ?? 0
        memory.store(sector: sector, mask: mask, on: index, &counts)
      }
      answers.append(
        ((counts.l2ReadHits + counts.l2WriteHits).total == 1 ? "h" : "M") + "\(counts.dramReads.total)")
    }
    memory.flush()
    let merged = memory.l2.mergeReads.reduce(.zero, +).total
    return answers.joined(separator: " ") + " | \(memory.l2.writtenBack.reduce(.zero, +).total) \(merged)"
  }

  @Test("A sector that one store fills is never read", arguments: SimulationParameters.PartialWrites.allCases)
  func whole(_ policy: SimulationParameters.PartialWrites) throws {
    #expect(try draw("w3:ffffffff r3", policy) == "M0 h0 | 1 0")
  }

  @Test("Two halves merge to a whole sector in the L2")
  func merging() throws {
    for policy in [SimulationParameters.PartialWrites.maskedWriteBack, .fetchOnEviction] {
      #expect(try draw("w3:0000ffff w3:ffff0000 r3", policy) == "M0 h0 h0 | 1 0")
    }
    #expect(try draw("w3:0000ffff w3:ffff0000 r3", .fetchOnWrite) == "M1 h0 h0 | 1 0")
  }

  @Test("Two quarters are no whole sector: a read still fetches the rest")
  func mergingQuarters() throws {
    #expect(try draw("w3:000000ff w3:0000ff00 r3") == "M0 h0 M1 | 1 0")
    #expect(try draw("w3:000000ff w3:0000ff00", .fetchOnEviction) == "M0 h0 | 1 1")
    #expect(try draw("w3:000000ff w3:0000ff00 w3:ffff0000 r3", .fetchOnEviction) == "M0 h0 h0 h0 | 1 0")
  }

  @Test("A sector that stays partial: masked, read as it leaves, or read at once")
  func partial() throws {
    #expect(try draw("w3:0000ffff", .maskedWriteBack) == "M0 | 1 0")
    #expect(try draw("w3:0000ffff", .fetchOnEviction) == "M0 | 1 1")
    #expect(try draw("w3:0000ffff", .fetchOnWrite) == "M1 | 1 0")
  }

  @Test("Reading a partial sector fetches the rest, once")
  func readsPartial() throws {
    for policy in [SimulationParameters.PartialWrites.maskedWriteBack, .fetchOnEviction] {
      #expect(try draw("w3:0000ffff r3 r3 w3:0000ffff", policy) == "M0 M1 h0 h0 | 1 0")
    }
  }

  // One line: reading line 1 pushes out line 0 with its partial sector; written again, it is partial again.
  @Test("An evicted partial sector forgets what was written")
  func evicted() throws {
    #expect(try draw("w0:0000ffff r4 w0:ffff0000", .maskedWriteBack, lines: 1) == "M0 M1 M0 | 2 0")
    #expect(try draw("w0:0000ffff r4 w0:ffff0000", .fetchOnEviction, lines: 1) == "M0 M1 M0 | 2 2")
  }

  @Test("A granule brings the neighbours that are not there, and completes partial ones")
  func granules() throws {
    #expect(try draw("r0 r1 r2 r3", granularity: 64) == "M2 h0 M2 h0 | 0 0")
    #expect(try draw("r0 r1 r2 r3", granularity: 128) == "M4 h0 h0 h0 | 0 0")
    #expect(try draw("w1:ffffffff r0", granularity: 64) == "M0 M1 | 1 0")
    #expect(try draw("w1:0000000f r0 r1", .fetchOnEviction, granularity: 64) == "M0 M2 h0 | 1 0")
  }

  @Test("A line made dirty twice is written back twice if it left in between")
  func writeBack() throws {
    #expect(try draw("w0:ffffffff w0:ffffffff", lines: 1) == "M0 h0 | 1 0")
    #expect(try draw("w0:ffffffff r4 w0:ffffffff", lines: 1) == "M0 M1 M0 | 2 0")
  }

  @Test("Stores fill the L1 only where they allocate")
  func l1Allocation() throws {
    for allocates in [false, true] {
      var parameters = SimulationParameters()
      parameters.l1AllocatesOnStore = allocates
      var memory = MemoryHierarchy(
        try GPUDraft().gpu(), multiprocessors: 1, carveOut: Bytes(64 << 10), parameters: parameters)
      var counts = LevelCounts()
      memory.store(sector: 0, mask: .max, on: 0, &counts)
      memory.store(sector: 1, mask: 0xff, on: 0, &counts)
      memory.load(sector: 0, on: 0, &counts)
      memory.load(sector: 1, on: 0, &counts)
      // The partly stored sector is not valid.
      #expect(counts.l1Hits.total == (allocates ? 1 : 0))
      #expect(counts.l1Misses.total == (allocates ? 1 : 2))
    }
  }
}
