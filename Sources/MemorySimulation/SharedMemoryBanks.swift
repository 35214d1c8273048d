/// Shared memory as 32 banks of 4 bytes: how many passes, called wavefronts, one warp access takes.
enum SharedMemoryBanks {
  static let banks = 32
  static let word = 4

  /// What one warp access costs.
  struct Cost: Hashable {
    /// Passes over the banks.
    var wavefronts = 0
    /// Passes beyond one a phase: those that bank conflicts add.
    var conflicts = 0
  }

  enum Direction { case read, write }

  /// Wavefronts of one read.
  static func wavefronts(_ addresses: UnsafeMutableBufferPointer<Int>, size: Int) -> Int {
    cost(of: addresses, size: size, .read).wavefronts
  }

  /// Accesses of 8 and 16 bytes a lane go in 2 and 4 phases, halves and quarters of the warp; smaller ones in one. Where all
  /// lanes of a warp read their places in pairs, two halves, or two quarters, go in one (decision 0023).
  /// In a pass each bank gives one word, to any number of lanes and to all bytes that they want of it, so a phase
  /// takes as many passes as some bank has distinct words. A phase without active lanes takes none.
  /// - Parameters:
  ///   - addresses: Byte address of each lane, a multiple of `size`; negative for inactive lanes.
  ///   - size: Bytes of each lane: 1, 2, 4, 8 or 16.
  static func cost(
    of addresses: UnsafeMutableBufferPointer<Int>, size: Int, _ direction: Direction
  ) -> Cost {
    let words = max(1, size / word)
    let lanes = addresses.count / words
    var cost = Cost()
    let phase = direction == .read && words > 1 && isPaired(addresses) ? 2 * lanes : lanes
    for first in stride(from: 0, to: addresses.count, by: phase) {
      let passes = passes(addresses, first..<first + phase, words: words)
      cost.wavefronts += passes
      cost.conflicts += max(0, passes - 1)
    }
    return cost
  }

  /// Whether each lane has the place of its neighbour, or each that of the lane two apart; lanes that take no part have any.
  private static func isPaired(_ addresses: UnsafeMutableBufferPointer<Int>) -> Bool {
    [1, 2].contains { apart in
      addresses.indices.allSatisfy { lane in
        let (own, other) = (addresses[lane], addresses[lane ^ apart])
        return own < 0 || other < 0 || own == other
      }
    }
  }

  /// The most distinct words that the lanes want of one bank.
  private static func passes(
    _ addresses: UnsafeMutableBufferPointer<Int>, _ lanes: Range<Int>, words: Int
  ) -> Int {
    // A phase has at most 32 distinct words: those of bank b are linked through `next` from `first[b]`.
    withUnsafeTemporaryAllocation(of: Int32.self, capacity: 3 * banks) { seen in
      var first = SIMD32<Int8>(repeating: -1)
      var perBank = SIMD32<UInt8>(repeating: 0)
      var count = 0
      var most = 0
      for lane in lanes where addresses[lane] >= 0 {
        for number in addresses[lane] / word..<addresses[lane] / word + words {
          let bank = number % banks
          let value = Int32(truncatingIfNeeded: number / banks)
          var link = Int(first[bank])
          while link >= 0, seen[link] != value { link = Int(seen[banks + link]) }
          if link >= 0 { continue }
          seen[count] = value
          seen[banks + count] = Int32(first[bank])
          first[bank] = Int8(count)
          count += 1
          perBank[bank] += 1
          most = max(most, Int(perBank[bank]))
        }
      }
      return most
    }
  }
}
