import Hardware
import Scheduling
import Workload

/// A layer of a test, all of whose sizes stand in one line.
func layer(
  _ name: String = "layer", channels: Int, filters: Int, groups: Int = 1, batch: Int = 1, rows: WindowAxis,
  columns: WindowAxis, hasBias: Bool = false, operation: Operation = .convolution
) throws -> Layer {
  Layer(
    name: name, operation: operation,
    shape: try ConvolutionShape(
      batch: batch, inputChannels: channels, outputChannels: filters, groups: groups, rows: rows,
      columns: columns),
    hasBias: hasBias, inputs: operation == .add ? [.input(0), .input(1)] : [.input(0)])
}

/// A 3-wide window with padding 1 on both sides.
func window3(_ extent: Int, stride: Int = 1) throws -> WindowAxis {
  try WindowAxis(inputExtent: extent, window: 3, stride: stride, paddingBefore: 1, paddingAfter: 1)
}

func point(_ extent: Int, stride: Int = 1) throws -> WindowAxis {
  try WindowAxis(inputExtent: extent, stride: stride)
}

/// 3×3 depthwise over a square map.
func dw(_ name: String = "dw", channels: Int, extent: Int, hasBias: Bool = false) throws -> Layer {
  try layer(
    name, channels: channels, filters: channels, groups: channels, rows: window3(extent),
    columns: window3(extent), hasBias: hasBias)
}

/// Pointwise over a square map.
func pw(
  _ name: String = "pw", channels: Int, filters: Int, extent: Int, batch: Int = 1, hasBias: Bool = false
) throws -> Layer {
  try layer(
    name, channels: channels, filters: filters, batch: batch, rows: point(extent), columns: point(extent),
    hasBias: hasBias)
}

func schedule(
  _ layers: [Layer], _ precision: Precision = .fp32, rows: Int, columns: Int, channels: Int,
  reduction: [Int], lanes: LaneMap = LaneMap(), order: BlockOrder = .columnFastest
) throws -> Schedule {
  try Schedule(
    Chain(layers, precision: precision),
    tiling: Tiling(rows: rows, columns: columns, channels: channels, reduction: reduction), lanes: lanes,
    order: order)
}
