/// How lines are spread over the slices and sets of a cache. Which of these a GPU uses is not documented.
public enum SetHash: String, Hashable, Sendable, CaseIterable {
  /// Line number modulo slices, then modulo sets.
  case linear
  /// The same, moved round by the exclusive or of the higher digits of the line number, each as wide as the index.
  case xor
  /// The same, moved round by the remainder of the higher digits, as a polynomial over GF(2), by an irreducible one
  /// (Rau, "Pseudo-randomly interleaved memory", ISCA 1991; accel-sim's `IPOLY`).
  case ipoly
}

/// The set of a line: `slice · setsPerSlice + set within the slice`.
///
/// With `q, r = line ÷ slices`: slice = `r ⊕ h(q)`, and with `q', r' = q ÷ setsPerSlice`: set = `r' ⊕ h(q')`, where `h` is
/// 0, the folded digits or the polynomial remainder. `⊕` is the exclusive or where the count is a power of two, else the sum
/// modulo the count: so every aligned run of as many lines as there are slices (sets) visits each once, whatever the count.
/// With `linear`, lines share a set if they are equal modulo all sets, and that remainder is its number.
struct SetIndex: Hashable, Sendable {
  let sets, slices: Int
  let hash: SetHash
  private let plain: FastModulus
  private let slice, set: HashedIndex

  /// - Parameter slices: A divisor of `sets`.
  init(sets: Int, slices: Int = 1, hash: SetHash = .linear) {
    precondition(sets > 0 && slices > 0 && sets % slices == 0, "slices hold whole sets")
    self.sets = sets
    self.slices = slices
    self.hash = hash
    plain = FastModulus(sets)
    slice = HashedIndex(count: slices, hash: hash)
    set = HashedIndex(count: sets / slices, hash: hash)
  }

  @inline(__always)
  func callAsFunction(_ line: Int) -> Int { hash == .linear ? plain(line) : hashed(line) }

  private func hashed(_ line: Int) -> Int {
    let (quotient, inSlice) = line.quotientAndRemainder(dividingBy: slices)
    let (rest, inSet) = quotient.quotientAndRemainder(dividingBy: set.count)
    return slice(inSlice, quotient) * set.count + set(inSet, rest)
  }
}

/// Remainders by a constant without division: `n mod d = ⌊((M·n) mod 2⁶⁴)·d ÷ 2⁶⁴⌋` with `M = ⌈2⁶⁴ ÷ d⌉`, exact for `n` and `d`
/// below 2³² (Lemire, Kaser, Kurz, "Faster remainder by direct computation", 2019).
struct FastModulus: Hashable, Sendable {
  let divisor: Int
  private let mask: Int
  private let magic: UInt64

  init(_ divisor: Int) {
    self.divisor = divisor
    mask = divisor & (divisor - 1) == 0 ? divisor - 1 : -1
    magic = UInt64.max / UInt64(divisor) &+ 1
  }

  @inline(__always)
  func callAsFunction(_ value: Int) -> Int {
    if mask >= 0 { return value & mask }
    guard (value | divisor) >> 32 == 0 else { return value % divisor }
    let low = magic &* UInt64(truncatingIfNeeded: value)
    return Int(truncatingIfNeeded: low.multipliedFullWidth(by: UInt64(truncatingIfNeeded: divisor)).high)
  }
}

/// One digit of the index, moved round by a linear function of the digits above it.
private struct HashedIndex: Hashable, Sendable {
  let count: Int
  private let isPowerOfTwo: Bool
  /// What each byte of the higher digits contributes: 256 entries for each of 5 bytes.
  private let table: [UInt32]

  init(count: Int, hash: SetHash) {
    self.count = count
    isPowerOfTwo = count & (count - 1) == 0
    let bits = Int.bitWidth - (count - 1).leadingZeroBitCount
    guard hash != .linear, bits > 0 else {
      table = []
      return
    }
    table = (0..<5 * 256).map { entry in
      let digits = UInt64(entry % 256) << UInt64(entry / 256 * 8)
      return UInt32(hash == .xor ? Self.folded(digits, bits) : Self.remainder(digits, bits))
    }
  }

  func callAsFunction(_ digit: Int, _ above: Int) -> Int {
    guard !table.isEmpty else { return digit }
    var moved: UInt32 = 0
    for byte in 0..<5 { moved ^= table[byte * 256 + above >> (byte * 8) & 255] }
    return isPowerOfTwo ? digit ^ Int(moved) : (digit + Int(moved)) % count
  }

  private static func folded(_ value: UInt64, _ bits: Int) -> UInt64 {
    var (rest, sum) = (value, UInt64(0))
    while rest > 0 {
      sum ^= rest & (1 << UInt64(bits) - 1)
      rest >>= UInt64(bits)
    }
    return sum
  }

  private static func remainder(_ value: UInt64, _ bits: Int) -> UInt64 {
    let divisor = irreducible(bits)
    var rest = value
    while rest >> UInt64(bits) > 0 {
      rest ^= divisor << UInt64(63 - rest.leadingZeroBitCount - bits)
    }
    return rest
  }

  /// The least polynomial of degree `bits` that no polynomial of half its degree or less divides.
  private static func irreducible(_ bits: Int) -> UInt64 {
    let first = UInt64(1) << UInt64(bits)
    return (first..<first * 2).first { candidate in
      !(2..<max(2, UInt64(1) << UInt64(bits / 2 + 1))).contains { divides($0, candidate) }
    } ?? first
  }

  private static func divides(_ divisor: UInt64, _ value: UInt64) -> Bool {
    let degree = 63 - divisor.leadingZeroBitCount
    var rest = value
    while rest > 0, 63 - rest.leadingZeroBitCount >= degree {
      rest ^= divisor << UInt64(63 - rest.leadingZeroBitCount - degree)
    }
    return rest == 0
  }
}
