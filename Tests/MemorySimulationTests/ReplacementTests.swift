import Testing
import Workload

@testable import MemorySimulation

/// The definitions of the other replacements, on one set, with no thought of speed.
private struct PlainSet {
  let ways: Int
  let policy: Replacement
  /// fifo: oldest first. tree-plru: by way, nil for free.
  private var queue: [Int] = []
  private var places: [Int?]
  /// The node over ways `low..<high` points to its higher half.
  private var pointsHigh: [Range<Int>: Bool] = [:]

  init(ways: Int, policy: Replacement) {
    self.ways = ways
    self.policy = policy
    places = Array(repeating: nil, count: ways)
  }

  mutating func access(_ line: Int) -> Bool {
    if policy == .fifo {
      if queue.contains(line) { return true }
      queue.append(line)
      if queue.count > ways { queue.removeFirst() }
      return false
    }
    let found = places.firstIndex(of: line)
    let way = found ?? places.firstIndex(of: nil) ?? leaf(0..<ways)
    places[way] = line
    use(way, 0..<ways)
    return found != nil
  }

  private func split(_ range: Range<Int>) -> Int { (range.lowerBound + range.upperBound + 1) / 2 }

  private func leaf(_ range: Range<Int>) -> Int {
    if range.count == 1 { return range.lowerBound }
    let middle = split(range)
    return leaf(
      pointsHigh[range] == true ? middle..<range.upperBound : range.lowerBound..<middle)
  }

  private mutating func use(_ way: Int, _ range: Range<Int>) {
    if range.count == 1 { return }
    let middle = split(range)
    pointsHigh[range] = way < middle
    use(way, way < middle ? range.lowerBound..<middle : middle..<range.upperBound)
  }
}

@Suite struct ReplacementTests {
  private func cache(_ policy: Replacement, sets: Int = 1, ways: Int) -> SectoredCache {
    SectoredCache(capacity: Bytes(sets * ways * 32), line: Bytes(32), ways: ways, replacement: policy)
  }

  /// M miss, h hit, of lines of one sector.
  private func draw(_ lines: String, _ policy: Replacement, ways: Int) -> String {
    var cache = cache(policy, ways: ways)
    return String(
      lines.compactMap(\.wholeNumberValue).map { cache.load(sector: $0) ? "h" as Character : "M" })
  }

  // Three ways. At the 3, lru lets 1 go, for 0 was used since; fifo lets 0 go, which came first.
  @Test("First in, first out does not mind uses")
  func fifo() {
    #expect(draw("01203012", .lru, ways: 3) == "MMMhMhMM")
    #expect(draw("0120301", .fifo, ways: 3) == "MMMhMMM")
  }

  // Four ways hold 0123; all bits point to 0 after the last use of 3. Use of 0 turns root and left node: root → 23,
  // its node → 2, so the 4 takes the place of 2. The root then points left, to 1: the 5 takes the place of 1.
  @Test("The tree points away from the last uses")
  func tree() {
    #expect(draw("0123042", .treePLRU, ways: 4) == "MMMMhMM")
    #expect(draw("01230451", .treePLRU, ways: 4) == "MMMMhMMM")
    #expect(draw("01230453", .treePLRU, ways: 4) == "MMMMhMMh")
    // Two ways are least recently used.
    #expect(draw("0102012", .treePLRU, ways: 2) == draw("0102012", .lru, ways: 2))
  }

  @Test(
    "Every answer is that of the plain definition", arguments: [Replacement.fifo, .treePLRU],
    [1, 2, 3, 4, 7, 8, 16, 33])
  func definition(_ policy: Replacement, _ ways: Int) {
    for sets in [1, 3, 8] {
      var cache = cache(policy, sets: sets, ways: ways)
      var plain = (0..<sets).map { _ in PlainSet(ways: ways, policy: policy) }
      for line in Trace.random(3_000, below: sets * ways * 2, seed: UInt64(ways)) {
        let found = cache.load(sector: line)
        #expect(found == plain[line % sets].access(line))
      }
    }
  }

  @Test("Random replacement fills free places first, is the same each time, and prefers no way")
  func random() {
    var cache = cache(.random, ways: 8)
    for line in 0..<8 {
      let found = cache.load(sector: line)
      #expect(!found)
    }
    for line in 0..<8 {
      let found = cache.load(sector: line)
      #expect(found)
    }
    var again = cache
    var gone = Array(repeating: 0, count: 8)
    for line in 8..<4_008 {
      let before = cache.entries
      _ = cache.load(sector: line)
      _ = again.load(sector: line)
      gone[zip(before, cache.entries).enumerated().first { $0.element.0 != $0.element.1 }?.offset ?? 0] += 1
    }
    #expect(cache == again)
    // 500 are expected of each; six standard deviations are 126.
    #expect(gone.allSatisfy { 374...626 ~= $0 })
  }
}
