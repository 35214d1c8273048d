import Hardware
import Workload

/// The L2 and DRAM while one kernel runs. Write-back; filled by the fetch granularity; a sector that stores fill needs no
/// fetch.
struct L2Simulation {
  private(set) var state: L2State
  private let fetchSectors, atomSectors, sectorsPerLine: Int
  private let parameters: SimulationParameters
  /// Sectors of each tensor.
  private let extents: [Range<Int>]
  private var history: SectorHistory
  /// Sectors written back, and read to complete partial ones on their way out, by tensor; the last entry is for
  /// sectors of no tensor of this kernel.
  private(set) var writtenBack: [CauseCounts]
  private(set) var mergeReads: [CauseCounts]
  /// Sectors that DRAM read or wrote only because they share an atom with others.
  private(set) var atomReads = 0
  private(set) var atomWrites = 0

  init(_ gpu: GPU, parameters: SimulationParameters, state: L2State, extents: [Range<Int>]) {
    self.state = state
    self.state.begin()
    let granularity = parameters.l2FetchGranularity ?? gpu.l2FetchGranularity
    precondition(
      granularity.count > 0 && granularity.count % gpu.sector.count == 0
        && gpu.l2.line.count % granularity.count == 0, "a granule is whole sectors and divides the line")
    precondition(
      parameters.dramAtom.count > 0 && parameters.dramAtom.count % gpu.sector.count == 0,
      "an atom is whole sectors")
    fetchSectors = granularity.count / gpu.sector.count
    atomSectors = parameters.dramAtom.count / gpu.sector.count
    sectorsPerLine = state.sectorsPerLine
    self.parameters = parameters
    self.extents = extents
    history = SectorHistory(extents)
    writtenBack = Array(repeating: .zero, count: extents.count + 1)
    mergeReads = writtenBack
  }

  /// Sectors that DRAM wrote so far.
  var dramWrites: Int { writtenBack.reduce(0) { $0 + $1.total } }

  /// Reads of sectors that missed the L1 of `multiprocessor`, for tensor number `operand`.
  mutating func read(
    _ stream: [LineAccess], on multiprocessor: Int, operand: Int, _ counts: inout LevelCounts
  ) {
    let side = state.side(of: multiprocessor)
    for access in stream {
      let home = state.home(of: access.line)
      if home == side {
        read(access, home, operand, &counts)
        continue
      }
      guard parameters.l2Partitions == .duplicated else {
        counts.fabric += access.mask.nonzeroBitCount
        read(access, home, operand, &counts)
        continue
      }
      let (slot, gone) = state.caches[side].bring(access.line)
      if gone != 0 { writeBack(gone, of: side) }
      let entry = state.caches[side].entries[slot]
      let copied = access.mask & UInt8(truncatingIfNeeded: entry)
      counts.l2ReadHits[access.cause] += copied.nonzeroBitCount
      // Only a copy from an earlier kernel is unused.
      let unused = copied & UInt8(truncatingIfNeeded: entry >> 16)
      if unused != 0 {
        state.caches[side].entries[slot] &= ~(UInt64(unused) << 16)
        claim(unused, of: access.line, operand, &counts)
      }
      guard copied != access.mask else { continue }
      let rest = access.mask & ~copied
      counts.fabric += rest.nonzeroBitCount
      state.caches[side].entries[slot] |= UInt64(rest)
      read(LineAccess(line: access.line, mask: rest, cause: access.cause), home, operand, &counts)
    }
  }

  private mutating func read(
    _ access: LineAccess, _ half: Int, _ operand: Int, _ counts: inout LevelCounts
  ) {
    let (slot, gone) = state.caches[half].bring(access.line)
    if gone != 0 { writeBack(gone, of: half) }
    let entry = state.caches[half].entries[slot]
    let valid = UInt8(truncatingIfNeeded: entry)
    let unused = UInt8(truncatingIfNeeded: entry >> 16) & access.mask & valid
    if unused != 0 {
      state.caches[half].entries[slot] &= ~(UInt64(unused) << 16)
      claim(unused, of: access.line, operand, &counts)
    }
    let missing = access.mask & ~valid
    let misses = missing == 0 ? 0 : groups(of: missing, fetchSectors)
    counts.l2ReadMisses[access.cause] += misses
    counts.l2ReadHits[access.cause] += access.mask.nonzeroBitCount - misses
    if missing != 0 {
      fetch(missing, for: access.mask, line: access.line, half, slot, operand, &counts.dramReads)
    }
  }

