import Hardware
import Scheduling
import TestSupport
import Testing
import Workload

@testable import MemorySimulation

/// A stored number of the traffic and how to add one to it.
private struct Field: Sendable {
  let name: String
  let increase: @Sendable (inout KernelTraffic) -> Void

  /// Of the operand's traffic.
  static func of(
    _ operand: Operand, _ name: String, _ increase: @escaping @Sendable (inout OperandTraffic) -> Void
  )
    -> Self
  {
    Self(name: name) { increase(&$0.operands[operand, default: OperandTraffic()]) }
  }

  static func shared(_ operand: Operand) -> [Self] {
    [
      of(operand, "accesses") { $0.accesses = $0.accesses + Elements(1) },
      of(operand, "distinct") { $0.distinct = $0.distinct + Elements(1) },
      of(operand, "lines") { $0.lines += 1 },
      of(operand, "distinctSectors") { $0.distinctSectors = $0.distinctSectors + Sectors(1) },
      of(operand, "instructions") { $0.instructions += 1 },
      of(operand, "requests") { $0.requests += 1 },
      of(operand, "sectors") { $0.sectors = $0.sectors + Sectors(1) },
      of(operand, "dramReads") { $0.dramReads = $0.dramReads + Sectors(1) },
    ]
  }

  static let loads =
    shared(.ifm(0)) + [
      of(.ifm(0), "l1Hits") { $0.l1Hits = $0.l1Hits + Sectors(1) },
      of(.ifm(0), "l1Misses") { $0.l1Misses = $0.l1Misses + Sectors(1) },
      of(.ifm(0), "l2ReadHits") { $0.l2ReadHits = $0.l2ReadHits + Sectors(1) },
      of(.ifm(0), "l2ReadMisses") { $0.l2ReadMisses = $0.l2ReadMisses + Sectors(1) },
      of(.ifm(0), "fabric") { $0.fabric = $0.fabric + Sectors(1) },
      of(.ifm(0), "inherited") { $0.inherited = $0.inherited + Sectors(1) },
    ]
  static let stores =
    shared(.ofm) + [
      of(.ofm, "l2Writes") { $0.l2Writes = $0.l2Writes + Sectors(1) },
      of(.ofm, "l2WriteHits") { $0.l2WriteHits = $0.l2WriteHits + Sectors(1) },
      of(.ofm, "l2WriteMisses") { $0.l2WriteMisses = $0.l2WriteMisses + Sectors(1) },
      of(.ofm, "mergedStores") { $0.mergedStores = $0.mergedStores + Sectors(1) },
      of(.ofm, "dramWrites") { $0.dramWrites = $0.dramWrites + Sectors(1) },
    ]
  static let banks = [
    Self(name: "requests") { $0.sharedStaging.requests += 1 },
    Self(name: "wavefronts") { $0.sharedStaging.wavefronts += 1 },
    Self(name: "bankConflicts") { $0.sharedStaging.bankConflicts += 1 },
    Self(name: "requests") { $0.sharedCopies.requests += 1 },
    Self(name: "wavefronts") { $0.sharedCopies.wavefronts += 1 },
    Self(name: "bankConflicts") { $0.sharedCopies.bankConflicts += 1 },
    Self(name: "requests") { $0.sharedFills.requests += 1 },
    Self(name: "wavefronts") { $0.sharedFills.wavefronts += 1 },
    Self(name: "bankConflicts") { $0.sharedFills.bankConflicts += 1 },
    Self(name: "requests") { $0.sharedReads.requests += 1 },
    Self(name: "wavefronts") { $0.sharedReads.wavefronts += 1 },
    Self(name: "bankConflicts") { $0.sharedReads.bankConflicts += 1 },
    Self(name: "requests") { $0.sharedIntermediates.requests += 1 },
    Self(name: "wavefronts") { $0.sharedIntermediates.wavefronts += 1 },
    Self(name: "bankConflicts") { $0.sharedIntermediates.bankConflicts += 1 },
  ]
  static let products = [
    Self(name: "single") { $0.multiplyAdds.single += 1 },
    Self(name: "dotProducts") { $0.multiplyAdds.dotProducts += 1 },
    Self(name: "matrices") { $0.multiplyAdds.matrices += 1 },
  ]
  static let launch = [
    Self(name: "blocks") { $0.blocks += 1 },
    Self(name: "blocksPerWave") { $0.blocksPerWave += 1 },
    Self(name: "asynchronousCopies") { $0.asynchronousCopies += 1 },
    Self(name: "flushedSectors") { $0.flushedSectors = $0.flushedSectors + Sectors(1) },
    Self(name: "launchReads") { $0.launchReads = $0.launchReads + Bytes(1) },
    Self(name: "instructionsPerMatrix") {
      ($0.multiplyAdds.matrices, $0.instructionsPerMatrix) = (1, 4)
    },
    Self(name: "earlierKernels") {
      $0.earlierKernels.dramWrites = $0.earlierKernels.dramWrites + Sectors(1)
    },
  ]
}

@Suite struct CounterTests {
  private func traffic() throws -> KernelTraffic {
    let schedule = try Sample(rows: (4, 3, 1, 0), columns: (8, 3, 1, 0)).schedule()
    return KernelReplay(schedule, on: try GPUDraft().gpu()).run()
  }

  private func value(_ name: String, _ traffic: KernelTraffic) -> Int? {
    Counter.all.first { $0.name == name }?.value(from: traffic)
  }

