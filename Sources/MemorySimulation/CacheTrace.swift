import Workload

/// Traces to time and check caches with. They are defined so that a few lines of any language make the same.
public struct CacheTrace: Sendable {
  public let name: String
  /// 32-byte sectors in the order in which they are asked for.
  public let sectors: [Int]
  /// The same as line accesses, a step's length at a time, as a replay has them ready.
  private let steps: [[LineAccess]]
  private let lines: Range<Int>

  private init(name: String, sectors: [Int]) {
    self.name = name
    self.sectors = sectors
    lines = 0..<(sectors.max() ?? 0) + 1
    steps = stride(from: 0, to: sectors.count, by: 2048).map { first in
      sectors[first..<min(first + 2048, sectors.count)].map { LineAccess(line: $0, mask: 1) }
    }
  }

  /// - random: SplitMix64 from seed 1, modulo 2¹⁵ sectors, 1 MB.
  /// - streaming: 2¹⁶ sectors, 2 MB, over and over.
  /// - tiled: 8 channels of 128 × 128 sectors in tiles of 4 rows of 8 with a halo of 2, channel after channel, tile after tile.
  public static func all(count: Int) -> [Self] {
    var random = SeededGenerator(seed: 1)
    let drawn = (0..<count).map { _ in Int(random.next() % (1 << 15)) }
    var tile: [Int] = []
    for top in stride(from: 0, to: 112, by: 4) {
      for left in stride(from: 0, to: 112, by: 8) {
        for channel in 0..<8 {
          for row in top..<top + 6 {
            for column in left..<left + 10 { tile.append((channel * 128 + row) * 128 + column) }
          }
        }
      }
    }
    return [
      Self(name: "random", sectors: drawn),
      Self(name: "streaming", sectors: (0..<count).map { $0 % (1 << 16) }),
      Self(name: "tiled", sectors: (0..<count).map { tile[$0 % tile.count] }),
    ]
  }

  /// Hits and misses of a cache of `sets` sets of `ways` lines of one sector, least recently used first out.
  public func replay(sets: Int, ways: Int) -> (hits: Int, misses: Int) {
    var cache = ReadCache(capacity: Bytes(sets * ways * 32), line: Bytes(32), ways: ways, lines: lines)
    var counts = HitCounts()
    var missed: [LineAccess] = []
    for step in steps {
      missed.removeAll(keepingCapacity: true)
      // One cause for all, as almost every step of a replay has.
      cache.load(step, as: .compulsory, sectors: step.count, counts: &counts, missed: &missed)
    }
    return (counts.hits.total, counts.misses.total)
  }
}
