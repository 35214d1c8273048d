import Hardware
import Workload

/// Which line of a set makes way. What GPUs do is not documented.
public enum Replacement: String, Hashable, Sendable, CaseIterable {
  /// The least recently used.
  case lru
  /// The one that came first.
  case fifo
  /// A binary tree of bits over the ways, each of which points away from the last use.
  case treePLRU = "tree-plru"
  /// Any, by a seeded generator; free places first.
  case random
}

/// A set-associative cache of lines that are filled sector by sector.
///
/// A set is an array of packed entries: the line's number plus one · 2²⁴ (0 is an empty place), then for each of up to 8
/// sectors a bit *unused* (brought along, and not asked for yet), a dirty and a valid bit. A sector that is dirty and not
/// valid is *partial*: some of its bytes were written and the others never fetched. With `lru` a set is ordered most
/// recent first, with `fifo` newest first; else a line keeps its place.
struct SectoredCache: Hashable, Sendable {
  let sectorsPerLine: Int
  let ways: Int
  let index: SetIndex
  let replacement: Replacement
  /// Sectors that became valid without being written, since the cache was made.
  var fills = 0
  /// Sectors that turned from clean to dirty, and from dirty to clean or evicted.
  private(set) var dirtied = 0
  private(set) var cleaned = 0
  var entries: [UInt64]
  /// Shift where a line is a power of two of sectors, else −1.
  private let lineShift: Int
  /// The bits of each set's tree, `treeSize` of them; true points to the higher half.
  private var trees: [Bool]
  private let treeSize: Int
  private var randomState: UInt64 = 0

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
  ///   - slices: Taken as 1 where they do not divide the sets.
  init(
    capacity: Bytes, line: Bytes, ways: Int, sector: Bytes = Bytes(32), slices: Int = 1,
    hash: SetHash = .linear, replacement: Replacement = .lru
  ) {
    sectorsPerLine = line.count / sector.count
    precondition(1...8 ~= sectorsPerLine && ways > 0)
    let lines = max(1, capacity.count / line.count)
    self.ways = min(ways, lines)
    let sets = lines / self.ways
    index = SetIndex(sets: sets, slices: sets % slices == 0 ? slices : 1, hash: hash)
    self.replacement = replacement
    lineShift = sectorsPerLine & (sectorsPerLine - 1) == 0 ? sectorsPerLine.trailingZeroBitCount : -1
    entries = Array(repeating: 0, count: sets * self.ways)
    treeSize = 2 << (Int.bitWidth - (self.ways - 1).leadingZeroBitCount)
    trees = replacement == .treePLRU ? Array(repeating: false, count: sets * treeSize) : []
  }

  init(_ spec: CacheSpec) {
    self.init(capacity: spec.capacity, line: spec.line, ways: spec.ways, sector: spec.sector)
  }

