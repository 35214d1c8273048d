import Hardware
import Workload

/// A box of a 4-D tensor as one step of one block touches it: whole ranges of the outer axes, slots of the
/// spatial ones.
public struct Region: Hashable, Sendable {
  /// Images of a feature map, filters of weights.
  public let outer: Range<Int>
  public let channels: Range<Int>
  public let rows: AxisSlots
  public let columns: AxisSlots

  public init(outer: Range<Int>, channels: Range<Int>, rows: AxisSlots, columns: AxisSlots) {
    self.outer = outer
    self.channels = channels
    self.rows = rows
    self.columns = columns
  }

  /// Distinct elements of the tensor in the region; slots that hold none do not count.
  public var elements: Elements {
    Elements(outer.count * channels.count * rows.count * columns.count)
  }
}

/// What a thread block does, in order.
public enum TileStep: Hashable, Sendable {
  /// Global memory to the operand's staging buffer; of a residual, to the registers of the lanes that made the outputs
  /// it is added to.
  case load(Operand, Region)
  /// Adds the products of the staged input channels `reducing` to the outputs `channels` of `stage`. The first
  /// part of the reduction starts the accumulators; the last ends with bias, activation and requantization and
  /// leaves the values in the stage's intermediate buffer, or in registers after the last stage and before an add.
  case compute(stage: Int, channels: Range<Int>, reducing: Range<Int>)
  case barrier
  /// Results to global memory.
  case store(Region)
}

/// One thread block: the output tile it makes.
public struct ThreadBlock: Hashable, Sendable {
  /// Position in launch order.
  public let index: Int
  public let image: Int
  public let rowTile, columnTile: Int
  public let channelTile: Int
  public let channels: Range<Int>
}