  @Test("Names and metrics are unique; a name ends in its unit, in snake case")
  func names() {
    let names = Counter.all.map(\.name)
    #expect(Set(names).count == names.count)
    #expect(Set(Counter.all.map(\.title)).count == names.count)
    let metrics = Counter.all.compactMap(\.metric)
    #expect(Set(metrics).count == metrics.count)
    for counter in Counter.all {
      #expect(counter.name.hasSuffix(counter.unit.rawValue))
      #expect(counter.name.allSatisfy { $0 == "_" || $0.isLowercase || $0.isNumber })
    }
  }

  @Test("Every stored number of the traffic moves a counter")
  func coverage() throws {
    func names(_ value: Any) -> Set<String> { Set(Mirror(reflecting: value).children.compactMap(\.label)) }
    #expect(Set((Field.loads + Field.stores).map(\.name)) == names(OperandTraffic()).subtracting(["causes"]))
    #expect(Set(Field.banks.map(\.name)) == names(SharedMemoryTraffic()))
    let before = try traffic()
    #expect(Set(Field.products.map(\.name)) == names(MultiplyAdds()))
    let shared = [
      "multiplyAdds", "sharedStaging", "sharedCopies", "sharedFills", "sharedReads", "sharedIntermediates",
    ]
    // The L2's own books, and how it started and ended, are there for the checks.
    let checks = ["l2", "startsCold", "isFlushed", "rounds", "copiesAsynchronously"]
    #expect(
      names(before)
        == Set(Field.launch.map(\.name) + shared + checks + ["operands", "elementBytes", "occupancy"]))
    for field in Field.loads + Field.stores + Field.banks + Field.launch + Field.products {
      var after = before
      field.increase(&after)
      #expect(Counter.all.contains { $0.value(from: before) != $0.value(from: after) }, "\(field.name)")
    }
  }

  // The kernel of the hand-worked 4×8 map: 32 + 9 words in, 12 out, as 4 + 2 and 2 sectors.
  @Test("The counters of a kernel worked out by hand")
  func byHand() throws {
    let traffic = try traffic()
    let expected = [
      "grid_blocks": 1, "resident_blocks": 16, "wave_blocks": 16 * 48, "whole_waves": 1,
      "global_access_bytes": 212, "global_load_instructions": 2, "global_store_instructions": 1,
      "l1_load_requests": 2, "l1_store_requests": 1, "l1_load_sectors": 6, "l1_store_sectors": 2,
      "l1_load_hit_sectors": 0, "l1_load_miss_sectors": 6, "shared_requests": 20, "shared_wavefronts": 20,
      "shared_bank_conflict_wavefronts": 0, "l2_read_sectors": 6, "l2_read_hit_sectors": 3,
      "l2_read_miss_sectors": 3, "l2_write_sectors": 2, "dram_read_bytes": 192, "dram_write_bytes": 64,
      // Two sectors stay in the L2 until it is flushed.
      "dram_launch_read_bytes": 0, "dram_evicted_write_bytes": 0, "dram_flushed_write_bytes": 64,
      // 767 of 768 places; each block takes 164 B and the reserve of 1 KB: 16 of 1,280 B are 20 KB, of which
      // the next carve-out has 32.
      "tail_basis_points": 9986, "shared_carve_out_bytes": 32 << 10,
      // Nothing is touched twice. 9 taps of one warp; two requests staged.
      "compulsory_bytes": 212, "compulsory_sectors": 8, "l1_lines": 3, "multiply_add_instructions": 9,
      "shared_load_instructions": 18, "shared_load_wavefronts": 18, "shared_load_bank_conflict_wavefronts": 0,
      // Both are copies of 4 bytes a lane.
      "asynchronous_copy_instructions": 2, "shared_store_instructions": 0, "shared_store_wavefronts": 0,
      "shared_store_bank_conflict_wavefronts": 0, "l2_write_hit_sectors": 0, "l2_write_miss_sectors": 2,
      "l1_merged_store_sectors": 0, "l2_fabric_sectors": 0, "l2_inherited_sectors": 0,
      "dot_product_instructions": 0, "matrix_instructions": 0,
    ]
    for (name, count) in expected { #expect(value(name, traffic) == count, "\(name)") }
    #expect(expected.count == Counter.all.count)
  }

  @Test("A GPU without asynchronous copies stores what it stages from registers")
  func throughRegisters() throws {
    var draft = GPUDraft()
    draft.computeCapability = "7.5"
    let traffic = KernelReplay(
      try Sample(rows: (4, 3, 1, 0), columns: (8, 3, 1, 0)).schedule(), on: try draft.gpu()
    ).run()
    #expect(value("asynchronous_copy_instructions", traffic) == 0)
    #expect(value("shared_store_instructions", traffic) == 2)
    #expect(value("shared_store_wavefronts", traffic) == 2)
  }

  @Test("Hits and misses of the L2 have a metric only where one cache answers each multiprocessor")
  func metricsOfGPUs() throws {
    let plain = try GPUDraft().gpu()
    let halves = try plain.with(undocumented: [
      UndocumentedParameter(.l2Partitions, "one", range: ["one", "through"], source: "a test")
    ])
    let differing = Counter.all.filter { $0.metric(on: plain) != $0.metric(on: halves) }
    #expect(differing.map(\.name) == ["l2_read_hit_sectors", "l2_read_miss_sectors"])
    #expect(differing.allSatisfy { $0.metric(on: plain) != nil && $0.metric(on: halves) == nil })
  }
}
