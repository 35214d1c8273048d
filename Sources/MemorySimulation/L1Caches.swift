import Hardware
import Workload

/// The L1 of each multiprocessor that gets a block: empty at the start, for hardware invalidates it between dependent
/// kernels, and written through.
struct L1Caches {
  private var caches: [ReadCache]
  /// What each of them ever held.
  private var held: [LineHistory]
  private let sectorsPerLine: Int

  /// - Parameter lines: Lines of the tensors of the kernel.
  init(_ gpu: GPU, count: Int, carveOut: Bytes, lines: Range<Int>) {
    let cache = ReadCache(
      capacity: gpu.unifiedL1 - carveOut, line: gpu.l1Line, ways: gpu.l1Ways, lines: lines)
    caches = Array(repeating: cache, count: count)
    held = Array(repeating: LineHistory(lines), count: count)
    sectorsPerLine = cache.sectorsPerLine
  }

  /// Loads a step's stream.
  /// - Parameter missed: Gets what goes on to the L2; sectors that were there before have the cause `eviction`.
  mutating func load(
    _ stream: [LineAccess], as cause: SectorCause?, sectors: Int?, on multiprocessor: Int,
    _ counts: inout LevelCounts, missed: inout [LineAccess]
  ) {
    missed.removeAll(keepingCapacity: true)
    var answered = HitCounts()
    caches[multiprocessor].load(stream, as: cause, sectors: sectors, counts: &answered, missed: &missed)
    counts.l1Hits += answered.hits
    counts.l1Misses += answered.misses
    // Where some of a line's sectors were there before and others not, the line goes on twice.
    var index = 0
    while index < missed.count {
      let access = missed[index]
      index += 1
      let again = held[multiprocessor].add(access.mask, to: access.line) & access.mask
      guard again != 0 else { continue }
      missed[index - 1] = LineAccess(line: access.line, mask: again, cause: .eviction)
      guard again != access.mask else { continue }
      missed.insert(
        LineAccess(line: access.line, mask: access.mask & ~again, cause: access.cause), at: index)
      index += 1
    }
  }

  /// A store puts its line in. Lines of the L1 are never dirty, so what falls out needs nothing.
  mutating func allocate(sector: Int, isWhole: Bool, on multiprocessor: Int) {
    caches[multiprocessor].insert(sector: sector, valid: isWhole)
  }
}

/// Which sectors of which lines were there before: 64 lines a page, pages made as they are needed.
struct LineHistory {
  private let lines: Range<Int>
  /// For each 64 lines the number of their page, or −1; empty before the first.
  private var numbers: [Int32] = []
  private var pages: [UInt8] = []

  init(_ lines: Range<Int>) { self.lines = lines }

  /// Adds sectors and returns those that were there.
  mutating func add(_ mask: UInt8, to line: Int) -> UInt8 {
    guard lines.contains(line) else { return 0 }
    if numbers.isEmpty { numbers = Array(repeating: -1, count: (lines.count + 63) / 64) }
    let offset = line - lines.lowerBound
    if numbers[offset / 64] < 0 {
      numbers[offset / 64] = Int32(pages.count / 64)
      pages.append(contentsOf: repeatElement(0, count: 64))
    }
    let place = Int(numbers[offset / 64]) * 64 + offset % 64
    defer { pages[place] |= mask }
    return pages[place]
  }
}
