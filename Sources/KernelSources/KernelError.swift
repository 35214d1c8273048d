import Hardware

/// A schedule that the kernel has no room for.
public enum KernelError: Error, Hashable, Sendable {
  case tooManyStages(found: Int, limit: Int)
  case tooManySums(stage: String, found: Int, limit: Int)
  case tensorTooLarge(Operand, elements: Int)
  case tooManyBlocks(found: Int, limit: Int)
  case operandsDoNotFit(layer: String)
  /// The kernel adds in the plain chain's order alone.
  case orderNotPlain(layer: String)

  public var code: String {
    switch self {
    case .tooManyStages: "kernel-stages"
    case .tooManySums: "kernel-registers"
    case .tensorTooLarge: "kernel-tensor-size"
    case .tooManyBlocks: "kernel-blocks"
    case .operandsDoNotFit: "kernel-operands"
    case .orderNotPlain: "kernel-order"
    }
  }
}

extension KernelError: CustomStringConvertible {
  public var description: String {
    switch self {
    case .tooManyStages(let found, let limit):
      "A chain of \(found) layers is longer than the kernel's \(limit). Fuse fewer layers."
    case .tooManySums(let stage, let found, let limit):
      "'\(stage)' needs \(found) accumulators a thread, the kernel has \(limit). Take smaller tiles or more threads."
    case .tensorTooLarge(let operand, let elements):
      "\(operand) has \(elements) elements, more than the kernel's 2147483647. Lower the batch."
    case .tooManyBlocks(let found, let limit):
      "The schedule has \(found) blocks, more than a launch's \(limit). Take larger tiles."
    case .operandsDoNotFit(let layer):
      "The constants or inputs of '\(layer)' do not fit its shape or number format."
    case .orderNotPlain(let layer):
      "The kernel adds the products of '\(layer)' in the plain order alone. Use --fp32-order chain."
    }
  }
}
