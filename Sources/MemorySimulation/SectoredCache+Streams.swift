/// What a stream of loads met, by the cause of its accesses.
struct HitCounts: Hashable, Sendable {
  var hits = CauseCounts()
  var misses = CauseCounts()
}

extension SectoredCache {
  /// Loads every access of `stream` in turn, for a cache that is never written.
  /// - Parameters:
  ///   - cause: Of all accesses; by default each has its own.
  ///   - missed: Gets the sectors that were not there, in the same order.
  mutating func load(
    _ stream: [LineAccess], as cause: SectorCause? = nil, counts: inout HitCounts, missed: inout [LineAccess]
  ) {
    stream.withUnsafeBufferPointer { stream in
      var first = 0
      // In pieces, so that what they need beside the cache stays near.
      while first < stream.count {
        let piece = UnsafeBufferPointer(rebasing: stream[first..<min(first + 2048, stream.count)])
        withUnsafeTemporaryAllocation(of: LineAccess.self, capacity: piece.count) { answers in
          let count = load(piece, as: cause, &counts, answers)
          missed.append(contentsOf: answers[..<count])
        }
        first += piece.count
      }
    }
  }

  /// Returns how many accesses of `answers` missed.
  private mutating func load(
    _ stream: UnsafeBufferPointer<LineAccess>, as cause: SectorCause?, _ counts: inout HitCounts,
    _ answers: UnsafeMutableBufferPointer<LineAccess>
  ) -> Int {
    let kept: UInt64 = cause == nil ? .max : ~0xff00
    let forced = UInt64(cause?.rawValue ?? 0) << 8
    var missed = 0
    // Sectors of each cause, the hits first.
    withUnsafeTemporaryAllocation(of: Int.self, capacity: 16) { counted in
      counted.update(repeating: 0)
      if replacement == .lru {
        let (index, ways) = (index, ways)
        entries.withUnsafeMutableBufferPointer { entries in
          let base = entries.baseAddress.unsafelyUnwrapped
          for access in stream {
            let set = base + index(access.line) &* ways
            _ = Self.moveToFront(set, ways, Self.tag(of: access.line))
            Self.take(access.bits & kept | forced, &set[0], counted, answers, &missed)
          }
        }
      } else {
        for access in stream {
          let slot = bring(access.line).slot
          Self.take(access.bits & kept | forced, &entries[slot], counted, answers, &missed)
        }
      }
      for cause in SectorCause.allCases {
        let new = counted[Int(cause.rawValue) + 8]
        counts.hits[cause] += counted[Int(cause.rawValue)]
        counts.misses[cause] += new
        fills += new
      }
    }
    return missed
  }

  /// One access meets its entry.
  @inline(__always)
  private static func take(
    _ access: UInt64, _ entry: inout UInt64, _ counted: UnsafeMutableBufferPointer<Int>,
    _ answers: UnsafeMutableBufferPointer<LineAccess>, _ missed: inout Int
  ) {
    let mask = access & 0xff
    let new = mask & ~entry
    let cause = Int(truncatingIfNeeded: access >> 8 & 7)
    counted[cause] &+= bitCount(mask & entry)
    counted[cause &+ 8] &+= bitCount(new)
    entry |= new
    // Written in any case, kept if it missed: hits and misses follow no pattern that a processor could learn.
    answers[missed] = LineAccess(bits: access & ~0xff | new)
    missed &+= new == 0 ? 0 : 1
  }
}

/// The bits of a mask of up to 8, by two look-ups in a table of 16 that fits a register: not every processor that this is
/// compiled for has an instruction for it.
@inline(__always)
func bitCount(_ mask: UInt64) -> Int {
  let counts: UInt64 = 0x4332_3221_3221_2110
  return Int(truncatingIfNeeded: (counts >> (mask << 2 & 60) & 15) &+ (counts >> (mask >> 2 & 60) & 15))
}
