/// The sizes of a convolution, or of any layer that slides a window: input `[batch][inputChannels][rows][columns]`,
/// output `[batch][outputChannels][rows][columns]`, filters `[outputChannels][channelsPerGroup][window][window]`.
public struct ConvolutionShape: Hashable, Sendable {
  public let batch, inputChannels, outputChannels, groups: Int
  public let rows, columns: WindowAxis

  public init(
    batch: Int = 1, inputChannels: Int, outputChannels: Int, groups: Int = 1, rows: WindowAxis,
    columns: WindowAxis
  ) throws(ShapeError) {
    self.batch = try Extent.check(batch, "the batch")
    self.inputChannels = try Extent.check(inputChannels, "the number of input channels")
    self.outputChannels = try Extent.check(outputChannels, "the number of output channels")
    self.groups = try Extent.check(groups, "the number of groups")
    guard inputChannels % groups == 0, outputChannels % groups == 0 else {
      throw .groupMismatch(inputChannels: inputChannels, outputChannels: outputChannels, groups: groups)
    }
    self.rows = rows
    self.columns = columns
    _ = try Extent.elements(
      [batch, inputChannels, rows.inputExtent, columns.inputExtent], of: "the input feature map")
    _ = try Extent.elements(
      [batch, outputChannels, rows.outputExtent, columns.outputExtent], of: "the output feature map")
    let window = [inputChannels / groups, rows.window, columns.window]
    _ = try Extent.elements([outputChannels] + window, of: "the filters")
    let macs = try Extent.product(
      [batch, outputChannels, rows.outputExtent, columns.outputExtent] + window, of: "the layer's work")
    let limit = Extent.multiplyAccumulateLimit
    if macs > limit { throw .tooManyMultiplyAccumulates(limit: limit) }
  }

  public var channelsPerGroup: Int { inputChannels / groups }
  public var filtersPerGroup: Int { outputChannels / groups }
  /// Taps of one output: channels of its group × window.
  public var taps: Int { channelsPerGroup * rows.window * columns.window }
  /// Whether one pixel is made of one, as by a classifier.
  public var isOfOnePixel: Bool {
    [rows, columns].allSatisfy { $0.inputExtent == 1 && $0.outputExtent == 1 }
  }
  public var multiplyAccumulates: Int { outputMap.elements * taps }
  public var filterElements: Int { outputChannels * taps }

  public var inputMap: FeatureMap {
    FeatureMap(
      unchecked: batch, channels: inputChannels, rows: rows.inputExtent, columns: columns.inputExtent)
  }
  public var outputMap: FeatureMap {
    FeatureMap(
      unchecked: batch, channels: outputChannels, rows: rows.outputExtent, columns: columns.outputExtent)
  }

  /// Every output channel reads exactly one input channel (any multiplier).
  public var isDepthwise: Bool { channelsPerGroup == 1 && (groups > 1 || inputChannels == 1) }
  /// Window 1×1 over all channels, any stride, no padding.
  public var isPointwise: Bool {
    groups == 1 && rows.isPointwise && columns.isPointwise
  }
}

/// The sizes of a feature map, stored `[batch][channels][rows][columns]` unless a layout says otherwise.
public struct FeatureMap: Hashable, Sendable {
  public let batch, channels, rows, columns: Int

  public init(batch: Int = 1, channels: Int, rows: Int, columns: Int) throws(ShapeError) {
    // A product that wraps is told from a dimension that is too large: it is the worse mistake.
    let sizes = [
      (batch, "the batch"), (channels, "the number of channels"), (rows, "the number of rows"),
      (columns, "the number of columns"),
    ]
    for (value, name) in sizes { try Extent.checkPositive(value, name) }
    _ = try Extent.product(sizes.map(\.0), of: "the feature map")
    self.init(
      unchecked: try Extent.check(batch, "the batch"),
      channels: try Extent.check(channels, "the number of channels"),
      rows: try Extent.check(rows, "the number of rows"),
      columns: try Extent.check(columns, "the number of columns"))
    _ = try Extent.elements([batch, channels, rows, columns], of: "the feature map")
  }

  init(unchecked batch: Int, channels: Int, rows: Int, columns: Int) {
    self.batch = batch
    self.channels = channels
    self.rows = rows
    self.columns = columns
  }

  public var elements: Int { batch * channels * rows * columns }
  public var plane: Int { rows * columns }
}
