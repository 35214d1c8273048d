/// Why a shape is not one that a network can have. The case carries the numbers; `ShapeError+Text.swift`
/// words them.
public enum ShapeError: Error, Hashable, Sendable {
  case zeroDimension(String)
  case negativeDimension(String, Int)
  case dimensionTooLarge(String, Int)
  case tensorTooLarge(String, limit: Int)
  case tooManyMultiplyAccumulates(limit: Int)
  case overflow(String)
  case zeroStride(String)
  case negativePadding(String, Int)
  case emptyOutput(axis: String, paddedInput: Int, effectiveWindow: Int)
  case groupMismatch(inputChannels: Int, outputChannels: Int, groups: Int)
}

extension ShapeError {
  /// The stable name of the diagnostic, as documented for users.
  public var code: String {
    switch self {
    case .zeroDimension: "dim-zero"
    case .negativeDimension: "dim-negative"
    case .dimensionTooLarge: "limit-dim"
    case .tensorTooLarge: "limit-tensor"
    case .tooManyMultiplyAccumulates: "limit-macs"
    case .overflow: "shape-overflow"
    case .zeroStride: "stride-zero"
    case .negativePadding: "pad-negative"
    case .emptyOutput: "empty-output"
    case .groupMismatch: "group-mismatch"
    }
  }
}

extension ShapeError: CustomStringConvertible {
  public var description: String {
    switch self {
    case .zeroDimension(let name): "\(name) is 0; a tensor needs at least 1."
    case .negativeDimension(let name, let value): "\(name) is \(value); give a size of at least 1."
    case .dimensionTooLarge(let name, let value):
      "\(name) is \(value); the largest supported is \(Extent.limit)."
    case .tensorTooLarge(let name, let limit):
      "\(name) has more than \(limit) elements, the largest tensor supported."
    case .tooManyMultiplyAccumulates(let limit):
      "The layer needs more than \(limit) multiply-accumulates, the most supported."
    case .overflow(let name): "The number of elements of \(name) does not fit in 64 bits."
    case .zeroStride(let axis): "The stride of the \(axis) is 0; give at least 1."
    case .negativePadding(let axis, let value):
      "The padding of the \(axis) is \(value); cropping by negative padding is not supported."
    case .emptyOutput(let axis, let padded, let window):
      "The window covers \(window) \(axis) but the padded input has \(padded), so the output is empty."
    case .groupMismatch(let input, let output, let groups):
      "\(groups) groups do not divide \(input) input and \(output) output channels evenly."
    }
  }
}

/// Checked sizes: every size that comes from outside passes through here once, and afterwards products of
/// them cannot overflow 64 bits.
public enum Extent {
  /// The largest size of one dimension: 2³¹ − 1, as in ONNX Runtime and cuDNN.
  public static let limit = Int(Int32.max)
  /// The largest tensor, in elements: 2³⁶, more than any GPU memory holds.
  public static let tensorLimit = 1 << 36
  /// The most multiply-accumulates of one layer: 2⁵⁰, so that its accesses stay countable in 64 bits.
  public static let multiplyAccumulateLimit = 1 << 50

  static func checkPositive(_ value: Int, _ name: String) throws(ShapeError) {
    if value == 0 { throw .zeroDimension(name) }
    if value < 0 { throw .negativeDimension(name, value) }
  }

  /// `value`, or an error where it is not from 1 to `limit`.
  public static func check(_ value: Int, _ name: String) throws(ShapeError) -> Int {
    try checkPositive(value, name)
    if value > limit { throw .dimensionTooLarge(name, value) }
    return value
  }

  /// The product of `sizes`, or an error where it overflows or exceeds `tensorLimit`.
  public static func elements(_ sizes: [Int], of name: String) throws(ShapeError) -> Int {
    let count = try product(sizes, of: name)
    if count > tensorLimit { throw .tensorTooLarge(name, limit: tensorLimit) }
    return count
  }

  /// The product of `sizes`, or an error where it overflows.
  public static func product(_ sizes: [Int], of name: String) throws(ShapeError) -> Int {
    var count = 1
    for size in sizes {
      let (next, overflow) = count.multipliedReportingOverflow(by: size)
      if overflow { throw .overflow(name) }
      count = next
    }
    return count
  }
}
