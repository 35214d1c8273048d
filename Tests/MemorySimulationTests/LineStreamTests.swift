import Testing
import Workload

@testable import MemorySimulation

@Suite struct LineStreamTests {
  private func stream(_ sectors: [Int], perLine: Int, cause: (Int) -> SectorCause = { _ in .halo })
    -> [LineAccess]
  {
    var stream: [LineAccess] = []
    for (index, sector) in sectors.enumerated() {
      stream.add(line: sector / perLine, bit: 1 << UInt8(sector % perLine), cause: cause(index))
    }
    return stream
  }

  @Test("Neighbours of a line make one access; a repeat, another line or another cause starts the next")
  func runs() {
    #expect(
      stream([0, 1, 3, 3, 2, 5, 1], perLine: 4) == [
        LineAccess(line: 0, mask: 0b1011, cause: .halo), LineAccess(line: 0, mask: 0b1100, cause: .halo),
        LineAccess(line: 1, mask: 0b0010, cause: .halo), LineAccess(line: 0, mask: 0b0010, cause: .halo),
      ])
    #expect(stream([0, 1], perLine: 4) { $0 == 0 ? .halo : .reread }.count == 2)
  }

  @Test("A stream of lines is answered as its sectors one by one", arguments: CacheShape.all)
  func equalsSectors(_ shape: CacheShape) {
    for policy in Replacement.allCases {
      for (index, trace) in Trace.all.enumerated() {
        var one = SectoredCache(
          capacity: Bytes(shape.sets * shape.ways * shape.line), line: Bytes(shape.line), ways: shape.ways,
          replacement: policy)
        var two = one
        var counts = HitCounts()
        var missed: [LineAccess] = []
        two.load(stream(trace, perLine: shape.line / 32), counts: &counts, missed: &missed)
        let missing = trace.filter { !one.load(sector: $0) }
        #expect(one == two, "\(policy), trace \(index)")
        #expect(counts.misses.total == missing.count)
        #expect(counts.hits[.halo] == trace.count - missing.count)
        #expect(counts.hits.total + counts.misses.total == trace.count)
        // The missing sectors come in the same order but for those of one access.
        #expect(
          missed == stream(missing, perLine: shape.line / 32)
            || missed.reduce(0) { $0 + $1.mask.nonzeroBitCount } == missing.count)
      }
    }
  }

  @Test("A cause given for the whole stream replaces its own")
  func forcedCause() {
    var cache = CacheShape(sets: 1, ways: 4, line: 128).cache
    var counts = HitCounts()
    var missed: [LineAccess] = []
    cache.load(stream([0, 1, 0], perLine: 4), as: .recompute, counts: &counts, missed: &missed)
    #expect(missed == [LineAccess(line: 0, mask: 0b11, cause: .recompute)])
    #expect((counts.hits[.recompute], counts.misses[.recompute], counts.misses.total) == (1, 2, 2))
  }

  @Test("Bits are counted by look-up")
  func bits() {
    for mask in 0..<256 { #expect(bitCount(UInt64(mask)) == mask.nonzeroBitCount) }
  }
}
