import CostModel
import Foundation
import Fusion
import Hardware
import ModelFiles
import Scheduling
import Testing
import Workload

private let fusePlannerFolder: String? =
  ProcessInfo.processInfo.environment["FUSELAB_TEST_DATA"].map { $0 + "/fuseplanner" }

/// What FusePlanner's authors publish for the GTX 1660: tiles, and the accesses of those tiles counted.
private struct PublishedPlan: Decodable {
  struct Estimate: Decodable {
    let run, kind: String
    let layers, tile: [Int]
    let counted: Int
  }
  struct Run: Decodable {
    let decisions: [String: [[Int]]]
  }
  let estimates: [Estimate]
  let decisions: [String: Run]
}

private let networks = ["mob_v1", "mob_v2", "gprox_3", "xce_r"]

@Suite(.enabled(if: fusePlannerFolder != nil, "set FUSELAB_TEST_DATA to the folder with fuseplanner/"))
struct PublishedPlanTests {
  private let plan: PublishedPlan
  private let dags: [String: ModelDAG]

  init() throws {
    let folder = try #require(fusePlannerFolder)
    let data = try Data(contentsOf: URL(fileURLWithPath: folder + "/authors_plan_gtx1660.json"))
    plan = try JSONDecoder().decode(PublishedPlan.self, from: data)
    dags = try networks.reduce(into: [:]) { dags, name in
      dags[name] = try #require(try ModelSource.load(folder + "/\(name).json").dag)
    }
  }

  private func dag(_ estimate: PublishedPlan.Estimate) throws -> ModelDAG {
    let name = estimate.run.prefix { $0 != "/" }
    return try #require(dags[String(name)])
  }

  private func layers(_ ids: [Int], in dag: ModelDAG) throws -> [Int] {
    try ids.map { try #require(dag.layer(ofNode: $0)) }
  }

  /// Their tile as a tile of the last stage's output: rows, columns, channels.
  private func tile(_ estimate: PublishedPlan.Estimate, _ chain: Chain) -> [Int] {
    let shape = chain.last.shape
    let isOfInput = estimate.kind == "pwdw"
    let (down, across) = isOfInput ? (shape.rows.stride, shape.columns.stride) : (1, 1)
    return [
      min(max(1, estimate.tile[0] / down), shape.rows.outputExtent),
      min(max(1, estimate.tile[1] / across), shape.columns.outputExtent),
      min(estimate.tile[2], shape.outputChannels),
    ]
  }

  @Test("The accesses of all 361 published tiles equal their count")
  func recount() throws {
    var checked = 0
    for estimate in plan.estimates {
      let dag = try dag(estimate)
      let stages = try layers(estimate.layers, in: dag).map { dag.network.layers[$0] }
      let chain = try Chain(stages, precision: .fp32)
      let tile = tile(estimate, chain)
      let tiling = Tiling(
        rows: tile[0], columns: tile[1], channels: tile[2],
        reduction: stages.map(\.shape.channelsPerGroup))
      let accesses = AnalyticTraffic(try Schedule(chain, tiling: tiling)).accesses
      #expect(accesses.paperTotal == Bytes(estimate.counted * 4), "\(estimate)")
      checked += 1
    }
    #expect(checked == 361)
  }

  @Test(
    "No plan costs more than the best one made of the published tiles and decisions", arguments: networks,
    ["gtx1660", "rtx_a4000", "agx_orin"])
  func neverWorse(_ name: String, on gpuName: String) throws {
    let dag = try #require(dags[name])
    let gpu = try #require(BuiltIn.gpu(named: gpuName))
    let decided = Set(try #require(plan.decisions["\(name)/gtx1660"]).decisions.values.flatMap { $0 })
    // With one block enough, most of their tiles are legal here; by default each multiprocessor needs one.
    let limits = [gpu.multiprocessors, 1]
    for (precision, minBlocks) in limits.flatMap({ [(Precision.fp32, $0), (.int8(.onnx), $0)] }) {
      let planner = FusionPlanner(gpu: gpu, precision: precision, minBlocks: minBlocks)
      let ours = planner.plan(dag.network)
      #expect(ours.total.gma <= ours.unfusedTotal.gma)
      #expect(ours.gap == .zero)
      var kernels = ours.unfused.enumerated().reduce(into: [[Int]: KernelOption]()) { kernels, entry in
        if let candidate = entry.element { kernels[[entry.offset]] = .legal(candidate) }
      }
      var illegal: [String] = []
      for estimate in plan.estimates where estimate.run == "\(name)/gtx1660" {
        let indices = try layers(estimate.layers, in: dag)
        if indices.count > 1, !decided.contains(estimate.layers) { continue }
        let chain = try Chain(indices.map { dag.network.layers[$0] }, precision: precision)
        let tile = tile(estimate, chain)
        do {
          let candidate = try planner.explorer.candidate(
            of: chain, rows: tile[0], columns: tile[1], channels: tile[2])
          try candidate.schedule.checkLegality(on: gpu, minBlocks: minBlocks)
          kernels[indices] = .legal(candidate)
        } catch {
          illegal.append("\(estimate.kind) \(estimate.layers) \(estimate.tile): \(error)")
        }
      }
      let theirs = planner.plan(dag.network, kernels: kernels)
      #expect(ours.total.gma <= theirs.total.gma)
      print(
        "\(name) on \(gpuName), \(precision.elementType), at least \(minBlocks) blocks: unfused \(ours.unfusedTotal.gma) B, ours \(ours.total.gma) B, theirs "
          + "\(theirs.total.gma) B; illegal here: \(illegal.count)")
      for line in illegal { print("  \(line)") }
    }
  }

  @Test(
    "No plan costs more than its network with the legal ones of the published whole-network fusions",
    arguments: networks, ["fusion_fp32", "fusion_int8"])
  func wholeNetworks(_ name: String, _ folder: String) throws {
    let dag = try #require(dags[name])
    let path = try #require(fusePlannerFolder) + "/\(folder)/\(name).cfg"
    let list = try FusionList.parse(text: try FileReader.text(at: path), path: path)
    let decisions = try list.decisions.map { decision in
      let layers = try layers([decision.first, decision.second], in: dag)
      let kinds: [LayerKind] =
        switch decision.kind {
        case .dwpw: [.dw, .pw]
        case .pwdw, .pwdwWide: [.pw, .dw]
        case .pwpw: [.pw, .pw]
        }
      return (first: layers[0], second: layers[1], kinds: kinds)
    }
    #expect(decisions.count >= 5)
    for gpuName in ["gtx1660", "rtx_a4000", "agx_orin"] {
      let gpu = try #require(BuiltIn.gpu(named: gpuName))
      let precision: Precision = folder == "fusion_fp32" ? .fp32 : .int8(.onnx)
      let planner = FusionPlanner(gpu: gpu, precision: precision)
      let ours = planner.plan(dag.network)
      let review = planner.review(decisions, against: ours)
      #expect(ours.total <= review.total)
      print(
        "\(name) on \(gpuName), \(precision.elementType): unfused \(ours.unfusedTotal.gma) B, ours "
          + "\(ours.total.gma) B, theirs \(review.total.gma) B with \(review.legal.count) of \(decisions.count)"
      )
    }
  }
}
