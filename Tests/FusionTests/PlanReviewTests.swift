import Fusion
import ModelFiles
import Scheduling
import TestSupport
import Testing
import Workload

@Suite struct PlanReviewTests {
  /// a forks into b and the add; b → c → add; then d → e.
  private static let text = """
    version: 1
    name: x
    input: {channels: 8, rows: 12, columns: 12}
    layers:
      - {name: a, op: pointwise, filters: 8}
      - {name: b, op: depthwise, kernel: 3}
      - {name: c, op: pointwise, filters: 8}
      - {name: sum, op: add, inputs: [a, c]}
      - {name: d, op: pointwise, filters: 16}
      - {name: e, op: depthwise, kernel: 3}
      - {name: f, op: pointwise, filters: 8}
    """

  @Test("Each illegal decision says what it violates, and only legal ones count")
  func verdicts() throws {
    let network = try NetworkFile.parse(text: Self.text, path: "x.yaml").network
    let planner = FusionPlanner(gpu: try GPUDraft().gpu(), precision: .fp32, minBlocks: 1)
    let plan = planner.plan(network)
    let review = planner.review(
      [
        (0, 1, [.pw, .dw]), (1, 2, [.pw, .dw]), (1, 2, [.dw, .pw]), (2, 4, [.pw, .pw]), (4, 5, [.pw, .dw]),
        (5, 6, [.dw, .pw]), (6, 5, [.pw, .dw]),
      ], against: plan)
    #expect(
      review.decisions.map(\.verdict.code).map { $0 == "costs-more" ? "saves" : $0 }
        == ["fork", "other-kinds", "saves", "unconnected", "saves", "taken", "unconnected"])
    #expect(review.legal.map(\.first) == [1, 4])
    let fused = try [[1, 2], [4, 5]].map { pair in
      try planner.explorer.best(of: Chain(pair.map { network.layers[$0] }, precision: .fp32)).cost
    }
    let alone = [0, 3, 6].compactMap { plan.unfused[$0]?.cost }
    #expect(review.total == (fused + alone).reduce(.zero, +))
    #expect(plan.total <= review.total)
  }

  @Test("A plan's own fusions cost what the plan says", arguments: TensorLayout.AxisOrder.allCases)
  func own(_ order: TensorLayout.AxisOrder) throws {
    let network = try #require(BuiltIn.network(named: "mobilenet_v1"))
    let gpu = try #require(BuiltIn.gpu(named: "h200"))
    let planner = FusionPlanner(gpu: gpu, precision: .int8(.onnx), axisOrder: order, maxFuse: 2)
    let plan = planner.plan(network, threads: 2)
    let pairs = plan.groups.map(\.layers).filter { $0.count == 2 }
    #expect(pairs.count > 1)
    let review = planner.review(
      pairs.map { ($0[0], $0[1], $0.map { network.layers[$0].kind }) }, against: plan)
    #expect(review.total == plan.total)
  }

  @Test("A pair without a legal tile says which limit ends it")
  func infeasible() throws {
    let network = try NetworkFile.parse(text: Self.text, path: "x.yaml").network
    var draft = GPUDraft()
    (draft.sharedMemoryPerBlock, draft.reserved, draft.carveOuts) = (64, 0, [64])
    let planner = FusionPlanner(gpu: try draft.gpu(), precision: .fp32, minBlocks: 1)
    let plan = planner.plan(network)
    let review = planner.review([(4, 5, [.pw, .dw])], against: plan)
    #expect(review.decisions.map(\.verdict.code) == ["infeasible"])
    #expect(review.decisions.first?.verdict.description.contains("of shared memory") == true)
    #expect(review.total == plan.unfusedTotal)
  }
}
