/// One axis of a sliding window: which input index output `o` reads through tap `t`.
///
/// `input(o, t) = o · stride + t · dilation − paddingBefore`; an index outside `0..<inputExtent` is padding
/// and reads as a real zero. The ONNX `Conv` definition, with explicit pads.
public struct WindowAxis: Hashable, Sendable {
  public let inputExtent, window, stride, dilation, paddingBefore, paddingAfter: Int
  public let outputExtent: Int

  /// - Throws: `ShapeError` where a size is out of range or the window does not fit the padded input.
  public init(
    inputExtent: Int, window: Int = 1, stride: Int = 1, dilation: Int = 1, paddingBefore: Int = 0,
    paddingAfter: Int = 0, name: String = "rows"
  ) throws(ShapeError) {
    self.inputExtent = try Extent.check(inputExtent, "the input's \(name)")
    self.window = try Extent.check(window, "the window's \(name)")
    if stride == 0 { throw .zeroStride(name) }
    self.stride = try Extent.check(stride, "the stride of the \(name)")
    self.dilation = try Extent.check(dilation, "the dilation of the \(name)")
    for padding in [paddingBefore, paddingAfter] where padding < 0 {
      throw .negativePadding(name, padding)
    }
    for padding in [paddingBefore, paddingAfter] where padding > Extent.limit {
      throw .dimensionTooLarge("the padding of the \(name)", padding)
    }
    self.paddingBefore = paddingBefore
    self.paddingAfter = paddingAfter
    let padded = inputExtent + paddingBefore + paddingAfter
    let effective = (window - 1) * dilation + 1
    guard effective <= padded else {
      throw .emptyOutput(axis: name, paddedInput: padded, effectiveWindow: effective)
    }
    self.outputExtent = (padded - effective) / stride + 1
  }

  /// A window that pads like TensorFlow's SAME: the output is ⌈input ÷ stride⌉ and the odd one goes after.
  public static func same(
    inputExtent: Int, window: Int, stride: Int, dilation: Int = 1, name: String = "rows"
  ) throws(ShapeError) -> Self {
    // Validates before it divides.
    let bare = try Self(
      inputExtent: inputExtent, stride: stride, dilation: dilation, name: name)
    let window = try Extent.check(window, "the window's \(name)")
    let effective = (window - 1) * dilation + 1
    let needed = (bare.outputExtent - 1) * stride + effective - inputExtent
    let total = max(0, needed)
    return try Self(
      inputExtent: inputExtent, window: window, stride: stride, dilation: dilation,
      paddingBefore: total / 2, paddingAfter: total - total / 2, name: name)
  }

  /// The input index that `output` reads through `tap`; outside `0..<inputExtent` it is padding.
  public func input(output: Int, tap: Int) -> Int { output * stride + tap * dilation - paddingBefore }

  /// Indices from the first to the last that so many neighbouring outputs read.
  public func span(of outputs: Int) -> Int { (outputs - 1) * stride + (window - 1) * dilation + 1 }

  /// Whether a tile of outputs reads just its own inputs: window 1, no padding.
  public var isPointwise: Bool { window == 1 && paddingBefore == 0 && paddingAfter == 0 }

  /// Whether padding is as large as the window or larger, so that some outputs read nothing but padding.
  public var paddingExceedsWindow: Bool {
    paddingBefore >= span(of: 1) || paddingAfter >= span(of: 1)
  }
}
