import Hardware
import Scheduling
import Workload

/// One run of a kernel with nothing of its schedule left: what a GPU needs, and no more.
public struct KernelJob: Sendable {
  /// The kernel's name in the compiled code.
  public let name: String
  public let source: String
  /// What the source includes.
  public let headers: [(name: String, text: String)]
  public let launch: KernelLaunch
  /// By the number of their pointer in `fcm::Operands`. The output and what the chain lacks have none.
  public let operands: [Int: [UInt8]]
  public let outputBytes: Int

  public init(
    name: String, source: String, headers: [(name: String, text: String)], launch: KernelLaunch,
    operands: [Int: [UInt8]], outputBytes: Int
  ) {
    self.name = name
    self.source = source
    self.headers = headers
    self.launch = launch
    self.operands = operands
    self.outputBytes = outputBytes
  }

  /// - Throws: `KernelError` where the kernel has no room for the schedule, or a tensor does not fit its layer.
  public init(
    _ schedule: Schedule, parameters: [LayerParameters], inputs: [TensorValues]
  ) throws(KernelError) {
    let program = try KernelProgram(schedule, parameters: parameters)
    let chain = schedule.chain
    var operands: [Int: [UInt8]] = [:]
    for (operand, bytes) in try OperandBytes.inputs(of: chain, parameters: parameters, inputs: inputs) {
      operands[Pointers.number(of: operand)] = bytes
    }
    operands[Pointers.tables] = program.constants.tables.withUnsafeBytes { Array($0) }
    self.init(
      name: program.name, source: program.source, headers: KernelText.headers, launch: program.launch,
      operands: operands, outputBytes: chain.elements(of: .ofm) * chain.elementBytes(of: .ofm))
  }

  /// The structure of pointers that a kernel takes: two inputs, then weights, biases, multipliers and residuals of each
  /// stage, the output, and the tables of its constants.
  public enum Pointers {
    public static let input = 0
    public static let output = 2 + 4 * KernelConstants.maximumStages
    public static let tables = output + 1
    public static let count = tables + 1

    /// The place of the operand's pointer among them.
    public static func number(of operand: Operand) -> Int {
      switch operand {
      case .ifm(let index): index
      case .weights(let stage): 2 + stage
      case .bias(let stage): 2 + KernelConstants.maximumStages + stage
      case .multipliers(let stage): 2 + 2 * KernelConstants.maximumStages + stage
      case .residual(let stage): 2 + 3 * KernelConstants.maximumStages + stage
      case .ofm: output
      }
    }
  }
}