  /// Brings the granules of `missing` from DRAM; sectors that are there already are not fetched again.
  private mutating func fetch(
    _ missing: UInt8, for asked: UInt8, line: Int, _ half: Int, _ slot: Int, _ operand: Int,
    _ reads: inout CauseCounts
  ) {
    let entry = state.caches[half].entries[slot]
    let brought = widened(missing, fetchSectors) & ~UInt8(truncatingIfNeeded: entry)
    let first = line * sectorsPerLine
    forget(brought & SectoredCache.dirty(entry), first)
    let demanded = brought & asked
    let neighbours = brought & ~asked
    state.caches[half].fills += brought.nonzeroBitCount
    state.caches[half].entries[slot] |= UInt64(brought) | UInt64(neighbours) << 16
    forEach(demanded) { bit in
      reads[history.take(first + bit) ? .eviction : .compulsory] += 1
    }
    forEach(neighbours) { bit in
      reads[.overfetch] += 1
      if extents[operand].contains(first + bit) { history.noteBrought(first + bit) }
    }
    let atoms = widened(brought, atomSectors).nonzeroBitCount - brought.nonzeroBitCount
    reads[.overfetch] += atoms
    atomReads += atoms
  }

  /// Sectors that were brought along with others, or left by an earlier kernel, are asked for the first time.
  private mutating func claim(
    _ mask: UInt8, of line: Int, _ operand: Int, _ counts: inout LevelCounts
  ) {
    forEach(mask) { bit in
      let sector = line * sectorsPerLine + bit
      guard history.wasBrought(sector) else {
        if !history.take(sector) { counts.inherited += 1 }
        return
      }
      counts.dramReads[.overfetch] -= 1
      counts.dramReads[history.take(sector) ? .eviction : .compulsory] += 1
    }
  }

  /// A store of the bytes `mask` of a sector.
  mutating func store(
    _ write: SectorWrite, on multiprocessor: Int, operand: Int, _ counts: inout LevelCounts
  ) {
    let (line, bit) = state.caches[0].place(of: write.sector)
    let half = state.home(of: line)
    if half != state.side(of: multiprocessor) { counts.fabric += 1 }
    if parameters.l2Partitions == .duplicated {
      state.caches[1 - half].invalidate(line: line, mask: UInt8(truncatingIfNeeded: bit))
    }
    let (slot, gone) = state.caches[half].bring(line)
    if gone != 0 { writeBack(gone, of: half) }
    let entry = state.caches[half].entries[slot]
    let cause: SectorCause = write.isFirst ? .compulsory : .writeMerge
    if entry & bit != 0 {
      counts.l2WriteHits[cause] += 1
      state.caches[half].entries[slot] &= ~(bit << 16)
    } else if entry & bit << 8 != 0 {
      counts.l2WriteHits[cause] += 1
      let merged = (state.partial[write.sector] ?? 0) | write.mask
      state.partial[write.sector] = merged == .max ? nil : merged
      if merged == .max { state.caches[half].entries[slot] |= bit }
    } else {
      counts.l2WriteMisses[cause] += 1
      if write.mask == .max {
        state.caches[half].entries[slot] |= bit
      } else if parameters.partialWrites == .fetchOnWrite {
        let asked = UInt8(truncatingIfNeeded: bit)
        var reads = CauseCounts()
        fetch(asked, for: asked, line: line, half, slot, operand, &reads)
        counts.dramReads[.writeMerge] += reads[.compulsory] + reads[.eviction]
        counts.dramReads[.overfetch] += reads[.overfetch]
      } else {
        state.partial[write.sector] = write.mask
      }
    }
    state.caches[half].mark(slot, dirty: bit)
  }

  /// Ends the kernel.
  mutating func flush() {
    for half in state.caches.indices {
      for eviction in state.caches[half].flush() { writeBack(eviction) }
    }
  }

  private mutating func writeBack(_ entry: UInt64, of half: Int) {
    if let eviction = state.caches[half].evict(entry), eviction.dirty != 0 { writeBack(eviction) }
  }

