import Scheduling
import Workload

/// What a block holds of one map: `[channels][row slots][column slots]`. Slots outside the map are zero, slots that
/// no step has filled hold a trap value, so that reading too little of the input shows in the result.
struct StagingBuffer<Element: Sendable> {
  private(set) var channels: Range<Int> = 0..<0
  let rows, columns: AxisSlots
  let padding, trap: Element
  var elements: [Element] = []

  init(rows: AxisSlots, columns: AxisSlots, padding: Element, trap: Element) {
    self.rows = rows
    self.columns = columns
    self.padding = padding
    self.trap = trap
  }

  var plane: Int { rows.indices.count * columns.indices.count }

  /// Forgets what it held and makes room for `channels`, every slot a trap or padding.
  mutating func reset(to channels: Range<Int>) {
    self.channels = channels
    elements.removeAll(keepingCapacity: true)
    for _ in channels {
      for row in rows.indices {
        for column in columns.indices {
          let isPadding =
            (row == AxisSlots.padding && column != AxisSlots.unused)
            || (column == AxisSlots.padding && row != AxisSlots.unused)
          elements.append(isPadding ? padding : trap)
        }
      }
    }
  }

  /// Start of the plane of `channel`.
  func offset(of channel: Int) -> Int { (channel - channels.lowerBound) * plane }
}

extension AxisSlots {
  /// The slots that hold an element, ascending.
  var filled: [Int] { indices.indices.filter { indices[$0] >= 0 } }
}
