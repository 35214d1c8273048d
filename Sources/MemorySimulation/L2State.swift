import Hardware
import Workload

/// What the L2 holds between kernels: one cache, or the two halves of a partitioned one.
public struct L2State: Hashable, Sendable {
  var caches: [SectoredCache]
  /// Bytes written so far of the caches' partial sectors.
  var partial: [Int: UInt32] = [:]
  var isCold = true

  /// An empty L2.
  public init(of gpu: GPU, parameters: SimulationParameters = SimulationParameters()) {
    let halves = parameters.l2Partitions == .one ? 1 : 2
    let cache = SectoredCache(
      capacity: Bytes(gpu.l2.capacity.count / halves), line: gpu.l2.line, ways: gpu.l2.ways,
      sector: gpu.l2.sector, slices: parameters.l2Slices, hash: parameters.l2Hash,
      replacement: parameters.l2Replacement)
    caches = Array(repeating: cache, count: halves)
  }

  /// Dirty sectors, which the next flush writes to DRAM.
  public var dirtySectors: Sectors { Sectors(caches.reduce(0) { $0 + $1.dirtySectors }) }

  /// Writes all dirty sectors to DRAM, as the end of a program does, and says how many they were. What it takes to
  /// complete partial ones is not counted. Sectors stay, clean; partial ones do not.
  public mutating func flush() -> Sectors {
    partial = [:]
    var written = 0
    for index in caches.indices {
      written += caches[index].flush().reduce(0) { $0 + $1.dirtySectors }
    }
    return Sectors(written)
  }

  var sectorsPerLine: Int { caches[0].sectorsPerLine }

  /// The half that a line belongs to: always the first where there is one.
  func home(of line: Int) -> Int { caches.count == 1 ? 0 : (line >> 5).nonzeroBitCount & 1 }

  /// The half that a multiprocessor is attached to.
  func side(of multiprocessor: Int) -> Int { caches.count == 1 ? 0 : multiprocessor & 1 }

  /// A kernel starts: what it finds, it has not asked for yet.
  mutating func begin() {
    guard !isCold else { return }
    for index in caches.indices { caches[index].markUnused() }
  }

  /// Sectors filled, made dirty, and written back, since the caches were made.
  var books: (fills: Int, dirtied: Int, cleaned: Int) {
    caches.reduce((0, 0, 0)) { ($0.0 + $1.fills, $0.1 + $1.dirtied, $0.2 + $1.cleaned) }
  }
}

extension SectoredCache {
  /// Every valid sector counts as not asked for.
  mutating func markUnused() {
    for index in entries.indices where entries[index] != 0 {
      entries[index] = entries[index] & ~0xff0000 | (entries[index] & 0xff) << 16
    }
  }
}
