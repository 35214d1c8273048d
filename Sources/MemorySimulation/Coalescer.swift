/// Turns what the lanes of one warp touch into the sectors of one request.
enum Coalescer {
  static let sectorBytes = 32
  static let lineBytes = 128

  /// A sector of a request and which of its bytes the lanes touch.
  struct Touched: Hashable {
    let sector: Int
    /// Bit `b` stands for byte `b` of the sector.
    var mask: UInt32

    var bytes: Int { mask.nonzeroBitCount }
    var isWhole: Bool { mask == .max }
  }

  /// Distinct sectors of the request, in the order in which lanes first touch them.
  /// - Parameters:
  ///   - addresses: Byte address of each lane, negative for inactive lanes.
  ///   - size: Bytes of each lane: 1, 2, 4, 8 or 16, or any number up to a sector.
  static func sectors(
    of addresses: UnsafeMutableBufferPointer<Int>, size: Int, into touched: inout [Touched]
  ) {
    touched.removeAll(keepingCapacity: true)
    let ones = UInt32((UInt64(1) << UInt64(size)) - 1)
    var highest = -1
    /// Lanes mostly walk upwards, so a sector is nearly always new or the last one.
    func add(_ sector: Int, _ mask: UInt32) {
      guard sector <= highest else {
        highest = sector
        touched.append(Touched(sector: sector, mask: mask))
        return
      }
      if let index = touched.lastIndex(where: { $0.sector == sector }) {
        touched[index].mask |= mask
      } else {
        touched.append(Touched(sector: sector, mask: mask))
      }
    }
    for address in addresses where address >= 0 {
      let first = address & (sectorBytes - 1)
      let sector = address / sectorBytes
      add(sector, ones << UInt32(first))
      // Bytes that lie in the next sector, for a size that its address is no multiple of.
      if first + size > sectorBytes { add(sector + 1, ones >> UInt32(sectorBytes - first)) }
    }
  }

  /// Distinct lines among the sectors of a request.
  static func lines(of touched: [Touched]) -> Int {
    let sectorsPerLine = lineBytes / sectorBytes
    var count = 0
    for (index, access) in touched.enumerated() {
      let line = access.sector / sectorsPerLine
      if !touched[..<index].reversed().contains(where: { $0.sector / sectorsPerLine == line }) { count += 1 }
    }
    return count
  }
}
