import ArgumentParser
import ConcurrentMap
import Foundation
import Fusion
import MemorySimulation
import Rendering
import Workload

struct Demo: FuseLabCommand {
  static let verb = "demo"
  static let configuration = CommandConfiguration(
    abstract: "Verify, simulate, plan and draw MobileNetV2: the main job in one go.",
    discussion: CommandHelp.discussion(
      [
        ("fuselab demo", "FP32 and INT8 on the default GPU, the drawing in fuselab-demo/"),
        ("fuselab demo --gpu agx_orin", "another GPU"),
        ("fuselab demo --output-dir out --json", "elsewhere, and the figures for programs"),
      ], exits: [.checkFailed, .invalid, .limit]))

  @OptionGroup var gpu: GPUOption
  @Option(help: ArgumentHelp("Folder for the drawing.", valueName: "folder"))
  var outputDir = "fuselab-demo"
  @OptionGroup(title: "Global options") var global: GlobalOptions

  private static let model = "mobilenet_v2"

  func report(_ session: inout Session) throws -> Report {
    try FolderMaking.make(outputDir)
    var steps: [JSONValue] = []
    var passes = true
    for precision in [Precision.fp32, .int8(.onnx)] {
      let step = try run(precision, &session)
      steps.append(step.json)
      passes = passes && step.passes
    }
    return Report(
      data: ["model": .string(Self.model), "steps": .array(steps), "passes": .bool(passes)], text: "",
      exit: passes ? .success : .checkFailed)
  }

  private func run(_ precision: Precision, _ session: inout Session) throws -> (json: JSONValue, passes: Bool)
  {
    let network = try session.network(ModelArgument.parse([Self.model]))
    let hardware = try session.gpu(gpu)
    let type = precision.elementType.rawValue
    func tell(_ text: String) throws { if !session.settings.json { try StandardStream.print(text + "\n") } }
    try tell(session.style.bold("\(Self.model) on \(hardware.name), \(type)"))

    let plan = FusionPlanner(gpu: hardware, precision: precision).plan(
      network, threads: session.settings.threads)
    let saved = PlanListing.saved(plan.total.gma, of: plan.unfusedTotal.gma)
    try tell(
      "  plan:     \(plan.fusedGroups.count) fused kernels; global memory accesses "
        + "\(grouped(plan.unfusedTotal.gma.count)) B unfused, \(grouped(plan.total.gma.count)) B fused "
        + "(\(saved) less)" + (plan.gap == .zero ? ", no other partition costs less" : ""))

    let outcome = try session.verify(plan, layers: nil, preset: .chain)
    try tell(
      "  verify:   " + (outcome.passes ? session.style.green("equal") : session.style.red("DIFFERENT"))
        + ", \(grouped(outcome.bytesCompared)) bytes of every layer and fused kernel against the reference")

    let fused = replay(plan.groups.compactMap(\.candidate), on: plan, session)
    let unfused = replay(plan.unfused.compactMap(\.self), on: plan, session)
    try tell(
      "  simulate: DRAM traffic \(grouped(unfused)) B unfused, \(grouped(fused)) B fused "
        + "(\(percentage(unfused - fused, of: unfused)) less), from L1 to DRAM sector by sector")

    let path = outputDir + "/\(Self.model)-\(hardware.id)-\(type).svg"
    // The folder is the demo's own: an earlier drawing is replaced.
    try OutputFile.write(Array(try FusionGraph(plan).svg().utf8), to: path, force: true)
    try tell("  draw:     \(path)")
    return (
      [
        "element_type": .string(type), "plan": PlanListing.json(plan),
        "verification": VerificationListing.json(outcome, plan), "dram_bytes": .integer(fused),
        "unfused_dram_bytes": .integer(unfused),
      ], outcome.passes
    )
  }

  /// DRAM bytes of the kernels, each from a cold L2.
  private func replay(_ candidates: [TileCandidate], on plan: FusionPlan, _ session: Session) -> Int {
    let gpu = plan.gpu
    return concurrentMap(count: candidates.count, threads: session.settings.threads) { index in
      let total = KernelReplay(candidates[index].schedule, on: gpu).run().total
      return (total.dramReads + total.dramWrites).count * 32
    }.reduce(0, +)
  }
}

/// Makes a folder where there is none.
enum FolderMaking {
  static func make(_ path: String) throws(CommandFailure) {
    if mkdir(path, 0o777) == 0 { return }
    let error = errno
    var status = stat()
    if error == EEXIST, stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR { return }
    throw OutputFile.failure(error == EEXIST ? ENOTDIR : error, path: path)
  }
}
