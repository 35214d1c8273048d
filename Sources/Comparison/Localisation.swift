import ModelFiles

/// Where a prediction first goes wrong: the first level over tolerance, its worst counter there, and the kernel.
public struct Localisation: Hashable, Sendable {
  public let level: Level
  /// Levels above, all within tolerance.
  public let agreeing: [Level]
  public let counter: String
  /// Index of the kernel whose absolute error is largest, and what of the counter's error is its.
  public let kernel: Int
  public let shareOfError: Double
  public let predicted, measured: Double
  /// The tensor whose part of the prediction alone is as large as the error, within a tenth; else nil.
  public let tensor: String?

  /// Nil where every counter is within `tolerance`.
  public init?(_ comparison: ProfileComparison, tolerance: Double) {
    let wrong = comparison.rows.filter { $0.error.exceeds(tolerance) }
    guard let level = wrong.map(\.level).min() else { return nil }
    let here = wrong.filter { $0.level == level }
    // The first of the largest: counters stand in a fixed order.
    let row = here.dropFirst().reduce(here[0]) { worst, next in
      (next.error.weightedError ?? .infinity) > (worst.error.weightedError ?? .infinity) ? next : worst
    }
    let pairs = row.error.pairs
    let worst = pairs.dropFirst().reduce(pairs[0]) { abs($1.error) > abs($0.error) ? $1 : $0 }
    let all = pairs.reduce(0) { $0 + abs($1.error) }
    self.level = level
    agreeing = Set(comparison.rows.map(\.level)).filter { $0 < level }.sorted()
    counter = row.counter.name
    kernel = worst.kernel
    shareOfError = all == 0 ? 0 : abs(worst.error) / all
    predicted = worst.predicted
    measured = worst.median
    tensor = Self.tensor(
      comparison.result.kernels[worst.kernel], error: abs(worst.error), counter: row.counter.name)
  }

  /// Which counter of a tensor belongs to one of a kernel.
  private static let tensorCounters: [String: (name: String, scale: Int)] = [
    "l1_load_requests": ("requests", 1), "l1_store_requests": ("requests", 1),
    "l1_load_sectors": ("sectors", 1), "l1_store_sectors": ("sectors", 1),
    "l1_load_hit_sectors": ("l1_hit_sectors", 1), "l1_load_miss_sectors": ("l1_miss_sectors", 1),
    "l2_read_hit_sectors": ("l2_read_hit_sectors", 1), "l2_read_miss_sectors": ("l2_read_miss_sectors", 1),
    "l2_read_sectors": ("l1_miss_sectors", 1), "l2_write_sectors": ("l2_write_sectors", 1),
    "dram_read_bytes": ("dram_read_sectors", 32),
  ]

  private static func tensor(_ kernel: ResultFile.Kernel, error: Double, counter: String) -> String? {
    guard let own = tensorCounters[counter], error > 0 else { return nil }
    let parts = kernel.operands.mapValues { Double(($0[own.name] ?? 0) * own.scale) }
    let near = parts.filter { abs($0.value - error) <= error / 10 }.keys.sorted()
    if near.count == 1 { return near[0] }
    // One tensor alone that has any of it.
    let some = parts.filter { $0.value > 0 }.keys.sorted()
    return some.count == 1 ? some[0] : nil
  }
}
