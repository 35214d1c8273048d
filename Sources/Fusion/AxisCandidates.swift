import CostModel
import Scheduling
import Workload

/// The tile sizes of one axis that can be part of an optimum, ascending.
///
/// A tile is left out only for a smaller one with as many tiles and no more input, residuals inside the chain among it:
/// that one needs no more of any resource, makes as many blocks and moves no more bytes. Axes of more than `exhaustive` outputs keep just the
/// smallest tile of each count.
struct AxisCandidates {
  static let exhaustive = 512

  let sums: [AxisSums]
  /// The tilings that `sums` are of.
  let tilings: [AxisTiling]

  /// - Parameter loaded: The maps that come from global memory.
  init(windows: [WindowAxis], loaded: [Int] = [0]) {
    let extent = windows[windows.count - 1].outputExtent
    var kept: [AxisSums] = []
    var tilings: [AxisTiling] = []
    for tile in Self.sizes(extent) {
      let tiling = AxisTiling(windows: windows, tile: tile)
      let sums = AxisSums(tiling)
      let isDominated = kept.contains { kept in
        kept.tiles == sums.tiles && loaded.allSatisfy { kept.totals[$0] <= sums.totals[$0] }
      }
      guard !isDominated else { continue }
      kept.append(sums)
      tilings.append(tiling)
    }
    sums = kept
    self.tilings = tilings
  }

  private static func sizes(_ extent: Int) -> [Int] {
    extent <= exhaustive ? Array(1...extent) : distinctCounts(extent)
  }

  /// The smallest size of each number of pieces that `extent` can be cut into, ascending.
  /// - Parameter grain: Sizes are a multiple of it, or all of `extent`.
  static func distinctCounts(_ extent: Int, grain: Int = 1) -> [Int] {
    let grains = (extent + grain - 1) / grain
    var sizes: [Int] = []
    var size = 1
    while size <= grains {
      let pieces = (grains + size - 1) / size
      sizes.append(min(grain * ((grains + pieces - 1) / pieces), extent))
      if pieces == 1 { break }
      // The smallest size with fewer pieces.
      size = (grains + pieces - 2) / (pieces - 1)
    }
    return sizes
  }

  /// The multiples of `grain` below `extent`, and that.
  static func multiples(of grain: Int, to extent: Int) -> [Int] {
    Array(stride(from: grain, to: extent, by: grain)) + [extent]
  }
}
