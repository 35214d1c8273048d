import Hardware
import Workload

/// Why a schedule could not be executed to the end.
public enum ExecutionError: Error, Hashable, Sendable {
  case operandsDoNotFit(layer: String)
  /// The reduction order takes channels in blocks that the schedule's chunks cut through.
  case chunkCutsBlock(layer: String, chunk: Int, block: Int)
  /// A step needs an operand that no step before it had staged.
  case notStaged(layer: String, operand: Operand)
  /// A step stores other elements than were made.
  case storeDoesNotFit(layer: String)
  /// An INT8 accumulator left int32, or read an element that no step had staged.
  case accumulatorOverflow(layer: String, channel: Int)
}

extension ExecutionError: CustomStringConvertible {
  public var code: String {
    switch self {
    case .operandsDoNotFit: "operands-mismatch"
    case .chunkCutsBlock: "order-unsupported"
    case .notStaged, .storeDoesNotFit: "schedule-invalid"
    case .accumulatorOverflow: "acc-overflow"
    }
  }

  public var description: String {
    switch self {
    case .operandsDoNotFit(let layer): "The values given for '\(layer)' do not have its shape and type."
    case .chunkCutsBlock(let layer, let chunk, let block):
      "The reduction order of '\(layer)' takes \(block) channels tap by tap; chunks of \(chunk) cut through that. "
        + "Use a multiple of \(block)."
    case .notStaged(let layer, let operand): "A step of '\(layer)' needs \(operand), which is not staged."
    case .storeDoesNotFit(let layer): "A step of '\(layer)' stores other elements than were made."
    case .accumulatorOverflow(let layer, let channel):
      "An accumulator of '\(layer)', output channel \(channel), does not fit in int32."
    }
  }
}