  private mutating func writeBack(_ eviction: SectoredCache.Eviction) {
    let first = eviction.line * sectorsPerLine
    var owner = extents.count
    forEach(eviction.dirty) { bit in
      // A line whose size does not divide 256 B may hold the end of one tensor and the start of the next.
      owner = extents.firstIndex { $0.contains(first + bit) } ?? extents.count
      writtenBack[owner][history.write(first + bit) ? .eviction : .compulsory] += 1
      guard eviction.partial & 1 << UInt8(bit) != 0 else { return }
      state.partial[first + bit] = nil
      if parameters.partialWrites == .fetchOnEviction { mergeReads[owner][.writeMerge] += 1 }
    }
    guard atomSectors > 1 else { return }
    let extra = widened(eviction.dirty, atomSectors).nonzeroBitCount - eviction.dirtySectors
    writtenBack[owner][.overfetch] += extra
    atomWrites += extra
    guard parameters.partialWrites == .fetchOnEviction else { return }
    let read = widened(eviction.partial, atomSectors).nonzeroBitCount - eviction.partial.nonzeroBitCount
    mergeReads[owner][.overfetch] += read
    atomReads += read
  }

  /// Partial sectors have become whole.
  private mutating func forget(_ mask: UInt8, _ first: Int) {
    if mask != 0, !state.partial.isEmpty { forEach(mask) { state.partial[first + $0] = nil } }
  }
}

extension L2Simulation {
  /// All sectors of the groups of `size` that the mask touches, within the line.
  private func widened(_ mask: UInt8, _ size: Int) -> UInt8 {
    if size == 1 || mask == 0 { return mask }
    let group = UInt16(1) << UInt16(size) - 1
    var all: UInt16 = 0
    for first in stride(from: 0, to: sectorsPerLine, by: size)
    where UInt16(mask) & group << UInt16(first) != 0 {
      all |= group << UInt16(first)
    }
    return UInt8(truncatingIfNeeded: all & (1 << UInt16(sectorsPerLine) - 1))
  }

  /// Groups of `size` sectors that the mask touches.
  private func groups(of mask: UInt8, _ size: Int) -> Int {
    if size == 1 { return mask.nonzeroBitCount }
    let group = UInt16(1) << UInt16(size) - 1
    var count = 0
    for first in stride(from: 0, to: sectorsPerLine, by: size)
    where UInt16(mask) & group << UInt16(first) != 0 {
      count += 1
    }
    return count
  }
}

/// Calls `body` with the number of each bit that is set, ascending.
@inline(__always)
private func forEach(_ mask: UInt8, _ body: (Int) -> Void) {
  var rest = mask
  while rest != 0 {
    body(rest.trailingZeroBitCount)
    rest &= rest &- 1
  }
}

/// A store on its way to the L2.
struct SectorWrite: Hashable {
  let sector: Int
  /// The bytes that it writes.
  var mask: UInt32
  /// Whether it holds the first store of the kernel to the sector.
  var isFirst: Bool
}

/// What happened to the sectors of a kernel's tensors so far.
private struct SectorHistory {
  private static let asked: UInt8 = 1
  private static let brought: UInt8 = 2
  private static let written: UInt8 = 4

  private let first: Int
  private var flags: [UInt8]

  init(_ extents: [Range<Int>]) {
    first = extents.map(\.lowerBound).min() ?? 0
    flags = Array(repeating: 0, count: (extents.map(\.upperBound).max() ?? 0) - first)
  }

  /// Notes that a request got the sector; true if one did before.
  mutating func take(_ sector: Int) -> Bool {
    guard flags.indices.contains(sector - first) else { return false }
    defer { flags[sector - first] = flags[sector - first] & ~Self.brought | Self.asked }
    return flags[sector - first] & Self.asked != 0
  }

  mutating func noteBrought(_ sector: Int) {
    if flags.indices.contains(sector - first) { flags[sector - first] |= Self.brought }
  }

  func wasBrought(_ sector: Int) -> Bool {
    flags.indices.contains(sector - first) && flags[sector - first] & Self.brought != 0
  }

  /// Notes that the sector is written back; true if it was before.
  mutating func write(_ sector: Int) -> Bool {
    guard flags.indices.contains(sector - first) else { return false }
    defer { flags[sector - first] |= Self.written }
    return flags[sector - first] & Self.written != 0
  }
}
