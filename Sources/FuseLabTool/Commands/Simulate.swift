import ArgumentParser
import ConcurrentMap
import Fusion
import MemorySimulation
import Scheduling
import Workload

struct Simulate: FuseLabCommand {
  static let verb = "simulate"
  static let configuration = CommandConfiguration(
    abstract: "Replay every kernel through L1, L2 and DRAM and count what moves.",
    discussion: CommandHelp.discussion(
      [
        ("fuselab simulate mobilenet_v2 --gpu gtx1660", "the planned kernels"),
        ("fuselab simulate mobilenet_v2 --unfused", "one kernel a layer"),
        ("fuselab simulate net.yaml --dtype int8 --json", "every counter, with Nsight Compute's names"),
      ], exits: [.invalid, .unsupported, .limit]))

  @OptionGroup var request: PlanRequest
  @OptionGroup var layers: LayersOption
  @Flag(help: "Replay each layer as a kernel of its own.")
  var unfused = false
  @OptionGroup(title: "Global options") var global: GlobalOptions

  func report(_ session: inout Session) throws -> Report {
    let plan = try session.plan(request)
    let range = try layers.range(in: plan.network) ?? 0...plan.network.layers.count - 1
    let candidates = unfused ? plan.unfused.compactMap(\.self) : plan.groups.compactMap(\.candidate)
    let names = Set(plan.network.layers[range].map(\.name))
    let chosen = candidates.filter { $0.schedule.chain.stages.contains { names.contains($0.name) } }
    try checkLength(chosen)
    let progress = Progress("kernels", total: chosen.count, settings: session.settings)
    let gpu = plan.gpu
    let traffic = concurrentMap(count: chosen.count, threads: session.settings.threads) { index in
      defer { progress.advance() }
      return KernelReplay(chosen[index].schedule, on: gpu).run()
    }
    progress.finish()
    let kernels = zip(chosen, traffic).map { TrafficListing.Kernel(schedule: $0.schedule, traffic: $1) }
    return Report(
      data: TrafficListing.json(kernels, plan), text: TrafficListing.text(kernels, plan, session.style))
  }

  /// The most bytes of accesses that are replayed: about an hour.
  static let accessLimit = Bytes(1 << 40)

  private func checkLength(_ kernels: [TileCandidate]) throws(CommandFailure) {
    let accesses = kernels.reduce(Bytes.zero) { $0 + $1.accesses.total }
    guard accesses > Self.accessLimit else { return }
    throw CommandFailure(
      "limit-replay",
      "the kernels access \(accesses.grouped) B; at most \(Self.accessLimit.grouped) B are replayed",
      exit: .limit, remedy: "name some of the layers with --layers, or lower --batch")
  }
}
