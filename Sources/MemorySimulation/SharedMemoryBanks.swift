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

  /// Wavefronts of one access.
  static func wavefronts(_ addresses: UnsafeMutableBufferPointer<Int>, size: Int) -> Int {
    cost(of: addresses, size: size).wavefronts
  }

  /// Accesses of 8 and 16 bytes a lane go in 2 and 4 phases, halves and quarters of the warp; smaller ones in one.
  /// In a pass each bank gives one word, to any number of lanes and to all bytes that they want of it, so a phase
  /// takes as many passes as some bank has distinct words. A phase without active lanes takes none.
  /// - Parameters:
  ///   - addresses: Byte address of each lane, a multiple of `size`; negative for inactive lanes.
  ///   - size: Bytes of each lane: 1, 2, 4, 8 or 16.
  static func cost(of addresses: UnsafeMutableBufferPointer<Int>, size: Int) -> Cost {
    let phases = max(1, size / word)
    let lanes = addresses.count / phases
    var cost = Cost()
    for phase in 0..<phases {
      let passes = passes(addresses, phase * lanes..<(phase + 1) * lanes, words: phases)
      cost.wavefronts += passes
      cost.conflicts += max(0, passes - 1)
    }
    return cost
  }

  /// The most distinct words that the lanes want of one bank.
  private static func passes(
    _ addresses: UnsafeMutableBufferPointer<Int>, _ lanes: Range<Int>, words: Int
  ) -> Int {
    // A phase has at most 32 words: those of bank b are linked through `next` from `first[b]`.
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
