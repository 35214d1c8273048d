import ArgumentParser
import Fusion
import KernelEmulator
import ModelFiles
import Scheduling
import Verification
import Workload

struct Bench: FuseLabCommand {
  static let verb = "bench"
  static let configuration = CommandConfiguration(
    abstract: "Time the emulator on this machine, a plan's CUDA kernels on one processor, or the simulator.",
    discussion: CommandHelp.discussion(
      [
        ("fuselab bench mobilenet_v1 --layers 5-6", "one fused kernel"),
        ("fuselab bench mobilenet_v2 --simulator", "the simulator: caches on traces, and the plan's replay"),
        ("fuselab bench mobilenet_v1 --dtype int8 --runs 9 --json", "every run's time, for programs"),
      ], exits: [.checkFailed, .invalid, .unsupported, .limit]))

  @OptionGroup var request: PlanRequest
  @OptionGroup var layers: LayersOption
  @Option(help: ArgumentHelp("Runs of each kernel in each mode (default 3).", valueName: "n"))
  var runs = 3
  @Flag(help: "Time the simulator: its caches on traces, and the replay of the plan's kernels.")
  var simulator = false
  @OptionGroup(title: "Global options") var global: GlobalOptions

  func report(_ session: inout Session) throws -> Report {
    guard (1...1000).contains(runs) else {
      throw CommandFailure.usage("--runs \(runs)", remedy: "give 1 to 1000")
    }
    if simulator {
      let plan = try session.plan(request)
      let range = try layers.range(in: plan.network)
      let kernels =
        try range.map { [try session.candidate(of: $0, plan)] } ?? plan.groups.compactMap(\.candidate)
      try Simulate.checkLength(kernels, times: runs)
      let timing = SimulatorTiming(plan, kernels: kernels, runs: runs)
      return Report(data: timing.json, text: timing.text(session.style))
    }
    guard EmulatedKernel.isSupported else {
      throw CommandFailure(
        "emulator-unsupported", "this processor has no AVX2 and FMA, which the emulated kernels need",
        exit: .unsupported)
    }
    let plan = try session.plan(request)
    var candidates = plan.groups.compactMap { group in group.candidate.map { (group.layers, $0.schedule) } }
    if let range = try layers.range(in: plan.network) {
      candidates = [(Array(range), try session.schedule(of: range, plan))]
    }
    let values = try session.values(of: plan, preset: .chain)
    let progress = Progress("kernels", total: candidates.count, settings: session.settings)
    defer { progress.finish() }
    let rows = try candidates.map { layers, schedule in
      defer { progress.advance() }
      return try EmulatorTiming(layers, schedule, values, runs: runs)
    }
    let listing = EmulatorTimingListing(rows: rows, plan: plan, runs: runs)
    return Report(
      data: listing.json, text: listing.text(session.style),
      exit: rows.allSatisfy(\.isEqual) ? .success : .checkFailed)
  }
}

/// How long the emulator takes over one kernel on one thread.
struct EmulatorTiming {
  let layers: [Int]
  let schedule: Schedule
  let multiplyAccumulates: Int
  /// Whether the output equals the reference; nothing is timed before.
  let isEqual: Bool
  /// In the order of the runs, in turns through the modes.
  private(set) var seconds: [EmulatedKernel.Mode: [Double]] = [:]

  init(_ layers: [Int], _ schedule: Schedule, _ values: NetworkValues, runs: Int) throws {
    self.layers = layers
    self.schedule = schedule
    multiplyAccumulates = schedule.chain.stages.reduce(0) { $0 + $1.multiplyAccumulates }
    let inputs = values.run.operands(ofRun: layers, in: values.network)
    let kernel = try EmulatedKernel(schedule, parameters: layers.map { values.parameters[$0] })
    let checked = try kernel.run(on: inputs, mode: .check)
    let expected = values.run.outputs[layers[layers.count - 1]]
    isEqual = checked.findings.isEmpty && expected.firstDifference(from: checked.output) == nil
    guard isEqual else { return }
    let clock = ContinuousClock()
    for _ in 0..<runs {
      for mode in EmulatedKernel.Mode.allCases {
        let took = try clock.measure { _ = try kernel.run(on: inputs, mode: mode) }
        seconds[mode, default: []].append(took / .seconds(1))
      }
    }
  }

  func median(_ mode: EmulatedKernel.Mode) -> Double? {
    guard let sorted = seconds[mode]?.sorted(), !sorted.isEmpty else { return nil }
    let middle = sorted.count / 2
    return sorted.count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
  }
}

struct EmulatorTimingListing {
  let rows: [EmulatorTiming]
  let plan: FusionPlan
  let runs: Int

  private static let modes = EmulatedKernel.Mode.allCases

  /// Millions of multiply-accumulates a second, over kernels that have any.
  private func rate(_ rows: [EmulatorTiming], _ mode: EmulatedKernel.Mode) -> Double? {
    let timed = rows.filter { $0.isEqual && $0.multiplyAccumulates > 0 }
    let seconds = timed.compactMap { $0.median(mode) }.reduce(0, +)
    guard seconds > 0 else { return nil }
    return Double(timed.reduce(0) { $0 + $1.multiplyAccumulates }) / seconds / 1e6
  }

  func text(_ style: TerminalStyle) -> String {
    var table = TextTable(
      [.text("kernel", shrinksTo: nil), .text("layers"), .number("MMAC")]
        + Self.modes.map { .number("\($0)") })
    func cells(_ rows: [EmulatorTiming]) -> [String] {
      Self.modes.map { mode in rate(rows, mode).map { fixed($0, decimals: 0) } ?? "-" }
    }
    for row in rows {
      let names = row.layers.map { sanitised(plan.network.layers[$0].name, limit: 48) }
      table.add(
        [row.schedule.kind.description, names.joined(separator: " + ")]
          + [fixed(Double(row.multiplyAccumulates) / 1e6, decimals: 1)] + cells([row]))
    }
    if rows.count > 1 {
      let all = rows.reduce(0) { $0 + $1.multiplyAccumulates }
      table.add(["all", "", fixed(Double(all) / 1e6, decimals: 1)] + cells(rows))
    }
    let wrong = rows.filter { !$0.isEqual }.map { row in
      let names = row.layers.map { sanitised(plan.network.layers[$0].name, limit: 48) }
      return "\(style.red("not timed")): \(names.joined(separator: " + ")) differs from the reference\n"
    }
    return table.text(style)
      + "MMAC/s on one thread, medians of \(runs) runs; portable: raw, switched by ucontext\n"
      + wrong.joined()
  }

  var json: JSONValue {
    [
      "network": .string(plan.network.name), "gpu": .string(plan.gpu.id),
      "element_type": .string(plan.precision.elementType.rawValue), "runs": .integer(runs), "threads": 1,
      "kernels": .array(
        rows.map { row in
          let seconds = Self.modes.map {
            ($0.rawValue, JSONValue.array((row.seconds[$0] ?? []).map { .number($0) }))
          }
          return [
            "kind": .string(row.schedule.kind.description),
            "layers": JSONValue(row.layers.map { plan.network.layers[$0].name }), "equal": .bool(row.isEqual),
            "multiply_accumulates": .integer(row.multiplyAccumulates),
            "seconds": .object(Dictionary(uniqueKeysWithValues: seconds)),
          ]
        }),
    ]
  }
}
