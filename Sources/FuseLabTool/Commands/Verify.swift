import ArgumentParser
import Fusion
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
        ("fuselab verify mobilenet_v1 --engine emulator", "run the CUDA source itself, its accesses checked"),
      ], exits: [.checkFailed, .invalid, .unsupported, .limit]))

  @OptionGroup var request: PlanRequest
  @OptionGroup var layers: LayersOption
  @Option(
    help: ArgumentHelp(
      "What executes the kernels: schedule (default), their steps; or emulator, their CUDA source on the CPU.",
      valueName: "engine"))
  var engine: ExecutionEngine = .schedule
  @OptionGroup(title: "Global options") var global: GlobalOptions

  func report(_ session: inout Session) throws -> Report {
    let plan = try session.plan(request)
    let range = try layers.range(in: plan.network)
    let preset = try request.precision.reductionPreset()
    if engine == .emulator, preset != .chain, plan.precision == .fp32 {
      throw CommandFailure.usage(
        "the kernels add in the plain order alone", remedy: "drop --fp32-order or --engine emulator")
    }
    let outcome = try session.verify(plan, layers: range, preset: preset, engine: engine)
    return Report(
      data: VerificationListing.json(outcome, plan),
      text: VerificationListing.text(outcome, plan, session.style),
      exit: outcome.passes ? .success : .checkFailed)
  }
}

extension ExecutionEngine: ExpressibleByArgument {}

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
  /// The most memory that a verification may take for values, in bytes.
  static let memoryLimit = 8 << 30

  /// Executes the layers of `range`, and the fused kernels all of whose layers are in it.
  func verify(
    _ plan: FusionPlan, layers range: ClosedRange<Int>?, preset: ReductionPreset,
    engine: ExecutionEngine = .schedule
  ) throws -> VerificationOutcome {
    let network = plan.network
    // Reference values in FP32, and once more in INT8 or while a kernel runs; weights likewise.
    let elements =
      network.layers.reduce(0) { $0 + $1.outputMap.elements + $1.parameterCount }
      + network.inputs.reduce(0) { $0 + $1.elements }
    guard elements <= Self.memoryLimit / 8 else {
      throw CommandFailure(
        "limit-memory",
        "the values of '\(network.name)' take about \(grouped(elements * 8 >> 20)) MiB, "
          + "more than \(grouped(Self.memoryLimit >> 20)) MiB",
        exit: .limit, remedy: "lower --batch, or use a smaller input")
    }
    let values = try NetworkValues(
      network, precision: plan.precision, preset: preset, seed: settings.seed, threads: settings.threads)
    let verification = NetworkVerification(values, plan: plan, engine: engine)
    let chosen = range.map(Array.init) ?? Array(network.layers.indices)
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
}
