import Workload

/// Sectors of one tensor by cause, at every level that they pass.
public struct SectorBooks: Hashable, Sendable {
  /// Where sectors are counted, from the requests down.
  public enum Level: String, Hashable, Sendable, CaseIterable {
    /// What warp requests ask for.
    case requests
    case l1Hits = "l1_hits"
    case l1Misses = "l1_misses"
    case l2ReadHits = "l2_read_hits"
    case l2ReadMisses = "l2_read_misses"
    case l2WriteHits = "l2_write_hits"
    case l2WriteMisses = "l2_write_misses"
    case dramReads = "dram_reads"
    case dramWrites = "dram_writes"
  }

  private var counts: [CauseCounts] = Array(repeating: .zero, count: Level.allCases.count)

  public init() {}

  public internal(set) subscript(level: Level) -> CauseCounts {
    get { counts[Self.number(of: level)] }
    set { counts[Self.number(of: level)] = newValue }
  }

  /// Reads that reach the L2: a sector that the L1 had and lost comes as `eviction`.
  public var l2Reads: CauseCounts { self[.l2ReadHits] + self[.l2ReadMisses] }
  public var l2Writes: CauseCounts { self[.l2WriteHits] + self[.l2WriteMisses] }

  public static func + (a: Self, b: Self) -> Self {
    var sum = a
    for index in sum.counts.indices { sum.counts[index] += b.counts[index] }
    return sum
  }

  private static func number(of level: Level) -> Int {
    switch level {
    case .requests: 0
    case .l1Hits: 1
    case .l1Misses: 2
    case .l2ReadHits: 3
    case .l2ReadMisses: 4
    case .l2WriteHits: 5
    case .l2WriteMisses: 6
    case .dramReads: 7
    case .dramWrites: 8
    }
  }
}
