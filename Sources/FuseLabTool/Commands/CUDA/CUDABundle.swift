import ArgumentParser
import CostModel
import Foundation
import Fusion
import KernelBundles
import KernelSources
import MemorySimulation
import ModelFiles
import Scheduling
import Verification
import Workload

struct CUDABundle: FuseLabCommand {
  static let verb = "cuda-bundle"
  static let configuration = CommandConfiguration(
    commandName: "bundle",
    abstract: "Put kernels, inputs and expected outputs into a folder for a GPU machine without Swift.",
    discussion: CommandHelp.discussion(
      [
        ("fuselab cuda bundle mobilenet_v2 --gpu h200 -o v2", "then, over there: python3 v2/run.py"),
        ("fuselab cuda bundle xception --layers 4-5 -o pair", "two layers, on their own and fused"),
        (
          "fuselab cuda bundle mobilenet_v1 --layers pw5 --tiles 16 --objective time -o tiles",
          "16 tiles of one kernel, for the GPU to rank: gpu calibrate lays them beside the estimate"
        ),
      ], exits: [.invalid, .unsupported, .limit]))

  @OptionGroup var request: PlanRequest
  @OptionGroup var layers: LayersOption
  @Option(
    help: ArgumentHelp(
      "Instead of the plan's, so many tiles of the one kernel of --layers, from the best to \(Int(TileExplorer.mostTimesBest)) times its cost.",
      valueName: "n"))
  var tiles: Int?
  @Option(
    name: .shortAndLong, help: ArgumentHelp("The folder; it must be new or empty.", valueName: "folder"))
  var output: String
  @Option(
    help: ArgumentHelp(
      "The fuselab-gpu to put in, or none (default the one beside this program).", valueName: "file"))
  var executable: String?
  @Option(
    help: ArgumentHelp("Most kernels and tensors: bytes, or 64M (default).", valueName: "bytes"))
  var maxBytes: ByteCount?
  @OptionGroup(title: "Global options") var global: GlobalOptions

  func validate() throws {
    guard let tiles else { return }
    guard (3...64).contains(tiles) else { throw ValidationError("--tiles takes 3 to 64") }
    if layers.layers == nil { throw ValidationError("--tiles are of one kernel: add --layers") }
  }

  func report(_ session: inout Session) throws -> Report {
    let program = try BundledProgram.read(executable)
    try BundleWriting.checkIsFree(output, force: session.settings.force)
    let plan = try session.plan(request)
    let range = try layers.range(in: plan.network)
    let values = try session.values(of: plan, preset: .chain)
    let contents: BundleContents
    if let tiles, let range {
      let sample = try plan.explorer.sample(of: session.chain(of: range, plan), count: tiles)
      if sample.count < tiles {
        session.warn(
          "tiles-few",
          "there are only \(sample.count) tiles of up to \(Int(TileExplorer.mostTimesBest)) times the best's cost",
          where: nil)
      }
      contents = try BundleContents(plan, tiles: sample.map(\.schedule), of: Array(range), values)
    } else {
      contents = try BundleContents(
        plan, range: range, fused: try range.flatMap { try fused($0, plan, session) }, values)
    }
    let bundle = contents.bundle
    let limit = maxBytes?.bytes ?? 64 << 20
    guard bundle.byteCount <= limit else {
      throw CommandFailure(
        "limit-bundle",
        "the bundle would take \(grouped(bundle.byteCount)) B, more than \(grouped(limit)) B",
        exit: .limit, remedy: "name fewer layers with --layers, or raise --max-bytes")
    }
    try BundleWriting.write(bundle, program, to: output, force: session.settings.force)
    let kernels = bundle.manifest.kernels.count
    return Report(
      data: [
        "network": .string(plan.network.name), "gpu": .string(plan.gpu.id),
        "element_type": .string(plan.precision.elementType.rawValue), "kernels": .integer(kernels),
        "comparisons": .integer(bundle.manifest.comparisons.count), "bytes": .integer(bundle.byteCount),
        "has_executable": .bool(program != nil),
      ],
      text: (tiles == nil
        ? "\(kernels) kernels, \(bundle.manifest.comparisons.count) of them fused, "
        : "\(kernels) tiles of one kernel, ")
        + "\(grouped(bundle.byteCount)) B in \(sanitised(output, limit: 400))\n"
        + "copy the folder to a machine with an NVIDIA GPU and run there: python3 run.py\n")
  }

