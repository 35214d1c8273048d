import Scheduling
import Workload

/// What the tiles of one axis hold of each map of a chain, summed over the tiles: all that a closed form needs,
/// since regions are boxes and a sum over tiles is a product of sums over axes.
public struct AxisSums: Hashable, Sendable {
  public let tile: Int
  /// Number of tiles.
  public let tiles: Int
  /// Elements of each map, an element counted once for each tile that holds it; the chain's input first.
  public let totals: [Int]
  /// Distinct elements of each map.
  public let distinct: [Int]
  /// Buffer slots of one tile of each map.
  public let slots: [Int]

  public init(_ axis: AxisTiling) {
    tile = axis.tile
    tiles = axis.count
    totals = (0..<axis.mapCount).map { axis.total(of: $0) }
    distinct = (0..<axis.mapCount).map { axis.distinct(of: $0) }
    slots = axis.slotCounts
  }

  /// Whether tiles overlap in an intermediate, so that some of it is computed more than once.
  var recomputes: Bool { totals.indices.dropFirst().dropLast().contains { totals[$0] > distinct[$0] } }
}
