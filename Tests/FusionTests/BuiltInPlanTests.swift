import Fusion
import Hardware
import ModelFiles
import Testing
import Workload

@Suite struct BuiltInPlanTests {
  @Test(
    "Every built-in network has a proved plan on every built-in GPU that never moves more than no fusion",
    arguments: BuiltIn.networks)
  func plans(_ name: String) throws {
    let network = try #require(BuiltIn.network(named: name))
    for gpuName in BuiltIn.gpus {
      let gpu = try #require(BuiltIn.gpu(named: gpuName))
      for precision in [Precision.fp32, .int8(.onnx)] {
        // Estimates are priced tile by tile, ten times slower; one GPU and number format will do.
        let isSlow = gpuName != "gtx1660" || precision != .fp32
        for objective in Objective.allCases where !(objective.isEstimate && isSlow) {
          let plan = FusionPlanner(gpu: gpu, precision: precision, objective: objective).plan(network)
          #expect(plan.total <= plan.unfusedTotal)
          #expect(plan.gap == .zero && plan.lowerBound == plan.total)
          #expect(plan.groups.flatMap(\.layers).sorted() == Array(network.layers.indices))
          for candidate in plan.groups.compactMap(\.candidate) {
            #expect(throws: Never.self) { try candidate.schedule.checkLegality(on: gpu) }
          }
          let scheduled = plan.groups.filter { $0.candidate == nil }.flatMap(\.layers)
          #expect(scheduled.allSatisfy { network.layers[$0].isOpaque })
        }
      }
    }
  }
}