  /// The kernel of just the layers of `range`, where those are more than one.
  private func fused(
    _ range: ClosedRange<Int>, _ plan: FusionPlan, _ session: Session
  ) throws -> [(layers: [Int], schedule: Schedule)]? {
    range.count > 1 ? [(Array(range), try session.schedule(of: range, plan))] : []
  }
}

/// The kernels of a plan with their values.
private struct BundleContents {
  let bundle: KernelBundle

  /// Several kernels of the same layers.
  init(_ plan: FusionPlan, tiles: [Schedule], of layers: [Int], _ values: NetworkValues) throws {
    bundle = KernelBundle(
      Self.title(plan), kernels: try tiles.map { try Self.kernel(layers, $0, plan, values) }, comparisons: [])
  }

  /// - Parameter fused: In place of the plan's fused kernels.
  init(
    _ plan: FusionPlan, range: ClosedRange<Int>?, fused: [(layers: [Int], schedule: Schedule)]?,
    _ values: NetworkValues
  ) throws {
    let network = plan.network
    var kernels: [KernelBundle.Kernel] = []
    func add(_ layers: [Int], _ schedule: Schedule) throws -> Int {
      kernels.append(try Self.kernel(layers, schedule, plan, values))
      return kernels.count - 1
    }
    var alone: [Int: Int] = [:]
    for layer in range.map(Array.init) ?? Array(network.layers.indices) {
      guard let candidate = plan.unfused[layer] else { continue }
      alone[layer] = try add([layer], candidate.schedule)
    }
    var comparisons: [(fused: Int, alone: [Int])] = []
    let planned = plan.fusedGroups.compactMap { group in
      group.candidate.map { (layers: group.layers, schedule: $0.schedule) }
    }
    for (layers, schedule) in fused ?? planned {
      let number = try add(layers, schedule)
      let parts = layers.compactMap { alone[$0] }
      if parts.count == layers.count { comparisons.append((number, parts)) }
    }
    guard !kernels.isEmpty else {
      throw CommandFailure(
        "tile-infeasible", "no layer of '\(network.name)' has a kernel on \(plan.gpu.name)",
        exit: .unsupported)
    }
    bundle = KernelBundle(Self.title(plan), kernels: kernels, comparisons: comparisons)
  }

  private static func title(_ plan: FusionPlan) -> BundleTitle {
    BundleTitle(
      network: plan.network.name, elementType: plan.precision.elementType.rawValue,
      layout: MapLayout(plan.axisOrder).rawValue, gpu: plan.gpu.id, batch: plan.network.batch)
  }

  private static func kernel(
    _ layers: [Int], _ schedule: Schedule, _ plan: FusionPlan, _ values: NetworkValues
  ) throws -> KernelBundle.Kernel {
    let network = plan.network
    let job = try KernelJob(
      schedule, parameters: layers.map { values.parameters[$0] },
      inputs: values.run.operands(ofRun: layers, in: network))
    let traffic = KernelReplay(schedule, on: plan.gpu).run()
    let stages = layers.map { network.layers[$0] }
    return KernelBundle.Kernel(
      kind: schedule.kind.description, layers: stages.map(\.name), job: job,
      expected: OperandBytes.bytes(
        of: values.run.outputs[layers[layers.count - 1]], as: .ofm, of: schedule.chain),
      counters: Counter.all.compactMap { counter in
        counter.metric(on: plan.gpu).map { ($0, counter.value(from: traffic)) }
      },
      work: KernelWork(traffic, of: schedule, on: plan.gpu).counts,
      schedule: try PlanListing.word(schedule),
      convolutions: stages.allSatisfy(\.hasWeights) ? stages.map(convolution) : [])
  }

  private static func convolution(_ layer: Layer) -> BundleConvolution {
    let (shape, rows, columns) = (layer.shape, layer.shape.rows, layer.shape.columns)
    let activation = Activation.allCases.firstIndex(of: layer.activation) ?? 0
    return BundleConvolution([
      shape.batch, shape.inputChannels, rows.inputExtent, columns.inputExtent, shape.outputChannels,
      rows.window,
      columns.window, rows.stride, columns.stride, rows.paddingBefore, rows.paddingAfter,
      columns.paddingBefore,
      columns.paddingAfter, rows.dilation, columns.dilation, shape.groups, layer.hasBias ? 1 : 0, activation,
    ])
  }
}
