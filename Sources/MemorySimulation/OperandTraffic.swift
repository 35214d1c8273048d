import Hardware
import Workload

/// What a kernel moves of one operand, level by level. Sectors are 32 bytes.
public struct OperandTraffic: Hashable, Sendable {
  /// Distinct elements that a warp request touches, summed over the requests; no two requests of a step touch the
  /// same. The paper's GMA, in elements.
  public var accesses = Elements.zero
  /// Distinct elements that the whole kernel touches.
  public var distinct = Elements.zero
  /// Warp instructions, those with no active lane included.
  public var instructions = 0
  /// Warp instructions with an active lane.
  public var requests = 0
  /// Distinct 128-byte lines of a request, summed over the requests.
  public var lines = 0
  /// Distinct sectors of a request, summed over the requests.
  public var sectors = Sectors.zero
  /// Distinct sectors that the whole kernel touches.
  public var distinctSectors = Sectors.zero
  /// Loads only; stores go through.
  public var l1Hits = Sectors.zero
  public var l1Misses = Sectors.zero
  public var l2ReadHits = Sectors.zero
  public var l2ReadMisses = Sectors.zero
  public var l2Writes = Sectors.zero
  /// Stores to sectors that the L2 holds, partial ones included.
  public var l2WriteHits = Sectors.zero
  public var l2WriteMisses = Sectors.zero
  /// Stores that joined an earlier one to their sector before the L2.
  public var mergedStores = Sectors.zero
  /// Sectors that went from one partition of the L2 to the other.
  public var fabric = Sectors.zero
  /// Sectors that the kernel asked the L2 for the first time and that an earlier kernel had left there.
  public var inherited = Sectors.zero
  /// What misses bring, neighbours of the fetch granularity and the rest of partly written sectors included.
  public var dramReads = Sectors.zero
  public var dramWrites = Sectors.zero
  /// The same sectors by cause.
  public var causes = SectorBooks()

  public static var zero: Self { Self() }

  public static func + (a: Self, b: Self) -> Self {
    var sum = a
    sum.accesses = a.accesses + b.accesses
    sum.distinct = a.distinct + b.distinct
    sum.instructions += b.instructions
    sum.requests += b.requests
    sum.lines += b.lines
    sum.sectors = a.sectors + b.sectors
    sum.distinctSectors = a.distinctSectors + b.distinctSectors
    sum.l1Hits = a.l1Hits + b.l1Hits
    sum.l1Misses = a.l1Misses + b.l1Misses
    sum.l2ReadHits = a.l2ReadHits + b.l2ReadHits
    sum.l2ReadMisses = a.l2ReadMisses + b.l2ReadMisses
    sum.l2Writes = a.l2Writes + b.l2Writes
    sum.l2WriteHits = a.l2WriteHits + b.l2WriteHits
    sum.l2WriteMisses = a.l2WriteMisses + b.l2WriteMisses
    sum.mergedStores = a.mergedStores + b.mergedStores
    sum.fabric = a.fabric + b.fabric
    sum.inherited = a.inherited + b.inherited
    sum.causes = a.causes + b.causes
    sum.dramReads = a.dramReads + b.dramReads
    sum.dramWrites = a.dramWrites + b.dramWrites
    return sum
  }

  /// Books a level's sectors, by cause and in all.
  mutating func book(_ level: SectorBooks.Level, _ counts: CauseCounts) {
    causes[level] = counts
    let all = Sectors(counts.total)
    switch level {
    case .requests: sectors = all
    case .l1Hits: l1Hits = all
    case .l1Misses: l1Misses = all
    case .l2ReadHits: l2ReadHits = all
    case .l2ReadMisses: l2ReadMisses = all
    case .l2WriteHits: (l2WriteHits, l2Writes) = (all, all + l2WriteMisses)
    case .l2WriteMisses: (l2WriteMisses, l2Writes) = (all, all + l2WriteHits)
    case .dramReads: dramReads = all
    case .dramWrites: dramWrites = all
    }
  }

  /// 1 is the least; 0 without requests.
  public var sectorsPerRequest: Double { requests == 0 ? 0 : Double(sectors.count) / Double(requests) }
}

/// Shared-memory work of a kernel.
public struct SharedMemoryTraffic: Hashable, Sendable {
  /// Warp instructions with an active lane.
  public var requests = 0
  public var wavefronts = 0
  /// Wavefronts beyond the fewest that the accesses' widths allow.
  public var bankConflicts = 0

  public init(requests: Int = 0, wavefronts: Int = 0, bankConflicts: Int = 0) {
    self.requests = requests
    self.wavefronts = wavefronts
    self.bankConflicts = bankConflicts
  }

  public static func + (a: Self, b: Self) -> Self {
    Self(
      requests: a.requests + b.requests, wavefronts: a.wavefronts + b.wavefronts,
      bankConflicts: a.bankConflicts + b.bankConflicts)
  }

  static func - (a: Self, b: Self) -> Self {
    Self(
      requests: a.requests - b.requests, wavefronts: a.wavefronts - b.wavefronts,
      bankConflicts: a.bankConflicts - b.bankConflicts)
  }

  static func * (a: Self, times: Int) -> Self {
    Self(
      requests: a.requests * times, wavefronts: a.wavefronts * times, bankConflicts: a.bankConflicts * times)
  }
}

/// What the warps of a kernel multiply and add. Sums of values or weights for zero points are not among it.
public struct MultiplyAdds: Hashable, Sendable {
  /// Warp instructions of one product a lane.
  public var single = 0
  /// Warp instructions of four products of bytes a lane (dp4a).
  public var dotProducts = 0
  /// Products of 16 pixels × 32 input channels by 32 input channels × 8 filters on tensor cores.
  public var matrices = 0

  public init() {}

  static func + (a: Self, b: Self) -> Self {
    var sum = a
    sum.single += b.single
    sum.dotProducts += b.dotProducts
    sum.matrices += b.matrices
    return sum
  }

  static func * (a: Self, times: Int) -> Self {
    var product = a
    product.single *= times
    product.dotProducts *= times
    product.matrices *= times
    return product
  }
}

/// The L2's own books while a kernel ran, kept by the cache and not by operand.
public struct CacheBalance: Hashable, Sendable {
  /// Sectors brought from DRAM.
  public internal(set) var fills = Sectors.zero
  /// Sectors that turned dirty, and dirty ones that left or were flushed.
  public internal(set) var dirtied = Sectors.zero
  public internal(set) var writtenBack = Sectors.zero
  public internal(set) var dirtyAtStart = Sectors.zero
  public internal(set) var dirtyAtEnd = Sectors.zero
  /// Reads from DRAM that complete partial sectors on their way out.
  public internal(set) var mergeReads = Sectors.zero
  /// Sectors that DRAM reads and drops, or writes as they were, because they share an atom with others.
  public internal(set) var atomReads = Sectors.zero
  public internal(set) var atomWrites = Sectors.zero
}
