import ArgumentParser
import Fusion
import Hardware
import Workload

/// Which model, number format, GPU and bounds a plan is for.
struct PlanRequest: ParsableArguments {
  @OptionGroup var model: ModelArgument
  @OptionGroup var gpu: GPUOption
  @OptionGroup var precision: PrecisionOptions
  @OptionGroup var options: PlanOptions
}

extension Session {
  /// Reads what the request names and plans it.
  mutating func plan(_ request: PlanRequest) throws -> FusionPlan {
    let network = try network(request.model)
    return try plan(network, by: try planner(request))
  }

  /// The planner for the GPU, number format and bounds of the request.
  mutating func planner(_ request: PlanRequest) throws -> FusionPlanner {
    let gpu = try gpu(request.gpu)
    return FusionPlanner(
      gpu: gpu, precision: try request.precision.precision(), axisOrder: try request.precision.axisOrder(),
      objective: try request.options.planObjective(),
      minBlocks: try request.options.fewestBlocks(), maxFuse: try request.options.mostFused())
  }

  /// The plan of a network; layers without a legal tile are warned of.
  mutating func plan(_ network: Network, by planner: FusionPlanner) throws -> FusionPlan {
    let plan = planner.plan(network, threads: settings.threads)
    for group in plan.groups {
      guard let reason = group.reason, !network.layers[group.layers[0]].isOpaque else { continue }
      warn("tile-infeasible", reason, where: network.layers[group.layers[0]].name)
    }
    return plan
  }
}
