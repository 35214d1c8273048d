import ArgumentParser
import Fusion
import Hardware
import MemorySimulation
import ModelFiles
import Scheduling
import Workload

extension L2BetweenKernels: ExpressibleByArgument {}

struct Simulate: FuseLabCommand {
  static let verb = "simulate"
  static let configuration = CommandConfiguration(
    abstract:
      "Replay every kernel through L1, L2 and DRAM and count what moves; with --layers, each kernel of the plan that has one of them.",
    discussion: CommandHelp.discussion(
      [
        ("fuselab simulate mobilenet_v2 --gpu gtx1660", "the planned kernels"),
        (
          "fuselab simulate mobilenet_v2 --sweep-unknowns",
          "how far undocumented parameters move the counters"
        ),
        (
          "fuselab simulate net.yaml --l2 warm --trace t.json --json",
          "every counter in one program, and a timeline"
        ),
      ], exits: [.invalid, .unsupported, .limit]))

  @OptionGroup var request: PlanRequest
  @OptionGroup var layers: LayersOption
  @Flag(help: "Replay each layer as a kernel of its own.")
  var unfused = false
  @Option(help: ArgumentHelp("The L2 between kernels: cold (default), warm or flushed.", valueName: "state"))
  var l2 = L2BetweenKernels.cold
  @Flag(help: "Try the range of each undocumented parameter: least, default and most of every counter.")
  var sweepUnknowns = false
  @Option(
    help: ArgumentHelp(
      "Write blocks over multiprocessors as Chrome trace events, for Perfetto; time in turns of the replay.",
      valueName: "t.json"))
  var trace: String?
  @Option(
    help: ArgumentHelp(
      "What plan --json or simulate --json wrote: its kernels are replayed, and nothing is planned.",
      valueName: "plan.json"))
  var plan: String?
  @OptionGroup var compiled: CodeOption
  @OptionGroup(title: "Global options") var global: GlobalOptions

  func report(_ session: inout Session) throws -> Report {
    if sweepUnknowns, compiled.code != nil {
      throw CommandFailure.usage("--sweep-unknowns takes registers as estimated", remedy: "drop --code")
    }
    if sweepUnknowns, trace != nil {
      throw CommandFailure.usage(
        "--trace is of one replay, and --sweep-unknowns makes many", remedy: "drop one of them")
    }
    if plan != nil, unfused {
      throw CommandFailure.usage(
        "--unfused plans each layer, and --plan has a file's kernels", remedy: "drop one of them")
    }
    let plan = try self.plan.map { try session.plan(request, given: $0) } ?? session.plan(request)
    let range = try layers.range(in: plan.network) ?? 0...plan.network.layers.count - 1
    let candidates: [(layers: [Int], candidate: TileCandidate)] =
      unfused
      ? plan.unfused.enumerated().compactMap { index, candidate in candidate.map { ([index], $0) } }
      : plan.groups.compactMap { group in group.candidate.map { (group.layers, $0) } }
    let chosen = candidates.filter { $0.layers.contains { range.contains($0) } }
    if sweepUnknowns { return try sweep(chosen.map(\.candidate), plan, session) }
    try Self.checkLength(chosen.map(\.candidate))
    let code = try compiled.file(&session)
    let kernels = try chosen.map { try kernel($0.layers, $0.candidate.schedule, of: plan, code) }
    let estimated = kernels.count { $0.facts.registers == nil }
    if let path = compiled.code, estimated > 0 {
      session.warn(
        "code-partial",
        "\(path) has no registers of \(estimated) of \(kernels.count) kernels; these are estimated")
    }
    let progress = Progress("kernels", total: chosen.count, settings: session.settings)
    let replay = NetworkReplay(kernels, on: plan.gpu)
    let traffic = replay.run(l2, threads: session.settings.threads, countsRounds: trace != nil) {
      progress.advance()
    }
    progress.finish()
    if let trace {
      let listing = try TraceListing(Array(zip(replay.kernels, traffic)), on: plan.gpu)
      if listing.isCut {
        session.warn(
          "trace-cut",
          "the trace has more than \(TraceListing.eventLimit.grouped) events; the rest is left out")
      }
      try session.write(listing.text, to: trace)
    }
    let listed = zip(kernels, traffic).map {
      TrafficListing.Kernel(schedule: $0.schedule, traffic: $1)
    }
    return Report(
      data: TrafficListing.json(listed, plan, l2),
      text: TrafficListing.text(listed, plan, l2, session.style))
  }

  /// - Throws: `code-registers` where the registers that the file names leave no room for a block, `code-places` where its blocks
  ///   are not the kernel's, or their multiprocessors not the GPU's.
  private func kernel(
    _ layers: [Int], _ schedule: Schedule, of plan: FusionPlan, _ code: CodeFile?
  ) throws(CommandFailure) -> NetworkReplay.Kernel {
    let names = layers.map { plan.network.layers[$0].name }
    let registers = code?.registers[names]
    let footprint = schedule.footprint.with(registers: registers)
    if Occupancy.residentBlocks(footprint, on: plan.gpu) == 0 {
      throw CommandFailure(
        "code-registers",
        "a block of \(footprint.threads) threads of \(footprint.registersPerThread) registers, as the file says of "
          + "'\(names.joined(separator: "', '"))', does not fit a multiprocessor of \(plan.gpu.name)",
        remedy: "compile the kernels of this plan for this GPU")
    }
    let takers = code?.multiprocessors[names]
    if let takers {
      let most = takers.max() ?? 0
      guard takers.count == schedule.blocks.count, most < plan.gpu.multiprocessors else {
        throw CommandFailure(
          "code-places",
          "the file has \(takers.count) blocks of '\(names.joined(separator: "', '"))' on multiprocessors up to "
            + "\(most); here are \(schedule.blocks.count), and \(plan.gpu.name) has \(plan.gpu.multiprocessors)",
          remedy: "name the GPU and the plan that were measured")
      }
    }
    return NetworkReplay.Kernel(
      layers: layers, inputs: plan.network.inputs(ofRun: layers), schedule: schedule,
      facts: LaunchFacts(registers: registers, multiprocessors: takers))
  }

  private func sweep(_ kernels: [TileCandidate], _ plan: FusionPlan, _ session: Session) throws -> Report {
    guard l2 == .cold else {
      throw CommandFailure.usage(
        "--sweep-unknowns starts every kernel cold", remedy: "drop --l2 \(l2.rawValue)")
    }
    let settings = UnknownSweep.count(on: plan.gpu)
    try Self.checkLength(kernels, times: settings)
    let progress = Progress("settings", total: settings, settings: session.settings)
    let sweep = UnknownSweep(
      kernels.map(\.schedule), on: plan.gpu, threads: session.settings.threads
    ) { progress.advance() }
    progress.finish()
    let listing = SweepListing(sweep: sweep, plan: plan, kernels: kernels.count)
    return Report(data: listing.json, text: listing.text(session.style))
  }

  /// The most bytes of accesses that are replayed: about an hour.
  static let accessLimit = Bytes(1 << 40)

  static func checkLength(_ kernels: [TileCandidate], times: Int = 1) throws(CommandFailure) {
    // Each kernel accesses at most 2⁴⁸ B, so the sum cannot overflow.
    let accesses = kernels.reduce(Bytes.zero) { $0 + $1.accesses.total } * times
    guard accesses > accessLimit else { return }
    throw CommandFailure(
      "limit-replay",
      "the kernels access \(accesses.grouped) B; at most \(accessLimit.grouped) B are replayed",
      exit: .limit, remedy: "name some of the layers with --layers, or lower --batch")
  }
}
