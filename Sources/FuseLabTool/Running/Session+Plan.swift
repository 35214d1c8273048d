import ArgumentParser
import Fusion
import Hardware
import KernelSources
import ModelFiles
import Scheduling
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

  /// The kernels of a file, as a plan of the network that the request names.
  /// - Throws: `plan-mismatch` where they are no kernels of that network, number format and GPU.
  mutating func plan(_ request: PlanRequest, given path: String) throws -> FusionPlan {
    let network = try network(request.model)
    let planner = try planner(request)
    let file = try PlanFile.parse(text: text(at: path), path: path)
    guard file.elementType == planner.precision.elementType.rawValue else {
      throw CommandFailure(
        "plan-mismatch",
        "\(path) has kernels of \(file.elementType), not of \(planner.precision.elementType)",
        remedy: "name its type with --dtype")
    }
    let indices = Dictionary(network.layers.indices.map { (network.layers[$0].name, $0) }) { first, _ in first
    }
    var taken: Set<Int> = []
    let kernels = try file.kernels.map { kernel in
      let layers = try kernel.layers.map { name in
        guard let index = indices[name], taken.insert(index).inserted else {
          throw CommandFailure(
            "plan-mismatch",
            indices[name] == nil
              ? "\(path) has a layer '\(name)', and the network has none"
              : "\(path) has '\(name)' in two kernels",
            remedy: "plan this network")
        }
        return index
      }
      try network.checkKernel(layers, path)
      return (layers: layers, candidate: try planner.candidate(kernel, of: network.run(of: layers), path))
    }
    return FusionPlan(
      network, given: kernels, on: planner.explorer.gpu, precision: planner.precision,
      axisOrder: planner.axisOrder, objective: planner.explorer.objective)
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

extension Network {
  /// - Throws: `plan-mismatch` where one of `layers` does not read the one before, or another layer reads what stays inside
  ///   their kernel.
  fileprivate func checkKernel(_ layers: [Int], _ path: String) throws(CommandFailure) {
    for (first, second) in zip(layers, layers.dropFirst()) where consumers(of: first) != [second] {
      throw CommandFailure(
        "plan-mismatch",
        "\(path) fuses '\(self.layers[first].name)' with '\(self.layers[second].name)', which is not the one that reads it",
        remedy: "plan this network")
    }
  }
}

extension FusionPlanner {
  /// A file's kernel of `layers`.
  /// - Throws: `plan-mismatch` where it is illegal here.
  fileprivate func candidate(
    _ kernel: PlanFile.Kernel, of layers: [Layer], _ path: String
  ) throws(CommandFailure) -> TileCandidate {
    func failure(_ why: String) -> CommandFailure {
      CommandFailure(
        "plan-mismatch",
        "\(path): the kernel of '\(kernel.layers.joined(separator: "', '"))' is illegal here: \(why)",
        remedy: "plan this network for this GPU")
    }
    // Far beyond any GPU, and small enough that their products do not overflow.
    let most = KernelConstants.maximumSums
    guard kernel.threads <= 1 << 12, kernel.channelsPerThread <= most, kernel.pixelsPerThread <= most else {
      throw failure("more than \(1 << 12) threads, or than \(most) channels or pixels a thread")
    }
    guard let order = BlockOrder(rawValue: kernel.order) else { throw failure("no order '\(kernel.order)'") }
    do throws(ScheduleError) {
      let schedule = try Schedule(
        Chain(layers, precision: precision, axisOrder: axisOrder),
        tiling: Tiling(
          rows: kernel.rows, columns: kernel.columns, channels: kernel.channels, reduction: kernel.reduction),
        lanes: LaneMap(
          threads: kernel.threads, vectorWidth: kernel.vectorWidth, buffers: kernel.buffers,
          channelsPerThread: kernel.channelsPerThread, pixelsPerThread: kernel.pixelsPerThread,
          usesTensorCores: kernel.usesTensorCores), order: order)
      return try explorer.candidate(schedule)
    } catch {
      throw failure("\(error)")
    }
  }
}
