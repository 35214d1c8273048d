import Hardware
import KernelSources

/// A buffer in shared memory, by the numbers of `block.cuh`.
public enum BufferName: Hashable, Sendable {
  case operand(Operand, copy: Int)
  case intermediate(stage: Int)

  /// All of them, at their numbers.
  public static let all: [BufferName] = {
    var names: [BufferName] = []
    func add(_ operand: Operand) { names += [.operand(operand, copy: 0), .operand(operand, copy: 1)] }
    for input in 0..<2 { add(.ifm(input)) }
    for stage in 0..<KernelConstants.maximumStages {
      add(.weights(stage: stage))
      add(.bias(stage: stage))
      add(.multipliers(stage: stage))
      names.append(.intermediate(stage: stage))
    }
    return names
  }()

  /// Calls `body` with the names in C, which a report points to.
  static func withNames<R>(_ body: (UnsafeBufferPointer<UnsafePointer<CChar>?>) -> R) -> R {
    let names = all.map { CName.allocate($0.description) }
    defer { for name in names { name.deallocate() } }
    return names.map { Optional(UnsafePointer($0)) }.withUnsafeBufferPointer(body)
  }
}

extension BufferName: CustomStringConvertible {
  public var description: String {
    switch self {
    case .operand(let operand, let copy): copy == 0 ? "\(operand)'s buffer" : "\(operand)'s second buffer"
    case .intermediate(let stage): "buffer between stages \(stage + 1) and \(stage + 2)"
    }
  }
}
