import Workload

/// One tap of a filter: the channel counts inside its group.
struct Tap: Hashable {
  let channel, row, column: Int
  /// Position in the filter, stored `[channelsPerGroup][rows][columns]`.
  let weight: Int
}

/// The taps of one filter as chains: each chain of multiply-adds starts anew, and their sums are added in order.
enum TapSequence {
  static func chains(of shape: ConvolutionShape, order: ReductionOrder) -> [[Tap]] {
    let channels = shape.channelsPerGroup
    let block = min(order.restart ?? channels, channels)
    return stride(from: 0, to: channels, by: block).map { first in
      taps(of: first..<min(first + block, channels), shape: shape, order: order)
    }
  }

  private static func taps(of channels: Range<Int>, shape: ConvolutionShape, order: ReductionOrder) -> [Tap] {
    let (rows, columns) = (shape.rows.window, shape.columns.window)
    var window: [(row: Int, column: Int)] = []
    switch order.taps {
    case .rowMajor: for row in 0..<rows { for column in 0..<columns { window.append((row, column)) } }
    case .columnMajor: for column in 0..<columns { for row in 0..<rows { window.append((row, column)) } }
    }
    func tap(_ channel: Int, _ position: (row: Int, column: Int)) -> Tap {
      Tap(
        channel: channel, row: position.row, column: position.column,
        weight: (channel * rows + position.row) * columns + position.column)
    }
    switch order.innermost {
    case .window: return channels.flatMap { channel in window.map { tap(channel, $0) } }
    case .channel: return window.flatMap { position in channels.map { tap($0, position) } }
    }
  }
}

/// Where one tap of one axis reads: output `o` reads input `o · stride + origin`, `origin = t · dilation −
/// paddingBefore`. Worked out here from the axis' fields alone.
struct AxisTap {
  let stride, origin: Int
  /// The outputs whose input lies inside the map; all others read padding.
  let inside: Range<Int>

  init(_ axis: WindowAxis, tap: Int) {
    stride = axis.stride
    origin = tap * axis.dilation - axis.paddingBefore
    // 0 ≤ o · stride + origin < inputExtent
    let first = origin >= 0 ? 0 : (-origin + axis.stride - 1) / axis.stride
    let room = axis.inputExtent - origin
    let end = room <= 0 ? 0 : (room + axis.stride - 1) / axis.stride
    let lower = min(first, axis.outputExtent)
    inside = lower..<max(lower, min(end, axis.outputExtent))
  }

  func input(_ output: Int) -> Int { output * stride + origin }
}
