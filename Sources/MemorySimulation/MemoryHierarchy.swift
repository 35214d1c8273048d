import Hardware
import Scheduling
import Workload

/// What the L2 holds between kernels.
public struct L2State: Hashable, Sendable {
  var cache: SectoredCache
  /// Bytes written so far of the cache's partial sectors.
  var partial: [Int: UInt32] = [:]
  var isCold = true

  /// An empty L2.
  public init(of gpu: GPU) { cache = SectoredCache(gpu.l2) }

  /// Dirty sectors, which the next flush writes to DRAM.
  public var dirtySectors: Sectors { Sectors(cache.dirtySectors) }

  /// Writes all dirty sectors to DRAM, as the end of a program does, and says how many they were. What it takes to
  /// complete partial ones is not counted.
  public mutating func flush() -> Sectors {
    partial = [:]
    return Sectors(cache.flush().reduce(0) { $0 + $1.dirtySectors })
  }
}

/// The caches of a GPU while one kernel runs. Addresses are sector numbers.
///
/// L1: one a multiprocessor, empty at the start, write-through. L2: one for all, write-back, filled by the fetch
/// granularity; a sector that stores fill needs no fetch. DRAM: counted in sectors.
struct MemoryHierarchy {
  private var l1: [SectoredCache]
  private(set) var l2: L2State
  private let fetchSectors: Int
  private let parameters: SimulationParameters
  /// Sectors of each tensor.
  private let extents: [Range<Int>]
  /// Sectors written back, and read to complete partial ones on their way out, by tensor; the last entry is for
  /// sectors of no tensor of this kernel.
  private(set) var writtenBack: [Int]
  private(set) var mergeReads: [Int]

  /// - Parameters:
  ///   - multiprocessors: Those that get a block; the others need no L1.
  ///   - l2: What the L2 holds at the start; nothing by default.
  ///   - extents: Sectors of each tensor of the kernel.
  init(
    _ gpu: GPU, multiprocessors: Int, carveOut: Bytes, parameters: SimulationParameters, l2: L2State? = nil,
    extents: [Range<Int>] = []
  ) {
    let cache = SectoredCache(capacity: gpu.unifiedL1 - carveOut, line: gpu.l1Line, ways: gpu.l1Ways)
    l1 = Array(repeating: cache, count: multiprocessors)
    self.l2 = l2 ?? L2State(of: gpu)
    let granularity = parameters.l2FetchGranularity ?? gpu.l2FetchGranularity
    precondition(
      granularity.count > 0 && granularity.count % gpu.sector.count == 0
        && gpu.l2.line.count % granularity.count == 0, "a granule is whole sectors and divides the line")
    fetchSectors = granularity.count / gpu.sector.count
    self.parameters = parameters
    self.extents = extents
    writtenBack = Array(repeating: 0, count: extents.count + 1)
    mergeReads = writtenBack
  }

  @inline(__always)
  mutating func load(sector: Int, on multiprocessor: Int, _ traffic: inout LevelCounts) {
    if l1[multiprocessor].load(sector: sector) {
      traffic.l1Hits += 1
      return
    }
    traffic.l1Misses += 1
    if l2.cache.touch(sector: sector) {
      traffic.l2ReadHits += 1
      return
    }
    traffic.l2ReadMisses += 1
    fetch(sector, &traffic)
  }

  /// - Parameter mask: The bytes of the sector that the store writes.
  mutating func store(sector: Int, mask: UInt32, on multiprocessor: Int, _ traffic: inout LevelCounts) {
    if parameters.l1AllocatesOnStore {
      // Lines of the L1 are never dirty, so what falls out needs nothing.
      _ = l1[multiprocessor].insert(sector: sector, valid: mask == .max)
    }
    if l2.cache.touch(sector: sector, markDirty: true) {
      traffic.l2WriteHits += 1
      return
    }
    if let written = l2.partial[sector] {
      traffic.l2WriteHits += 1
      let merged = written | mask
      l2.partial[sector] = merged == .max ? nil : merged
      writeBack(l2.cache.insert(sector: sector, dirty: true, valid: merged == .max))
      return
    }
    traffic.l2WriteMisses += 1
    if mask == .max {
      writeBack(l2.cache.insert(sector: sector, dirty: true))
    } else if parameters.partialWrites == .fetchOnWrite {
      fetch(sector, &traffic)
      _ = l2.cache.touch(sector: sector, markDirty: true)
    } else {
      l2.partial[sector] = mask
      writeBack(l2.cache.insert(sector: sector, dirty: true, valid: false))
    }
  }

  /// Ends the kernel.
  mutating func flush() {
    for eviction in l2.cache.flush() { writeBack(eviction) }
  }

  /// Brings the granule of `sector` from DRAM; sectors that are there already are not fetched again.
  private mutating func fetch(_ sector: Int, _ traffic: inout LevelCounts) {
    let first = sector / fetchSectors * fetchSectors
    for other in first..<first + fetchSectors where other == sector || !l2.cache.touch(sector: other) {
      traffic.dramReads += 1
      if !l2.partial.isEmpty { l2.partial[other] = nil }
      writeBack(l2.cache.insert(sector: other))
    }
  }

  private mutating func writeBack(_ eviction: SectoredCache.Eviction?) {
    guard let eviction, eviction.dirty != 0 else { return }
    for bit in 0..<l2.cache.sectorsPerLine where eviction.dirty & 1 << UInt8(bit) != 0 {
      // A line whose size does not divide 256 B may hold the end of one tensor and the start of the next.
      let sector = eviction.line * l2.cache.sectorsPerLine + bit
      let owner = extents.firstIndex { $0.contains(sector) } ?? extents.count
      writtenBack[owner] += 1
      guard eviction.partial & 1 << UInt8(bit) != 0 else { continue }
      l2.partial[sector] = nil
      if parameters.partialWrites == .fetchOnEviction { mergeReads[owner] += 1 }
    }
  }
}

/// Sectors of one operand at each level below the requests.
struct LevelCounts {
  var l1Hits = 0
  var l1Misses = 0
  var l2ReadHits = 0
  var l2ReadMisses = 0
  var l2WriteHits = 0
  var l2WriteMisses = 0
  var dramReads = 0
}