  var sets: Int { index.sets }

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
    let slot = bring(line).slot
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
    let (slot, gone) = bring(line)
    if valid {
      if !dirty, entries[slot] & bit == 0 { fills += 1 }
      entries[slot] |= bit
    }
    if dirty { mark(slot, dirty: bit) }
    return evict(gone)
  }

  /// Whether the sector is partial. Recency stays as it is.
  func isPartial(sector: Int) -> Bool {
    let (line, bit) = place(of: sector)
    guard let slot = slot(of: line) else { return false }
    return entries[slot] & (bit << 8 | bit) == bit << 8
  }

  /// Takes valid sectors of a line out, clean ones, because they are written elsewhere.
  mutating func invalidate(line: Int, mask: UInt8) {
    if let slot = slot(of: line) { entries[slot] &= ~(UInt64(mask) << 16 | UInt64(mask)) }
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
  static func dirty(_ entry: UInt64) -> UInt8 { UInt8(truncatingIfNeeded: entry >> 8) }

  @inline(__always)
  func place(of sector: Int) -> (line: Int, bit: UInt64) {
    let line = lineShift >= 0 ? sector >> lineShift : sector / sectorsPerLine
    return (line, 1 << UInt64(truncatingIfNeeded: sector - line * sectorsPerLine))
  }

  @inline(__always) static func tag(of line: Int) -> UInt64 { UInt64(truncatingIfNeeded: line + 1) << 24 }

  @inline(__always) static func matches(_ entry: UInt64, _ tag: UInt64) -> Bool { entry ^ tag < 1 << 24 }

  mutating func mark(_ slot: Int, dirty bits: UInt64) {
    dirtied += (bits << 8 & ~entries[slot]).nonzeroBitCount
    entries[slot] |= bits << 8
  }

  /// What an entry that falls out means, and its books.
  mutating func evict(_ entry: UInt64) -> Eviction? {
    guard entry != 0 else { return nil }
    let dirty = Self.dirty(entry)
    cleaned += dirty.nonzeroBitCount
    return Eviction(line: Int(entry >> 24) - 1, dirty: dirty, valid: UInt8(truncatingIfNeeded: entry))
  }

  /// Where `line` is. Recency stays as it is.
  func slot(of line: Int) -> Int? {
    let first = index(line) * ways
    let tag = Self.tag(of: line)
    return (first..<first + ways).first { Self.matches(entries[$0], tag) }
  }

  /// The slot of `line` after a use of it.
  mutating func find(_ line: Int) -> Int? { slot(of: line) == nil ? nil : bring(line).slot }

  /// Uses `line`, which becomes an empty entry if it was not there. Returns its slot and the entry that fell out, or 0.
  @inline(__always)
  mutating func bring(_ line: Int) -> (slot: Int, gone: UInt64) {
    let first = index(line) * ways
    let tag = Self.tag(of: line)
    guard replacement == .lru else { return bringSlowly(tag, first) }
    let ways = ways
    let gone = entries.withUnsafeMutableBufferPointer { entries in
      Self.moveToFront(entries.baseAddress.unsafelyUnwrapped + first, ways, tag)
    }
    return (first, gone)
  }

  /// Makes the line of `tag` the first of its set, empty if it was not there. Returns the entry that fell out, or 0.
  @inline(__always)
  static func moveToFront(_ set: UnsafeMutablePointer<UInt64>, _ ways: Int, _ tag: UInt64) -> UInt64 {
    var carried = set[0]
    if matches(carried, tag) { return 0 }
    var way = 1
    while way < ways {
      let next = set[way]
      set[way] = carried
      carried = next
      if matches(next, tag) {
        set[0] = next
        return 0
      }
      way &+= 1
    }
    set[0] = tag
    return carried
  }

  private mutating func bringSlowly(_ tag: UInt64, _ first: Int) -> (slot: Int, gone: UInt64) {
    var slot = (first..<first + ways).first { Self.matches(entries[$0], tag) }
    var gone: UInt64 = 0
    if slot == nil {
      let victim = victim(first)
      gone = entries[victim]
      if replacement == .fifo {
        for other in stride(from: victim, to: first, by: -1) { entries[other] = entries[other - 1] }
        slot = first
      } else {
        slot = victim
      }
      entries[slot ?? first] = tag
    }
    if replacement == .treePLRU { point(first, awayFrom: (slot ?? first) - first) }
    return (slot ?? first, gone)
  }

  /// The place of the set at `first` that the next new line gets.
  private mutating func victim(_ first: Int) -> Int {
    switch replacement {
    case .lru, .fifo: return first + ways - 1
    case .random:
      if let free = (first..<first + ways).first(where: { entries[$0] == 0 }) { return free }
      var generator = SeededGenerator(seed: randomState)
      randomState &+= 0x9e37_79b9_7f4a_7c15
      return first + generator.next(in: 0...ways - 1)
    case .treePLRU:
      if let free = (first..<first + ways).first(where: { entries[$0] == 0 }) { return free }
      let root = first / ways * treeSize
      var (node, low, high) = (1, 0, ways)
      while high - low > 1 {
        let middle = (low + high + 1) / 2
        let goesHigh = trees[root + node]
        (low, high) = goesHigh ? (middle, high) : (low, middle)
        node = 2 * node + (goesHigh ? 1 : 0)
      }
      return first + low
    }
  }

  /// Turns the bits on the way to `way` to the other side.
  private mutating func point(_ first: Int, awayFrom way: Int) {
    let root = first / ways * treeSize
    var (node, low, high) = (1, 0, ways)
    while high - low > 1 {
      let middle = (low + high + 1) / 2
      let isHigh = way >= middle
      trees[root + node] = !isHigh
      (low, high) = isHigh ? (middle, high) : (low, middle)
      node = 2 * node + (isHigh ? 1 : 0)
    }
  }
}
