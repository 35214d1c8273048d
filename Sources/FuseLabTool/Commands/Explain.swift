import ArgumentParser
import CostModel
import Fusion
import Hardware
import MemorySimulation
import ModelFiles
import Rendering
import Scheduling
import Workload

struct Explain: FuseLabCommand {
  static let verb = "explain"
  static let configuration = CommandConfiguration(
    abstract: "Show a kernel's loop nest, its bytes by cause, and the formula with numbers put in.",
    discussion: CommandHelp.discussion(
      [
        ("fuselab explain mobilenet_v2 --layers 4-5", "the kernel of two layers fused, and why or why not"),
        (
          "fuselab explain mobilenet_v2 --layers 4-5 --kernel",
          "the launch, buffers and constants of its CUDA kernel"
        ),
        (
          "fuselab explain mobilenet_v2 --layers 4-5 --chart memory.svg",
          "what moves between the levels of the memory, unfused beside fused"
        ),
      ], exits: [.invalid, .unsupported, .limit]))

  @OptionGroup var request: PlanRequest
  @OptionGroup var layers: LayersOption
  @Flag(help: "Show how the kernel is launched, its buffers in shared memory and its constants.")
  var kernel = false
  @Option(
    help: ArgumentHelp("Draw the memory chart, unfused beside fused: an .svg, or - .", valueName: "file"))
  var chart: String?
  @OptionGroup(title: "Global options") var global: GlobalOptions

  func report(_ session: inout Session) throws -> Report {
    let plan = try session.plan(request)
    let network = plan.network
    guard let range = try layers.range(in: network) else {
      throw CommandFailure.usage("--layers is missing", remedy: "name a layer or a pair, e.g. --layers 4-5")
    }
    let candidate = try session.candidate(of: range, plan)
    let verdicts = plan.decisions.filter { range.contains($0.first) && range.contains($0.second) }
    if kernel { return try LaunchListing(candidate.schedule, on: plan.gpu).report(session.style) }
    try Simulate.checkLength([candidate])
    let traffic = KernelReplay(candidate.schedule, on: plan.gpu).run()
    if let chart, chart != "-", !chart.hasSuffix(".svg") {
      throw CommandFailure.usage(
        "--chart \(chart) does not end in .svg", remedy: "the chart is SVG, or - for text")
    }
    if let chart { try session.write(memoryChart(of: range, traffic, plan).svg, to: chart) }
    if chart == "-" { return Report(data: [:], text: "") }
    let explanation = KernelExplanation(
      candidate: candidate, traffic: traffic, plan: plan, decisions: verdicts)
    return Report(data: explanation.json, text: explanation.text(session.style))
  }
}

extension Explain {
  private func memoryChart(
    of range: ClosedRange<Int>, _ traffic: KernelTraffic, _ plan: FusionPlan
  ) throws -> MemoryChart {
    let names = range.map { plan.network.layers[$0].name }.joined(separator: " + ")
    let title = "\(names) on \(plan.gpu.name), \(plan.precision.elementType)"
    guard range.count > 1 else { return MemoryChart(title, panels: [.init(names, [traffic])]) }
    let alone = plan.unfused[range].compactMap(\.self)
    try Simulate.checkLength(alone)
    let unfused = alone.map { KernelReplay($0.schedule, on: plan.gpu).run() }
    return MemoryChart(title, panels: [.init("unfused", unfused), .init("fused", [traffic])])
  }
}

extension Session {
  /// The layers of `range` as one kernel.
  /// - Throws: `chain-invalid` where they do not follow one another, or one reads an inner map of the kernel.
  func chain(of range: ClosedRange<Int>, _ plan: FusionPlan) throws -> Chain {
    let network = plan.network
    for index in range.dropFirst() where !network.layers[index].inputs.contains(.layer(index - 1)) {
      throw CommandFailure(
        "chain-invalid",
        "'\(network.layers[index].name)' does not read '\(network.layers[index - 1].name)'",
        remedy: "name layers that follow one another")
    }
    for case .layer(let inner) in network.inputs(ofRun: Array(range)) where range.contains(inner) {
      throw CommandFailure(
        "chain-invalid",
        "a later layer reads '\(network.layers[inner].name)' as well, whose output stays inside the kernel",
        remedy: "name fewer layers")
    }
    return try Chain(network.run(of: Array(range)), precision: plan.precision, axisOrder: plan.axisOrder)
  }

  /// The best kernel of the layers of `range`, fused.
  func candidate(of range: ClosedRange<Int>, _ plan: FusionPlan) throws -> TileCandidate {
    try plan.explorer.best(of: chain(of: range, plan))
  }

  func schedule(of range: ClosedRange<Int>, _ plan: FusionPlan) throws -> Schedule {
    try candidate(of: range, plan).schedule
  }
}

