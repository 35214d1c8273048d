import Workload

/// Why a layer has no reference value.
public enum ReferenceError: Error, Hashable, Sendable {
  /// The layer is a boundary that FuseLab does not compute.
  case opaqueLayer(layer: String, operation: String)
  case wrongInputCount(layer: String, expected: Int, found: Int)
  case wrongElementCount(layer: String, tensor: String, expected: Int, found: Int)
  case elementTypeMismatch(layer: String, expected: ElementType, found: ElementType)
  /// The exact sum of an INT8 accumulator does not fit in int32.
  case accumulatorOverflow(layer: String, batch: Int, channel: Int, row: Int, column: Int, sum: Int)
  /// A pooling window without a single tap inside the map has neither a mean nor a maximum.
  case emptyWindow(layer: String, row: Int, column: Int)
}

extension ReferenceError {
  /// The stable name of the diagnostic, as documented for users.
  public var code: String {
    switch self {
    case .opaqueLayer: "layer-opaque"
    case .wrongInputCount: "input-count"
    case .wrongElementCount: "shape-mismatch"
    case .elementTypeMismatch: "type-mismatch"
    case .accumulatorOverflow: "acc-overflow"
    case .emptyWindow: "empty-window"
    }
  }
}

extension ReferenceError: CustomStringConvertible {
  public var description: String {
    switch self {
    case .opaqueLayer(let layer, let operation):
      "Layer '\(layer)' is a \(operation), which FuseLab does not compute."
    case .wrongInputCount(let layer, let expected, let found):
      "Layer '\(layer)' takes \(expected) input(s) but was given \(found)."
    case .wrongElementCount(let layer, let tensor, let expected, let found):
      "The \(tensor) of layer '\(layer)' should have \(expected) elements but has \(found)."
    case .elementTypeMismatch(let layer, let expected, let found):
      "Layer '\(layer)' has \(expected.rawValue) parameters but a \(found.rawValue) input."
    case .accumulatorOverflow(let layer, let batch, let channel, let row, let column, let sum):
      """
      The accumulator of layer '\(layer)' at batch \(batch), channel \(channel), row \(row), column \
      \(column) is \(sum), which does not fit in int32; give smaller biases or weights.
      """
    case .emptyWindow(let layer, let row, let column):
      """
      The window of layer '\(layer)' at row \(row), column \(column) covers nothing but padding; give less \
      padding or dilation.
      """
    }
  }
}
