import Hardware
import Workload

/// A set-associative cache of lines that are filled sector by sector, least recently used first out.
///
/// A set is an array of packed entries, most recent first: the line's number plus one above (0 is an empty place),
/// then a dirty and a valid bit for each of up to 8 sectors. A sector that is dirty and not valid is *partial*: some
/// of its bytes were written and the others never fetched. Sets are chosen by line number modulo their count, which
/// need not be a power of two.
struct SectoredCache: Hashable, Sendable {
  let sectorsPerLine: Int
  let sets: Int
  let ways: Int
  /// Sectors that became valid without being written, since the cache was made.
  private(set) var fills = 0
  /// Sectors that turned from clean to dirty, and from dirty to clean or evicted.
  private(set) var dirtied = 0
  private(set) var cleaned = 0
  private var entries: [UInt64]
  /// Shift and mask where a power of two allows them, else −1.
  private let lineShift: Int
  private let setMask: Int

  /// A line that had to go.
  struct Eviction: Hashable {
    let line: Int
    /// One bit a sector.
    let dirty, valid: UInt8

    var dirtySectors: Int { dirty.nonzeroBitCount }
    var partial: UInt8 { dirty & ~valid }
  }

  /// - Parameters:
  ///   - capacity: Rounded down to whole sets; at least one line.
  ///   - ways: Lines of a set, or all lines where the capacity holds fewer.
  init(capacity: Bytes, line: Bytes, ways: Int, sector: Bytes = Bytes(32)) {
    sectorsPerLine = line.count / sector.count
    precondition(1...8 ~= sectorsPerLine && ways > 0)
    let lines = max(1, capacity.count / line.count)
    self.ways = min(ways, lines)
    sets = lines / self.ways
    lineShift = sectorsPerLine & (sectorsPerLine - 1) == 0 ? sectorsPerLine.trailingZeroBitCount : -1
    setMask = sets & (sets - 1) == 0 ? sets - 1 : -1
    entries = Array(repeating: 0, count: sets * self.ways)
  }

  init(_ spec: CacheSpec) {
    self.init(capacity: spec.capacity, line: spec.line, ways: spec.ways, sector: spec.sector)
  }

  /// Looks `sector` up and makes its line the most recent if it is there, the sector valid or not. True if the
  /// sector is valid, which `markDirty` then also makes it dirty.
  mutating func touch(sector: Int, markDirty: Bool = false) -> Bool {
    let (line, bit) = place(of: sector)
    guard let slot = find(line), entries[slot] & bit != 0 else { return false }
    if markDirty { mark(slot, dirty: bit) }
    return true
  }

  /// Looks `sector` up and brings it in, valid, if it is not there. True if it was. For a cache that is never
  /// written.
  mutating func load(sector: Int) -> Bool {
    let (line, bit) = place(of: sector)
    _ = bring(line)
    let slot = firstSlot(of: line)
    if entries[slot] & bit != 0 { return true }
    entries[slot] |= bit
    fills += 1
    return false
  }

  /// Puts `sector` in; its line becomes the most recent. Returns the line that had to go.
  /// - Parameters:
  ///   - dirty: Whether it was written; a sector that was not is a fill.
  ///   - valid: Whether all its bytes are there. One that is already valid stays so.
  mutating func insert(sector: Int, dirty: Bool = false, valid: Bool = true) -> Eviction? {
    let (line, bit) = place(of: sector)
    let last = bring(line)
    let slot = firstSlot(of: line)
    if valid {
      if !dirty, entries[slot] & bit == 0 { fills += 1 }
      entries[slot] |= bit
    }
    if dirty { mark(slot, dirty: bit) }
    return evict(last)
  }

  /// Whether the sector is partial. Recency stays as it is.
  func isPartial(sector: Int) -> Bool {
    let (line, bit) = place(of: sector)
    let first = firstSlot(of: line)
    for slot in first..<first + ways where entries[slot] >> 16 == UInt64(line + 1) {
      return entries[slot] & (bit << 8 | bit) == bit << 8
    }
    return false
  }

  /// Lines with dirty sectors; these become clean, and partial ones invalid.
  mutating func flush() -> [Eviction] {
    var written: [Eviction] = []
    for index in entries.indices where Self.dirty(entries[index]) != 0 {
      if let eviction = evict(entries[index]) { written.append(eviction) }
      entries[index] &= ~UInt64(0xff00)
    }
    return written
  }

  /// Sectors that are dirty now, by a count of all entries.
  var dirtySectors: Int { entries.reduce(0) { $0 + Self.dirty($1).nonzeroBitCount } }
}

extension SectoredCache {
  private static func dirty(_ entry: UInt64) -> UInt8 { UInt8(truncatingIfNeeded: entry >> 8) }

  @inline(__always)
  private func place(of sector: Int) -> (line: Int, bit: UInt64) {
    let line = lineShift >= 0 ? sector >> lineShift : sector / sectorsPerLine
    return (line, 1 << UInt64(truncatingIfNeeded: sector - line * sectorsPerLine))
  }

  @inline(__always)
  private func firstSlot(of line: Int) -> Int { (setMask >= 0 ? line & setMask : line % sets) * ways }

  private mutating func mark(_ slot: Int, dirty bit: UInt64) {
    if entries[slot] & bit << 8 == 0 { dirtied += 1 }
    entries[slot] |= bit << 8
  }

  private mutating func evict(_ entry: UInt64) -> Eviction? {
    guard entry != 0 else { return nil }
    let dirty = Self.dirty(entry)
    cleaned += dirty.nonzeroBitCount
    return Eviction(line: Int(entry >> 16) - 1, dirty: dirty, valid: UInt8(truncatingIfNeeded: entry))
  }

  /// Makes `line` the first of its set, empty if it was not there. Returns the entry that fell out, or 0.
  @inline(__always)
  private mutating func bring(_ line: Int) -> UInt64 {
    let first = firstSlot(of: line)
    let ways = ways
    let tag = UInt64(truncatingIfNeeded: line + 1)
    return entries.withUnsafeMutableBufferPointer { entries in
      var carried = entries[first]
      if carried >> 16 == tag { return 0 }
      for slot in first + 1..<first + ways {
        swap(&entries[slot], &carried)
        if carried >> 16 == tag {
          entries[first] = carried
          return 0
        }
      }
      entries[first] = tag << 16
      return carried
    }
  }

  /// The slot of `line`, moved to the front of its set.
  private mutating func find(_ line: Int) -> Int? {
    let first = firstSlot(of: line)
    let ways = ways
    let tag = UInt64(truncatingIfNeeded: line + 1)
    return entries.withUnsafeMutableBufferPointer { entries in
      if entries[first] >> 16 == tag { return first }
      for slot in first + 1..<first + ways where entries[slot] >> 16 == tag {
        let entry = entries[slot]
        for other in stride(from: slot, to: first, by: -1) { entries[other] = entries[other - 1] }
        entries[first] = entry
        return first
      }
      return nil
    }
  }
}
