import Testing
import Workload

@testable import MemorySimulation

@Suite struct ReadCacheTests {
  private static let shapes =
    CacheShape.all + [
      CacheShape(sets: 2, ways: 16, line: 32), CacheShape(sets: 3, ways: 17, line: 128),
      CacheShape(sets: 1, ways: 32, line: 128), CacheShape(sets: 2, ways: 33, line: 64),
      CacheShape(sets: 1, ways: 48, line: 32), CacheShape(sets: 3, ways: 64, line: 128),
      CacheShape(sets: 1, ways: 65, line: 32), CacheShape(sets: 5, ways: 20, line: 160),
    ]

  /// Those that this processor has.
  private static let instructions = ReadCache.Instructions.allCases.filter {
    $0.rawValue <= ReadCache.Instructions.best.rawValue
  }

  private func cache(_ shape: CacheShape, lines: Range<Int>) -> ReadCache {
    ReadCache(
      capacity: Bytes(shape.sets * shape.ways * shape.line), line: Bytes(shape.line), ways: shape.ways,
      lines: lines)
  }

  /// The trace as a stream of lines from `first` on, cut to accesses of one sector where `isCut`, causes in turn.
  private func stream(_ trace: [Int], from first: Int, perLine: Int, isCut: Bool) -> [LineAccess] {
    var stream: [LineAccess] = []
    for (index, sector) in trace.enumerated() {
      let cause = SectorCause.allCases[isCut ? index % 7 : index / 5 % 7]
      stream.add(line: first + sector / perLine, bit: 1 << UInt8(sector % perLine), cause: cause)
    }
    return stream
  }

  @Test("Every set of instructions answers as the cache that is also written", arguments: shapes)
  func equalsSectoredCache(_ shape: CacheShape) {
    for (index, trace) in Trace.all.enumerated() {
      for first in [0, 1, 1_000_003, 1 << 40] {
        for cause in [nil, SectorCause.recompute] {
          let stream = stream(trace, from: first, perLine: shape.line / 32, isCut: index % 2 == 0)
          var plain = shape.cache
          var (expected, lost) = (HitCounts(), [LineAccess]())
          plain.load(stream, as: cause, counts: &expected, missed: &lost)
          for instructions in Self.instructions {
            var cache = cache(shape, lines: first..<first + 400)
            var (counts, missed) = (HitCounts(), [LineAccess]())
            // In two parts, the second with what the first left.
            for part in [stream[..<(stream.count / 3)], stream[(stream.count / 3)...]] {
              cache.load(Array(part), as: cause, counts: &counts, missed: &missed, with: instructions)
            }
            #expect(counts == expected, "trace \(index) from \(first), \(instructions)")
            #expect(missed == lost, "trace \(index) from \(first), \(instructions)")
          }
        }
      }
    }
  }

  @Test("Hits are those of the plain definition, line by line", arguments: shapes)
  func equalsDefinition(_ shape: CacheShape) {
    for trace in Trace.all {
      var (cache, plain) = (cache(shape, lines: 0..<400), shape.plain)
      for sector in trace {
        let found = plain.touch(sector, markDirty: false)
        if !found { _ = plain.insert(sector, dirty: false) }
        let perLine = shape.line / 32
        var (counts, missed) = (HitCounts(), [LineAccess]())
        cache.load(
          [LineAccess(line: sector / perLine, mask: 1 << UInt8(sector % perLine))], counts: &counts,
          missed: &missed)
        #expect((counts.hits.total == 1) == found && missed.isEmpty == found)
      }
    }
  }

  @Test("A sector that was put in hits; a line without it is used all the same")
  func insertion() {
    for ways in [2, 80] {
      var cache = cache(CacheShape(sets: 1, ways: ways, line: 128), lines: 0..<100)
      func hits(_ sector: Int) -> Int {
        var (counts, missed) = (HitCounts(), [LineAccess]())
        cache.load(
          [LineAccess(line: sector / 4, mask: 1 << UInt8(sector % 4))], counts: &counts, missed: &missed)
        return counts.hits.total
      }
      cache.insert(sector: 5, valid: true)
      cache.insert(sector: 9, valid: false)
      #expect([hits(5), hits(9), hits(9), hits(6)] == [1, 0, 1, 0])
      // Line 2 is the older one now: put in again, it stays, and line 1 goes.
      cache.insert(sector: 9, valid: false)
      for line in 10..<10 + ways - 1 { cache.insert(sector: 4 * line, valid: true) }
      #expect([hits(9), hits(5)] == [1, 0])
    }
  }

  @Test("A loop of any width of lines that are too many for narrow entries")
  func manyLines() {
    let shape = CacheShape(sets: 2, ways: 4, line: 128)
    var (cache, plain) = (cache(shape, lines: 0..<1 << 40), shape.cache)
    let stream = Trace.random(500, below: 40, seed: 5).map { LineAccess(line: $0 << 32, mask: 0b1010) }
    var (counts, missed, expected, lost) = (HitCounts(), [LineAccess](), HitCounts(), [LineAccess]())
    cache.load(stream, counts: &counts, missed: &missed)
    plain.load(stream, counts: &expected, missed: &lost)
    #expect(counts == expected && missed == lost)
  }
}
