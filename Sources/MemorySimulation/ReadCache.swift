import CCacheLoops
import Hardware
import Workload

/// A set-associative cache of lines that are filled sector by sector and never written, least recently used first out: an L1.
///
/// It answers whole streams, and says what `SectoredCache` says. An entry takes 32 bits instead of 64, for there are no dirty
/// sectors, and lines are numbered from the first that the kernel touches: so a set of 16 ways is one vector, which a loop
/// in C compares with a line and moves up at once.
struct ReadCache: Hashable, Sendable {
  /// Sets of instructions that the loop is compiled for. No answer depends on them.
  enum Instructions: Int32, CaseIterable {
    case any, avx2, avx512

    static let best = Self(rawValue: fuselab_best_instructions()) ?? .any
  }

  let sectorsPerLine, ways, sets: Int
  private let lines: Range<Int>
  /// A set after the other, each of 1, 2 or 4 vectors, which so lie where lines of the host's cache begin.
  private var entries: [SIMD16<UInt32>] = []
  private let vectors: Int
  /// Instead of entries, where lines are too many or sets too wide for them.
  private var wide: SectoredCache?

  /// - Parameters:
  ///   - capacity: Rounded down to whole sets; at least one line.
  ///   - ways: Lines of a set, or all lines where the capacity holds fewer.
  ///   - lines: Those that are ever asked for.
  init(capacity: Bytes, line: Bytes, ways: Int, sector: Bytes = Bytes(32), lines: Range<Int>) {
    let cache = SectoredCache(capacity: capacity, line: line, ways: ways, sector: sector)
    (sectorsPerLine, sets) = (cache.sectorsPerLine, cache.sets)
    self.ways = cache.ways
    self.lines = lines
    let needed = (cache.ways + SIMD16<UInt32>.scalarCount - 1) / SIMD16<UInt32>.scalarCount
    vectors = needed == 3 ? 4 : needed
    // Remainders by the sets are exact below 2³².
    let fits = lines.count < 1 << (32 - cache.sectorsPerLine) - 1 && cache.sets + lines.count < 1 << 32
    if vectors <= Int(fuselab_most_vectors), fits {
      entries = Array(repeating: .zero, count: cache.sets * vectors)
    } else {
      wide = cache
    }
  }

  /// Loads every access of `stream` in turn.
  /// - Parameters:
  ///   - cause: Of all accesses; by default each has its own.
  ///   - sectors: Of the whole stream, where that is known.
  ///   - missed: Gets the sectors that were not there, in the same order.
  mutating func load(
    _ stream: [LineAccess], as cause: SectorCause? = nil, sectors: Int? = nil, counts: inout HitCounts,
    missed: inout [LineAccess], with instructions: Instructions = .best
  ) {
    if wide != nil {
      wide?.load(stream, as: cause, counts: &counts, missed: &missed)
      return
    }
    let before = cause.map { counts.misses[$0] } ?? 0
    stream.withUnsafeBufferPointer { stream in
      var first = 0
      // In pieces, so that what they need beside the cache stays near.
      while first < stream.count {
        let piece = UnsafeBufferPointer(rebasing: stream[first..<min(first + 2048, stream.count)])
        withUnsafeTemporaryAllocation(of: LineAccess.self, capacity: piece.count) { answers in
          let count = load(piece, as: cause, &counts, answers, instructions)
          missed.append(contentsOf: answers[..<count])
        }
        first += piece.count
      }
    }
    if let cause {
      let asked = sectors ?? stream.reduce(0) { $0 + $1.mask.nonzeroBitCount }
      counts.hits[cause] += asked - (counts.misses[cause] - before)
    }
  }

  /// Uses the line of `sector`, which gets a place if it has none, and the sector, where it is `valid`.
  mutating func insert(sector: Int, valid: Bool) {
    if wide != nil {
      _ = wide?.insert(sector: sector, valid: valid)
      return
    }
    let (line, bit) = sector.quotientAndRemainder(dividingBy: sectorsPerLine)
    var (counts, missed) = (HitCounts(), [LineAccess]())
    load([LineAccess(line: line, mask: valid ? 1 << UInt8(bit) : 0)], counts: &counts, missed: &missed)
  }

  /// Returns how many accesses of `answers` missed.
  private mutating func load(
    _ stream: UnsafeBufferPointer<LineAccess>, as cause: SectorCause?, _ counts: inout HitCounts,
    _ answers: UnsafeMutableBufferPointer<LineAccess>, _ instructions: Instructions
  ) -> Int {
    guard let asked = stream.baseAddress, let missed = answers.baseAddress else { return 0 }
    let (vectors, ways, sets, sectors) = (vectors, ways, sets, sectorsPerLine)
    let (first, limit) = (lines.lowerBound, lines.count)
    let found = entries.withUnsafeMutableBufferPointer { entries in
      var cache = fuselab_line_sets(
        entries: UnsafeMutableRawPointer(entries.baseAddress)?.assumingMemoryBound(to: UInt32.self),
        vectors: UInt32(vectors), ways: UInt32(ways), sectors: UInt32(sectors),
        first: UInt64(first), turn: UInt64(first % sets), sets: UInt64(sets), magic: .max / UInt64(sets) &+ 1)
      return asked.withMemoryRebound(to: UInt64.self, capacity: stream.count) { asked in
        missed.withMemoryRebound(to: UInt64.self, capacity: stream.count) { missed in
          fuselab_load_lines(
            &cache, asked, stream.count, cause.map { Int32($0.rawValue) } ?? -1, missed, instructions.rawValue
          )
        }
      }
    }
    // Numbers beyond would be taken for others'. The bits of all together are below the next power of two if each is.
    precondition(found.lines >> UInt64(Int.bitWidth - limit.leadingZeroBitCount) == 0, "a line of no tensor")
    counts.hits.lanes &+= Self.lanes(found.hits)
    counts.misses.lanes &+= Self.lanes(found.misses)
    return found.missed
  }

  private typealias Words = (UInt64, UInt64, UInt64, UInt64, UInt64, UInt64, UInt64, UInt64)

  private static func lanes(_ words: Words) -> SIMD8<Int> {
    SIMD8(truncatingIfNeeded: SIMD8(words.0, words.1, words.2, words.3, words.4, words.5, words.6, words.7))
  }
}
