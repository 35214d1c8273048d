/// Where an element of a 4-D tensor lies in memory, in elements from its start.
///
/// The axes are `[outer][channel][row][column]`: batch for feature maps, filter for weights.
public struct TensorLayout: Hashable, Sendable {
  /// Which axes vary fastest: columns (`chw`), or channels (`hwc`).
  public enum AxisOrder: String, Hashable, Sendable, CaseIterable { case chw, hwc }

  public let order: AxisOrder
  public let channels, rows, columns: Int

  public init(order: AxisOrder = .chw, channels: Int, rows: Int, columns: Int) {
    self.order = order
    self.channels = channels
    self.rows = rows
    self.columns = columns
  }

  @inlinable public func offset(outer: Int, channel: Int, row: Int, column: Int) -> Int {
    switch order {
    case .chw: ((outer * channels + channel) * rows + row) * columns + column
    case .hwc: ((outer * rows + row) * columns + column) * channels + channel
    }
  }
}
