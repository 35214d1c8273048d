/// How many distinct 32-byte sectors a regular set of bytes touches, in closed form: logarithmic in its size, whatever its
/// alignment. For bounds and checks; a replay counts one by one.
public enum SectorForms {
  private static let sector = 32

  /// Sectors of `bytes` bytes from `address`.
  public static func interval(_ address: Int, bytes: Int) -> Int {
    bytes <= 0 ? 0 : (address + bytes - 1) / sector - address / sector + 1
  }

  /// Sectors of `rows` rows of `bytes` bytes, `pitch` apart, the first from `address`.
  ///
  /// Each row touches `⌊(a + i·P + w − 1) ÷ 32⌋ − ⌊(a + i·P) ÷ 32⌋ + 1`; the sums of floors have closed forms. Neighbouring rows share
  /// a sector where the gap between them is shorter than a sector and lies in one; more than one sector they share only if rows
  /// are shorter than a sector apart, and then the rows leave no sector out.
  /// - Precondition: `pitch ≥ bytes`.
  public static func rectangle(_ address: Int, bytes: Int, pitch: Int, rows: Int) -> Int {
    precondition(pitch >= bytes, "rows do not overlap")
    guard bytes > 0, rows > 0 else { return 0 }
    if pitch == bytes || pitch < sector {
      return interval(address, bytes: (rows - 1) * pitch + bytes)
    }
    let last = floorSum(rows, address + bytes - 1, pitch)
    let all = last - floorSum(rows, address, pitch) + rows
    return all - shared(address, between: bytes, pitch: pitch, count: rows)
  }

  /// Sectors of `planes` such rectangles, `planePitch` apart.
  /// - Precondition: Planes do not overlap and start at least a sector apart.
  public static func box(
    _ address: Int, bytes: Int, pitch: Int, rows: Int, planePitch: Int, planes: Int
  ) -> Int {
    let extent = (rows - 1) * pitch + bytes
    precondition(planePitch >= extent && (planePitch >= sector || planes <= 1), "planes do not overlap")
    guard bytes > 0, rows > 0, planes > 0 else { return 0 }
    // Alignments come round after a few planes.
    var period = 1
    while planePitch * period % sector != 0 { period *= 2 }
    var all = 0
    for plane in 0..<min(period, planes) {
      let times = (planes - plane + period - 1) / period
      all += times * rectangle(address + plane * planePitch, bytes: bytes, pitch: pitch, rows: rows)
    }
    return all - shared(address, between: extent, pitch: planePitch, count: planes)
  }

  /// Of pieces of `bytes` bytes that start `pitch ≥ 32` apart, how many start in the sector in which the one before ends.
  private static func shared(_ address: Int, between bytes: Int, pitch: Int, count: Int) -> Int {
    guard pitch - bytes < sector, count > 1 else { return 0 }
    let apart = floorSum(count - 1, address + pitch, pitch) - floorSum(count - 1, address + bytes - 1, pitch)
    return count - 1 - apart
  }

  /// `Σ ⌊(first + i·step) ÷ 32⌋` for `i` from 0 to `count − 1`, by the steps of Euclid's algorithm.
  static func floorSum(_ count: Int, _ first: Int, _ step: Int) -> Int {
    var (n, m, a, b) = (count, sector, step, first)
    var sum = 0
    while n > 0 {
      sum += (n - 1) * n / 2 * (a / m) + n * (b / m)
      (a, b) = (a % m, b % m)
      let top = a * n + b
      if top < m { break }
      (n, b, a, m) = (top / m, top % m, m, a)
    }
    return sum
  }
}
