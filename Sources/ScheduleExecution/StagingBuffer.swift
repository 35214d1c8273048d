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

/// The buffers of one operand: a load takes the one that was loaded longest ago.
struct StagedCopies<Buffer> {
  private(set) var buffers: [Buffer]
  private var next = 0

  init(_ buffer: Buffer, copies: Int) { buffers = Array(repeating: buffer, count: copies) }

  mutating func load(_ fill: (inout Buffer) -> Void) {
    fill(&buffers[next])
    next = (next + 1) % buffers.count
  }

  /// A buffer that holds what is wanted; where none does, any.
  func first(holding isHeld: (Buffer) -> Bool) -> Buffer { buffers.first(where: isHeld) ?? buffers[0] }
}

extension Range {
  func isSuperset(of other: Range) -> Bool { clamped(to: other) == other }
}

extension AxisSlots {
  /// The slots that hold an element, ascending.
  var filled: [Int] { indices.indices.filter { indices[$0] >= 0 } }
}
