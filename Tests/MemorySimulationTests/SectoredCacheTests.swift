import Testing
import Workload

@testable import MemorySimulation

@Suite struct SectoredCacheTests {
  @Test("Every touch, insertion, eviction and flush is the plain model's", arguments: CacheShape.all)
  func agreesWithPlainModel(_ shape: CacheShape) throws {
    for (index, trace) in Trace.all.enumerated() {
      var cache = shape.cache
      var plain = shape.plain
      var random = SeededGenerator(seed: UInt64(index))
      for (step, sector) in trace.enumerated() {
        let writes = random.next(in: 0...3) == 0
        let found = cache.touch(sector: sector, markDirty: writes)
        try #require(found == plain.touch(sector, markDirty: writes), "trace \(index), step \(step)")
        if !found {
          let gone = cache.insert(sector: sector, dirty: writes).map {
            PlainCache.Evicted(line: $0.line, dirty: $0.dirtySectors)
          }
          try #require(gone == plain.insert(sector, dirty: writes), "trace \(index), step \(step)")
        }
        guard random.next(in: 0...200) == 0 else { continue }
        let flushed = cache.flush().map { PlainCache.Evicted(line: $0.line, dirty: $0.dirtySectors) }
        try #require(Set(flushed) == plain.flush() && Set(flushed).count == flushed.count)
      }
    }
  }

  @Test("Each sector made dirty is written back exactly once, by an eviction or by the flush")
  func dirtySectorsAreConserved() {
    for shape in CacheShape.all {
      var cache = shape.cache
      var (made, written) = (0, 0)
      var random = SeededGenerator(seed: 3)
      var dirty: Set<Int> = []
      for sector in Trace.random(2_000, below: 300, seed: 4) {
        let writes = random.next(in: 0...1) == 0
        if !cache.touch(sector: sector, markDirty: writes),
          let gone = cache.insert(sector: sector, dirty: writes)
        {
          written += gone.dirtySectors
          dirty = dirty.filter { $0 / cache.sectorsPerLine != gone.line }
        }
        if writes && dirty.insert(sector).inserted { made += 1 }
      }
      written += cache.flush().reduce(0) { $0 + $1.dirtySectors }
      #expect(written == made, "\(shape)")
      #expect(cache.flush().isEmpty, "\(shape)")
    }
  }

  /// Which loads of the trace hit.
  private func hits(_ cache: SectoredCache, _ trace: [Int]) -> [Bool] {
    var cache = cache
    return trace.map { sector in
      let found = cache.touch(sector: sector)
      if !found { _ = cache.insert(sector: sector) }
      return found
    }
  }

  @Test("With more ways in as many sets, whatever hit still hits", arguments: [1, 3, 8])
  func inclusion(_ sets: Int) {
    for trace in Trace.all {
      var before = trace.map { _ in false }
      for ways in 1...9 {
        let now = hits(CacheShape(sets: sets, ways: ways, line: 128).cache, trace)
        #expect(zip(before, now).allSatisfy { !$0 || $1 }, "\(sets) sets, \(ways) ways")
        before = now
      }
    }
  }

  @Test("A cache that holds the whole trace misses each sector once")
  func coldMissesOnly() {
    for trace in Trace.all {
      let found = hits(CacheShape(sets: 1, ways: 128, line: 128).cache, trace)
      #expect(found.count { !$0 } == Set(trace).count)
    }
  }

  @Test("One line more than the ways, in turn, never hits")
  func thrashing() {
    let trace = (0..<4).flatMap { _ in [0, 4, 8] }
    #expect(hits(CacheShape(sets: 1, ways: 2, line: 128).cache, trace).allSatisfy { !$0 })
    #expect(hits(CacheShape(sets: 1, ways: 3, line: 128).cache, trace).count { $0 } == 9)
  }

  @Test("Capacity is rounded down to whole sets")
  func wholeSets() {
    let cache = SectoredCache(capacity: Bytes(28 << 10), line: Bytes(128), ways: 64)
    #expect(cache.sets == 3)
    #expect(cache.ways == 64)
  }

  @Test("Fewer lines than ways are one set of those lines: 64 ways in 4 KB hold 4 KB")
  func fewerLinesThanWays() {
    let cache = SectoredCache(capacity: Bytes(4 << 10), line: Bytes(128), ways: 64)
    #expect(cache.sets == 1)
    #expect(cache.ways == 32)
    let tiny = SectoredCache(capacity: Bytes(64), line: Bytes(128), ways: 4)
    #expect(tiny.sets == 1)
    #expect(tiny.ways == 1)
  }

  @Test("A partly valid line counts as used when a missing sector is asked for")
  func missingSectorIsUse() {
    var cache = CacheShape(sets: 1, ways: 2, line: 128).cache
    _ = cache.insert(sector: 0)
    _ = cache.insert(sector: 4)
    let found = cache.touch(sector: 1)
    #expect(!found)
    #expect(cache.insert(sector: 8) == SectoredCache.Eviction(line: 1, dirty: 0, valid: 1))
  }
}

@Suite struct SectoredCacheBooksTests {
  /// M miss, h hit.
  private func draw(_ sectors: [Int], sets: Int, ways: Int) -> String {
    var cache = CacheShape(sets: sets, ways: ways, line: 128).cache
    return String(sectors.map { cache.load(sector: $0) ? "h" : "M" })
  }

  // Sectors 0 to 3 are line 0, 4 to 7 line 1, 8 to 11 line 2.
  @Test("A line's sectors are fetched one by one, and leave together")
  func sectors() {
    #expect(draw([0, 1, 0, 1, 4, 0, 8, 0, 4], sets: 1, ways: 2) == "MMhhMhMhM")
    // Line 1 was the older when line 2 came; fetched again, it pushes out line 2.
    #expect(draw([0, 4, 0, 8, 0, 4, 8], sets: 1, ways: 2) == "MMhMhMM")
  }

  // Three sets: lines 0 and 3 share one, line 1 has another.
  @Test("Sets are lines modulo a count that is no power of two")
  func modulo() { #expect(draw([0, 4, 12, 0, 4], sets: 3, ways: 1) == "MMMMh") }

  @Test("Loading is looking up and bringing in", arguments: CacheShape.all)
  func load(_ shape: CacheShape) {
    for trace in Trace.all {
      var (one, two) = (shape.cache, shape.cache)
      for sector in trace {
        let found = two.touch(sector: sector)
        if !found { _ = two.insert(sector: sector) }
        let loaded = one.load(sector: sector)
        #expect(loaded == found)
      }
      #expect(one == two)
      let misses = one.fills
      #expect(misses >= Set(trace).count)
    }
  }

  @Test("Partial sectors are dirty and not valid until the rest comes")
  func partial() {
    var cache = CacheShape(sets: 1, ways: 1, line: 128).cache
    _ = cache.insert(sector: 1, dirty: true, valid: false)
    let foundPartial = cache.touch(sector: 1)
    #expect(!foundPartial)
    #expect(cache.isPartial(sector: 1))
    #expect(cache.dirtySectors == 1)
    _ = cache.insert(sector: 1)
    #expect(!cache.isPartial(sector: 1))
    #expect((cache.fills, cache.dirtied, cache.cleaned) == (1, 1, 0))
    _ = cache.insert(sector: 2, dirty: true, valid: false)
    let gone = cache.insert(sector: 4)
    #expect(gone == SectoredCache.Eviction(line: 0, dirty: 0b110, valid: 0b010))
    #expect(gone?.partial == 0b100)
    #expect((cache.fills, cache.dirtied, cache.cleaned) == (2, 2, 2))
  }
}