/// A kernel explained, as text and as JSON.
struct KernelExplanation {
  let candidate: TileCandidate
  let traffic: KernelTraffic
  let plan: FusionPlan
  let decisions: [PairDecision]

  func text(_ style: TerminalStyle) -> String {
    let schedule = candidate.schedule
    let footprint = schedule.footprint
    let occupancy = schedule.occupancy(on: plan.gpu)
    let limits = occupancy.limits.map(\.words).joined(separator: ", ")
    var lines = [
      style.bold("\(schedule.kind) on \(sanitised(plan.gpu.name)), \(plan.precision.elementType)"), "",
    ]
    lines += schedule.loopNest.map { sanitised($0) }
    lines += [
      "",
      "block: \(grouped(footprint.threads)) threads, \(grouped(footprint.sharedMemory.count)) B shared, about "
        + "\(footprint.registersPerThread) registers a thread",
      "blocks resident on a multiprocessor: \(occupancy.blocksPerMultiprocessor), limited by \(limits)",
      "",
    ]
    let decided = decisions.map { decision in
      let names = [decision.first, decision.second].map { sanitised(plan.network.layers[$0].name, limit: 48) }
      return "\(names[0]) + \(names[1]): \(sanitised(decision.verdict.text(by: plan.objective), limit: 320))"
    }
    let terms = AccessTerm.terms(of: schedule).map {
      "\($0.operand) = \($0.formula) = \(grouped($0.bytes.count)) B"
    }
    return lines.map { $0 + "\n" }.joined() + table(style) + "\n" + sectorTable(style) + "\n"
      + (terms + (decided.isEmpty ? [] : [""]) + decided).map { hanging($0, width: style.width) + "\n" }
      .joined() + "\n" + EstimateListing.text(estimate, on: plan.gpu, style)
  }

  /// Of the work that the replay counted, as `simulate` has it.
  private var estimate: KernelEstimate {
    KernelEstimate(KernelWork(traffic, of: candidate.schedule, on: plan.gpu), on: plan.gpu)
  }

  private func table(_ style: TerminalStyle) -> String {
    var table = TextTable(
      [.text("tensor", shrinksTo: nil)] + AccessCause.allCases.map { .number("\($0.rawValue) B") }
        + [.number("total B")])
    let accesses = candidate.accesses
    for operand in accesses.operands {
      table.add(
        [operand.description] + AccessCause.allCases.map { grouped(accesses[operand, $0].count) }
          + [grouped(accesses.total(of: operand).count)])
    }
    table.addRule()
    table.add(
      ["total"] + AccessCause.allCases.map { grouped(accesses.total(of: $0).count) }
        + [grouped(accesses.total.count)])
    return table.text(style)
  }

  /// Sectors of each tensor by cause on their way down and up; what no row says was a hit.
  private func sectorTable(_ style: TerminalStyle) -> String {
    var table = TextTable(
      [.text("sectors", shrinksTo: nil), .text("cause", shrinksTo: nil)]
        + ["requests", "to L2", "L2 misses", "from DRAM", "to DRAM"].map { .number($0) })
    for operand in traffic.operands.keys.sorted() {
      guard let books = traffic.operands[operand]?.causes else { continue }
      let ways = [
        books[.requests], books.l2Reads + books.l2Writes, books[.l2ReadMisses] + books[.l2WriteMisses],
        books[.dramReads], books[.dramWrites],
      ]
      for cause in SectorCause.allCases where ways.contains(where: { $0[cause] != 0 }) {
        table.add([operand.description, cause.name] + ways.map { grouped($0[cause]) })
      }
    }
    return table.text(style)
  }

  var json: JSONValue {
    let schedule = candidate.schedule
    return [
      "sectors_by_cause": TrafficListing.sectorsByCause(traffic),
      "kind": .string(schedule.kind.description),
      "layers": JSONValue(schedule.chain.stages.map(\.name)),
      "schedule": PlanListing.json(schedule), "loop_nest": JSONValue(schedule.loopNest),
      "accesses": PlanListing.json(candidate.accesses),
      "estimate": EstimateListing.json(estimate, on: plan.gpu),
      "formulas": .array(
        AccessTerm.terms(of: schedule).map {
          [
            "operand": .string($0.operand.description), "formula": .string($0.formula),
            "bytes": .integer($0.bytes.count),
          ]
        }),
      "decisions": .array(
        decisions.map {
          [
            "first": .string(plan.network.layers[$0.first].name),
            "second": .string(plan.network.layers[$0.second].name),
            "verdict": .string($0.verdict.code), "text": .string($0.verdict.text(by: plan.objective)),
          ]
        }),
    ]
  }
}

extension FusionPlan {
  /// What chose its tiles.
  var explorer: TileExplorer { TileExplorer(gpu: gpu, objective: objective, minBlocks: minBlocks) }
}
