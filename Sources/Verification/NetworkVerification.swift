import Fusion
import KernelEmulator
import KernelSources
import Reference
import ScheduleExecution
import Scheduling
import Workload

/// A network with values: its constants, its inputs, and what the reference makes of them.
public struct NetworkValues: Sendable {
  public let network: Network
  public let precision: Precision
  public let preset: ReductionPreset
  public let parameters: [LayerParameters]
  public let run: NetworkEvaluation

  /// Draws constants and inputs from `seed`; INT8 constants come from calibrating each layer on the FP32 run.
  /// - Throws: `ReferenceError` from the first layer that has no value.
  public init(
    _ network: Network, precision: Precision, preset: ReductionPreset = .chain, seed: UInt64 = 0,
    threads: Int = 1
  ) throws(ReferenceError) {
    let inputs = SyntheticParameters.inputs(of: network, seed: seed)
    let constants = SyntheticParameters.fp32(for: network, seed: seed)
    let run = try NetworkEvaluation(
      network, parameters: constants, inputs: inputs, preset: preset, seed: seed, threads: threads)
    self.network = network
    self.precision = precision
    self.preset = preset
    guard case .int8(let mode) = precision else {
      parameters = constants
      self.run = run
      return
    }
    let calibration = Calibration(network, parameters: constants, run: run, mode: mode)
    parameters = calibration.parameters
    self.run = try NetworkEvaluation(
      network, parameters: parameters, inputs: calibration.quantize(inputs), seed: seed, threads: threads)
  }
}

/// Where an executed schedule and the reference part.
public struct Difference: Hashable, Sendable {
  public let image, channel, row, column: Int
  public let expected, found: String
}

/// What came of executing one kernel.
public enum KernelVerdict: Hashable, Sendable {
  case equal
  case different(Difference)
  case failed(String)
  /// There is no schedule to execute; why.
  case notExecuted(String)
}

/// One kernel executed by its own schedule and compared with the reference byte by byte.
public struct KernelCheck: Hashable, Sendable {
  public let layers: [Int]
  public let schedule: Schedule?
  public let bytesCompared: Int
  public let verdict: KernelVerdict
}

/// One layer: its kernel, and whether its values are spread enough for a comparison to mean something.
public struct LayerCheck: Sendable {
  public let layer: Int
  public let kernel: KernelCheck
  /// INT8 only.
  public let spread: ValueSpread?
}

/// What executes a schedule.
public enum ExecutionEngine: String, Hashable, Sendable, CaseIterable {
  /// The schedule's steps, on staged data.
  case schedule
  /// The CUDA source, thread by thread on the CPU, its accesses checked.
  case emulator
}

/// Why a kernel gave no output to compare.
public struct KernelFailure: Error, Hashable, Sendable {
  public let reason: String

  public init(reason: String) { self.reason = reason }
}

/// Executes every layer and every fused group of a plan by its own schedule.
public struct NetworkVerification {
  /// Runs a schedule for the layers of those indices, on inputs, with at most so many threads.
  public typealias Execution =
    (_ schedule: Schedule, _ layers: [Int], _ inputs: [TensorValues], _ threads: Int)
    -> Result<TensorValues, KernelFailure>

  public let values: NetworkValues
  public let plan: FusionPlan
  private let execute: Execution

  public init(_ values: NetworkValues, plan: FusionPlan, execute: @escaping Execution) {
    self.values = values
    self.plan = plan
    self.execute = execute
  }

  public init(_ values: NetworkValues, plan: FusionPlan, engine: ExecutionEngine = .schedule) {
    self.init(values, plan: plan, execute: engine.execution(of: values))
  }

  /// Checks layer `index` alone, reading the reference's own inputs.
  /// - Throws: `ReferenceError` where the value statistics cannot be computed.
  public func check(layer index: Int, threads: Int) throws(ReferenceError) -> LayerCheck {
    let layer = values.network.layers[index]
    let kernel = check([index], plan.unfused[index]?.schedule, threads: threads)
    guard case .int8(let parameters) = values.parameters[index], !layer.isOpaque,
      case .int8(let output) = values.run.outputs[index]
    else { return LayerCheck(layer: index, kernel: kernel, spread: nil) }
    let spread = try ValueSpread(
      of: layer, parameters: parameters, inputs: values.run.operands(of: layer), output: output,
      threads: threads)
    return LayerCheck(layer: index, kernel: kernel, spread: spread)
  }

  /// Checks one group of the plan.
  public func check(_ group: FusionGroup, threads: Int) -> KernelCheck {
    check(group.layers, group.candidate?.schedule, threads: threads)
  }

  private func check(_ layers: [Int], _ schedule: Schedule?, threads: Int) -> KernelCheck {
    let network = values.network
    func result(_ verdict: KernelVerdict, bytes: Int = 0) -> KernelCheck {
      KernelCheck(layers: layers, schedule: schedule, bytesCompared: bytes, verdict: verdict)
    }
    guard let schedule else {
      let isOpaque = layers.contains { network.layers[$0].isOpaque }
      return result(isOpaque ? .notExecuted("opaque operator") : .failed("no tile is legal on the GPU"))
    }
    let last = layers[layers.count - 1]
    let expected = values.run.outputs[last]
    let inputs = values.run.operands(ofRun: layers, in: network)
    let found: TensorValues
    switch execute(schedule, layers, inputs, threads) {
    case .success(let output): found = output
    case .failure(let failure): return result(.failed(failure.reason))
    }
    let bytes = expected.count * expected.elementType.bytes
    guard let index = expected.firstDifference(from: found) else { return result(.equal, bytes: bytes) }
    return result(
      .different(Difference(at: index, in: network.layers[last].outputMap, expected, found)), bytes: bytes)
  }
}

extension ExecutionEngine {
  fileprivate func execution(of values: NetworkValues) -> NetworkVerification.Execution {
    { schedule, layers, inputs, threads in
      let parameters = layers.map { values.parameters[$0] }
      let orders = layers.map { values.preset.order(for: values.network.layers[$0]) }
      switch self {
      case .schedule:
        return Result { () throws(ExecutionError) in
          try ScheduleExecutor(schedule, parameters: parameters, orders: orders).output(
            of: inputs, threads: threads)
        }.mapError { KernelFailure(reason: $0.description) }
      case .emulator:
        return Result { () throws(KernelError) in
          if let index = orders.firstIndex(where: { $0 != .chain }), schedule.chain.elementType == .fp32 {
            throw .orderNotPlain(layer: schedule.chain.stages[index].name)
          }
          return try EmulatedKernel(schedule, parameters: parameters).run(
            on: inputs, mode: .check, threads: threads)
        }.mapError { KernelFailure(reason: $0.description) }.flatMap { report in
          guard let first = report.findings.first else { return .success(report.output) }
          let others = report.findingCount > 1 ? " and \(report.findingCount - 1) more" : ""
          return .failure(KernelFailure(reason: "\(first)\(others)"))
        }
      }
    }
  }
}

extension Difference {
  init(at index: Int, in map: FeatureMap, _ expected: TensorValues, _ found: TensorValues) {
    column = index % map.columns
    row = index / map.columns % map.rows
    channel = index / map.plane % map.channels
    image = index / map.plane / map.channels
    self.expected = expected.text(at: index)
    self.found = found.text(at: index)
  }
}

extension TensorValues {
  fileprivate func text(at index: Int) -> String {
    switch self {
    case .fp32(let values): index < values.count ? "\(values[index])" : "nothing"
    case .int8(let values): index < values.count ? "\(values[index])" : "nothing"
    }
  }
}
