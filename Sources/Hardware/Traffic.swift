import Workload

/// A tensor of a kernel, as traffic is booked on it. `stage` counts from 0 along the chain.
public enum Operand: Hashable, Sendable, Comparable {
  /// An input feature map of the first stage; an add has two.
  case ifm(Int)
  case weights(stage: Int)
  case bias(stage: Int)
  /// INT8: the requantization constants of each output channel.
  case multipliers(stage: Int)
  /// What an add inside a chain adds to the output of the stage before it: a feature map in global memory.
  case residual(stage: Int)
  case ofm
}

extension Operand: CustomStringConvertible {
  public var description: String {
    switch self {
    case .ifm(let index): index == 0 ? "ifm" : "ifm\(index + 1)"
    case .weights(let stage): "weights\(stage + 1)"
    case .bias(let stage): "bias\(stage + 1)"
    case .multipliers(let stage): "multipliers\(stage + 1)"
    case .residual(let stage): "residual\(stage + 1)"
    case .ofm: "ofm"
    }
  }
}

/// Why an element moves, beyond the tensor it belongs to. Each access has exactly one cause.
public enum AccessCause: String, Hashable, Sendable, CaseIterable {
  /// The first access to the element.
  case compulsory
  /// A neighbouring tile already read the element: windows overlap.
  case halo
  /// Another tile of output channels, another spatial tile or another pass of the same block reads it again.
  case reread = "re-read"
  /// It is read again only because a fused intermediate is computed more than once.
  case recompute
}

/// Bytes accessed per operand and cause, before any cache: the paper's GMA.
public struct GlobalAccesses: Hashable, Sendable {
  public private(set) var bytes: [Operand: [AccessCause: Bytes]]

  public init() { bytes = [:] }

  public subscript(_ operand: Operand, _ cause: AccessCause) -> Bytes {
    get { bytes[operand]?[cause] ?? .zero }
    set { if newValue != self[operand, cause] { bytes[operand, default: [:]][cause] = newValue } }
  }

  /// The bytes of one tensor, whatever the cause.
  public func total(of operand: Operand) -> Bytes {
    (bytes[operand] ?? [:]).values.reduce(.zero, +)
  }
  /// The bytes of one cause, over all tensors.
  public func total(of cause: AccessCause) -> Bytes {
    bytes.values.reduce(.zero) { $0 + ($1[cause] ?? .zero) }
  }
  public var total: Bytes { bytes.keys.reduce(.zero) { $0 + total(of: $1) } }
  public var operands: [Operand] { bytes.keys.sorted() }

  /// What the paper counts: feature maps and weights, without biases and requantization multipliers.
  public var paperTotal: Bytes {
    bytes.keys.reduce(.zero) { sum, operand in
      switch operand {
      case .bias, .multipliers: sum
      default: sum + total(of: operand)
      }
    }
  }

  public static func + (a: Self, b: Self) -> Self {
    var sum = a
    for operand in b.operands {
      for cause in AccessCause.allCases { sum[operand, cause] = a[operand, cause] + b[operand, cause] }
    }
    return sum
  }
}
