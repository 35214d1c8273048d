import Hardware
import Scheduling
import TestSupport
import Testing
import Workload

@testable import MemorySimulation

private let chains: [[RandomStage]] = [
  [.dw], [.pw], [.dw, .pw], [.pw, .dw], [.pw, .pw], [.pw, .dw, .pw], [.conv, .dw, .pw], [.add], [.grouped],
]

@Suite struct KernelReplayTests {
  private func gpu(l1: Int, l2: Int, multiprocessors: Int, ways: Int) throws -> GPU {
    var draft = GPUDraft()
    draft.multiprocessors = multiprocessors
    draft.blocks = 3
    draft.unifiedL1 = (100 << 10) + l1
    draft.l2 = CacheSpec(capacity: Bytes(l2), ways: ways)
    draft.l2FetchGranularity = 32
    return try draft.gpu()
  }

  /// 30 cases a chain, 270 in all, and as many on the other GPU.
  @Test(
    "Every counter is the plain model's, on caches that evict and on caches that hold", arguments: [0, 1])
  func agreesWithPlainReplay(_ variant: Int) throws {
    let gpu =
      variant == 0
      ? try gpu(l1: 384, l2: 1536, multiprocessors: 2, ways: 3)
      : try gpu(l1: 4096, l2: 1 << 14, multiprocessors: 3, ways: 8)
    for (index, chain) in chains.enumerated() {
      for seed in 0..<30 {
        var generator = RandomCaseGenerator(seed: UInt64(70_000 + index * 1_000 + seed))
        let example = try generator.draw(chain)
        let found = KernelReplay(example.schedule, on: gpu).run()
        let plain = PlainReplay(example.schedule, on: gpu)
        for operand in example.schedule.chain.operands {
          let t = found.operands[operand] ?? OperandTraffic()
          let counts = PlainReplay.Counts(
            accesses: t.accesses.count, requests: t.requests, sectors: t.sectors.count,
            l1Hits: t.l1Hits.count, l1Lost: t.causes.l2Reads[.eviction], l2Hits: t.l2ReadHits.count,
            dramReads: t.dramReads.count,
            l2Writes: t.l2Writes.count)
          try #require(counts == plain.counts[operand], "\(operand): \(example.description)")
          // Granules of one sector: the first trip of each is compulsory, all others are evictions'.
          let reads = t.causes[.dramReads]
          try #require(reads[.compulsory] == (operand == .ofm ? 0 : t.distinctSectors.count))
          try #require(reads.total == reads[.compulsory] + reads[.eviction])
        }
        try #require(found.dramWritten.count == plain.dramWrites * 32, "\(example.description)")
        try #require(found.checkConservation() == [], "\(example.description)")
        try #require(found.compulsory <= found.gma, "\(example.description)")
      }
    }
  }

  /// Two PW layers one after the other: the second reads what the first wrote.
  private func pair() throws -> (first: KernelReplay, second: KernelReplay) {
    let gpu = try gpu(l1: 4096, l2: 1 << 16, multiprocessors: 2, ways: 8)
    let schedule = try Sample(channels: 4, rows: (8, 1, 1, 0), columns: (8, 1, 1, 0)).schedule()
    let first = DataPlacement(of: schedule.chain)
    let second = DataPlacement(
      of: schedule.chain, from: first.end, placed: [.ifm(0): first.bases[.ofm] ?? .zero])
    return (
      KernelReplay(schedule, on: gpu, placement: first), KernelReplay(schedule, on: gpu, placement: second)
    )
  }

  // A map has 4 · 64 elements, 1 KB or 32 sectors; the weights 16 elements, 2 sectors.
  @Test("The second of two kernels finds its input in the L2, still dirty")
  func warm() throws {
    let (first, second) = try pair()
    var l2 = L2State(of: first.gpu)
    let before = first.run(from: &l2)
    #expect(before.operands[.ifm(0)]?.dramReads == Sectors(32))
    #expect(before.operands[.ofm]?.dramWrites == .zero)
    #expect(before.checkConservation() == [])
    let after = second.run(from: &l2)
    #expect(after.operands[.ifm(0)]?.dramReads == .zero)
    #expect(after.operands[.ifm(0)]?.l2ReadHits == Sectors(32))
    #expect(after.operands[.weights(stage: 0)]?.dramReads == Sectors(2))
    #expect(after.l2.dirtyAtStart == Sectors(32))
    #expect(after.checkConservation() == [])
    let flushed = l2.flush()
    #expect(flushed == Sectors(64))
    #expect(l2.dirtySectors == .zero)
  }

  // The L2 has 8 lines: the second kernel's 8-line input and output push the first one's output out.
  @Test("What an earlier kernel left dirty is written back, and booked apart")
  func earlierKernels() throws {
    let gpu = try gpu(l1: 4096, l2: 1 << 10, multiprocessors: 2, ways: 8)
    let (first, second) = try pair()
    var l2 = L2State(of: gpu)
    _ = KernelReplay(first.schedule, on: gpu, placement: first.placement).run(from: &l2)
    #expect(l2.dirtySectors == Sectors(32))
    let elsewhere = DataPlacement(of: second.schedule.chain, from: second.placement.end)
    let after = KernelReplay(second.schedule, on: gpu, placement: elsewhere).run(from: &l2)
    #expect(after.earlierKernels.dramWrites == Sectors(32))
    #expect(after.checkConservation() == [])
  }

  @Test("From a cold state handed in, only the flush is missing")
  func coldState() throws {
    let (first, _) = try pair()
    var l2 = L2State(of: first.gpu)
    let open = first.run(from: &l2)
    let closed = first.run()
    #expect(open.loads == closed.loads)
    #expect(closed.operands[.ofm]?.dramWrites == Sectors(32))
    #expect(open.l2.dirtyAtEnd == Sectors(32))
  }

  @Test("Tensors lie one after the other at multiples of 256 B")
  func placement() throws {
    let chain = try Sample(channels: 3, hasBias: true).schedule().chain
    // 3 · 32 fp32 are 384 B; 9 weights 36 B, 3 biases 12 B.
    let placement = DataPlacement(of: chain, from: Bytes(512))
    #expect(
      placement.bases == [
        .ifm(0): Bytes(512), .weights(stage: 0): Bytes(1024), .bias(stage: 0): Bytes(1280),
        .ofm: Bytes(1536),
      ])
    #expect(placement.end == Bytes(2048))
  }
}
