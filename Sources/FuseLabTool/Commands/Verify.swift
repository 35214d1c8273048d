import ArgumentParser
import Foundation
import Fusion
import KernelEmulator
import KernelSources
import ModelFiles
import Scheduling
import Verification
import Workload

struct Verify: FuseLabCommand {
  static let verb = "verify"
  static let configuration = CommandConfiguration(
    abstract: "Execute every layer and fused kernel and compare it with the reference, byte by byte.",
    discussion: CommandHelp.discussion(
      [
        ("fuselab verify mobilenet_v2", "FP32, the plan for the default GPU"),
        ("fuselab verify mobilenet_v1 --dtype int8 --requant tflite", "INT8 as TensorFlow Lite rounds it"),
        (
          "fuselab verify mobilenet_v1 --layers dw2-pw2 --kernel my.cu",
          "your own CUDA kernel: values, races, bounds, traffic"
        ),
      ], exits: [.checkFailed, .invalid, .unsupported, .limit]))

  @OptionGroup var request: PlanRequest
  @OptionGroup var layers: LayersOption
  @OptionGroup var execution: EngineOption
  @OptionGroup var ownKernel: KernelOptions
  @OptionGroup(title: "Global options") var global: GlobalOptions

  func report(_ session: inout Session) throws -> Report {
    let plan = try session.plan(request)
    let range = try layers.range(in: plan.network)
    let preset = try request.precision.reductionPreset()
    let engine = try execution.chosen()
    if engine == .emulator, preset != .chain, plan.precision == .fp32 {
      throw CommandFailure.usage(
        "the kernels add in the plain order alone", remedy: "drop --fp32-order or --engine emulator")
    }
    if ownKernel.kernel != nil, execution.engine == ExecutionEngine.schedule.rawValue {
      throw CommandFailure.usage(
        "a kernel of your own has no schedule to execute", remedy: "drop --engine or --kernel")
    }
    if let path = ownKernel.kernel { return try trial(of: path, range, plan, preset, session) }
    let outcome = try session.verify(plan, layers: range, preset: preset, engine: engine)
    return Report(
      data: VerificationListing.json(outcome, plan),
      text: VerificationListing.text(outcome, plan, session.style),
      exit: outcome.passes ? .success : .checkFailed)
  }
}

extension Verify {
  /// Runs the kernel at `path` for the layers of `range`, by the best schedule of their chain.
  private func trial(
    of path: String, _ range: ClosedRange<Int>?, _ plan: FusionPlan, _ preset: ReductionPreset,
    _ session: Session
  ) throws -> Report {
    guard let range else {
      throw CommandFailure.usage(
        "--kernel needs --layers", remedy: "name the layers that it computes, e.g. --layers 4-5")
    }
    let text = try session.unrecordedText(at: path)
    let schedule = try session.schedule(of: range, plan)
    let values = try session.values(of: plan, preset: preset)
    let file = URL(fileURLWithPath: path).lastPathComponent
    let isPlain = file.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || "._-".contains($0)) }
    let isTaken = (KernelText.headers + KernelText.emulator).contains { $0.name == file }
    let trial = try KernelTrial(
      of: text, file: isPlain && !isTaken ? file : "kernel.cu", schedule: schedule, layers: range,
      values: values,
      gpu: plan.gpu, launch: try ownKernel.launch(schedule), compiler: KernelCompiler(),
      threads: session.settings.threads)
    return KernelTrialListing(trial: trial, file: file).report(session.style)
  }
}

/// What a verification found.
struct VerificationOutcome {
  let layers: [LayerCheck]
  let groups: [KernelCheck]

  var kernels: [KernelCheck] { layers.map(\.kernel) + groups }
  var bytesCompared: Int { kernels.reduce(0) { $0 + $1.bytesCompared } }
  var passes: Bool { failures.isEmpty && poorlySpread.isEmpty }
  /// Kernels that differ or could not be executed; opaque layers are none.
  var failures: [KernelCheck] {
    kernels.filter {
      switch $0.verdict {
      case .equal, .notExecuted: false
      case .different, .failed: true
      }
    }
  }
  var poorlySpread: [LayerCheck] { layers.filter { $0.spread?.passes == false } }
}

extension Session {
  /// Executes the layers of `range`, and the fused kernels all of whose layers are in it.
  func verify(
    _ plan: FusionPlan, layers range: ClosedRange<Int>?, preset: ReductionPreset,
    engine: ExecutionEngine = .schedule
  ) throws -> VerificationOutcome {
    let values = try values(of: plan, preset: preset)
    return try run(NetworkVerification(values, plan: plan, engine: engine), layers: range)
  }

  func run(
    _ verification: NetworkVerification, layers range: ClosedRange<Int>?
  ) throws -> VerificationOutcome {
    let plan = verification.plan
    let chosen = range.map(Array.init) ?? Array(plan.network.layers.indices)
    let groups = plan.fusedGroups.filter { $0.layers.allSatisfy(chosen.contains) }
    let progress = Progress("kernels", total: chosen.count + groups.count, settings: settings)
    defer { progress.finish() }
    let checks = try chosen.map { layer in
      defer { progress.advance() }
      return try verification.check(layer: layer, threads: settings.threads)
    }
    let fused = groups.map { group in
      defer { progress.advance() }
      return verification.check(group, threads: settings.threads)
    }
    return VerificationOutcome(layers: checks, groups: fused)
  }

  /// The network's constants and what the reference makes of them.
  /// - Throws: `limit-memory` where they take too much.
  func values(of plan: FusionPlan, preset: ReductionPreset) throws -> NetworkValues {
    let network = plan.network
    // Reference values in FP32, and once more in INT8 or while a kernel runs; weights likewise.
    let elements =
      network.layers.reduce(0) { $0 + $1.outputMap.elements + $1.parameterCount }
      + network.inputs.reduce(0) { $0 + $1.elements }
    guard elements <= settings.maxMemory / 8 else {
      throw CommandFailure(
        "limit-memory",
        "the values of '\(network.name)' take about \(grouped(elements * 8 >> 20)) MiB, "
          + "more than \(grouped(settings.maxMemory >> 20)) MiB",
        exit: .limit, remedy: "raise --max-memory, lower --batch, or use a smaller input")
    }
    return try NetworkValues(
      network, precision: plan.precision, preset: preset, seed: settings.seed, threads: settings.threads)
  }
}
