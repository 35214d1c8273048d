/// Sectors of one line that are asked for together, and why: line number · 2¹⁶, cause · 2⁸, a bit for each sector.
///
/// A stream of them says what a stream of sectors says, run after run: neighbours of the stream that lie in one line and are
/// distinct make one access, so nothing is put in another order.
struct LineAccess: Hashable, Sendable {
  var bits: UInt64

  init(bits: UInt64) { self.bits = bits }

  init(line: Int, mask: UInt8, cause: SectorCause = .compulsory) {
    bits = UInt64(truncatingIfNeeded: line) << 16 | UInt64(cause.rawValue) << 8 | UInt64(mask)
  }

  @inline(__always) var line: Int { Int(truncatingIfNeeded: bits >> 16) }
  @inline(__always) var mask: UInt8 { UInt8(truncatingIfNeeded: bits) }
  @inline(__always) var cause: SectorCause {
    SectorCause(rawValue: UInt8(truncatingIfNeeded: bits >> 8)) ?? .compulsory
  }
}

extension [LineAccess] {
  /// Adds a sector of `line`, to the last access if that can be.
  mutating func add(line: Int, bit: UInt8, cause: SectorCause) {
    let next = LineAccess(line: line, mask: bit, cause: cause)
    if let last, last.bits >> 8 == next.bits >> 8, last.mask & bit == 0 {
      self[count - 1].bits |= UInt64(bit)
    } else {
      append(next)
    }
  }
}
