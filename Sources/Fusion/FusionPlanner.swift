import ConcurrentMap
import CostModel
import Hardware
import Scheduling
import Workload

/// Finds the partition of a network into kernels that costs least in all.
///
/// Layers may share a kernel where each reads the one before it and nothing else reads that one; an add may read another
/// kernel's output beside it. Such layers form trees (`FusibleTrees`), and the cheapest partition of a tree into runs of at
/// most `maxFuse` convolutions is found by dynamic programming from the leaves; what each layer adds to the cost of those
/// below it are the prices of the certificate (`TreePartition`).
public struct FusionPlanner: Sendable {
  public let explorer: TileExplorer
  public let precision: Precision
  /// How feature maps lie in memory.
  public let axisOrder: TensorLayout.AxisOrder
  /// The most convolutions in one kernel; an add is none.
  public let maxFuse: Int

  public init(
    gpu: GPU, precision: Precision, axisOrder: TensorLayout.AxisOrder = .chw, objective: Objective = .gma,
    minBlocks: Int? = nil, maxFuse: Int = 4
  ) {
    precondition(maxFuse >= 1)
    explorer = TileExplorer(gpu: gpu, objective: objective, minBlocks: minBlocks)
    self.precision = precision
    self.axisOrder = axisOrder
    self.maxFuse = maxFuse
  }

  /// The cheapest partition of the network, with each kernel's best tile; it does not depend on `threads`.
  public func plan(_ network: Network, threads: Int = 1) -> FusionPlan {
    let graph = FusibleTrees(network)
    let runs = graph.runs(ofAtMost: maxFuse)
    return assemble(network, graph, kernels(runs, of: network, threads: threads))
  }

  /// The plan made of given kernels: each run of layers that may be one kernel, with its best schedule or why it
  /// has none. Runs that are missing are not considered.
  public func plan(_ network: Network, kernels: [[Int]: KernelOption]) -> FusionPlan {
    assemble(network, FusibleTrees(network), kernels)
  }

  /// The best schedule of every run; runs of equal shape are searched once. Those of more than two layers are left out
  /// where they cost as much as the best partition of them into shorter ones: no plan needs them, and the prices hold.
  private func kernels(
    _ runs: [[Int]], of network: Network, threads: Int
  ) -> [[Int]: KernelOption] {
    var options: [[Int]: KernelOption] = [:]
    for length in 1...Chain.maximumStages {
      let sized = runs.filter { $0.count == length }
      let shapes = sized.map { network.run(of: $0).map(\.anonymous) }
      var unique: [(run: [Int], layers: [Layer])] = []
      var position: [[Layer]: Int] = [:]
      for (run, shape) in zip(sized, shapes) where position[shape] == nil {
        position[shape] = unique.count
        unique.append((run, shape))
      }
      let (searched, known) = (unique, options)
      let results = concurrentMap(count: searched.count, threads: threads) { index in
        let (run, layers) = searched[index]
        return search(layers, below: run.count > 2 ? Self.leastCost(of: run, known) : nil)
      }
      for (run, shape) in zip(sized, shapes) {
        guard let index = position[shape] else { continue }
        options[run] = results[index]?.of(network.run(of: run), precision, axisOrder)
      }
    }
    return options
  }

  /// What the cheapest partition of `run` into runs that are known costs.
  private static func leastCost(of run: [Int], _ known: [[Int]: KernelOption]) -> Cost {
    var best = [Cost.zero]
    for end in 1...run.count {
      let costs = (0..<end).compactMap { start -> Cost? in
        let cost = known[Array(run[start..<end])]?.candidate?.cost ?? (end - start == 1 ? .zero : nil)
        return cost.map { best[start] + $0 }
      }
      best.append(costs.min() ?? .zero)
    }
    return best[run.count]
  }

  /// Nil where no kernel costs less than `limit`.
  private func search(_ layers: [Layer], below limit: Cost?) -> KernelOption? {
    do throws(ScheduleError) {
      let chain = try Chain(layers, precision: precision, axisOrder: axisOrder)
      guard let limit else { return .legal(try explorer.best(of: chain)) }
      return try explorer.best(of: chain, below: limit).map { .legal($0) }
    } catch {
      return .illegal(error)
    }
  }

  private func assemble(
    _ network: Network, _ graph: FusibleTrees, _ kernels: [[Int]: KernelOption]
  ) -> FusionPlan {
    let partition = TreePartition(joined: graph.joined, allowed: graph.runs(ofAtMost: maxFuse)) {
      kernels[$0]?.candidate?.cost
    }
    let groups = partition.runs.sorted { $0[$0.count - 1] < $1[$1.count - 1] }.map { run in
      FusionGroup(
        layers: run, candidate: kernels[run]?.candidate,
        reason: kernels[run]?.error.map(String.init(describing:)),
        unfused: run.reduce(Cost.zero) { $0 + (kernels[[$1]]?.candidate?.cost ?? .zero) })
    }
    return FusionPlan(
      network: network, gpu: explorer.gpu, precision: precision, axisOrder: axisOrder,
      objective: explorer.objective,
      minBlocks: explorer.minBlocks, groups: groups,
      unfused: network.layers.indices.map { kernels[[$0]]?.candidate },
      decisions: graph.decisions(kernels: kernels, groups: groups), prices: partition.prices)
  }
}

/// What became of the search for one kernel.
public enum KernelOption: Sendable {
  case legal(TileCandidate)
  case illegal(ScheduleError)

  public var candidate: TileCandidate? { if case .legal(let candidate) = self { candidate } else { nil } }
  public var error: ScheduleError? { if case .illegal(let error) = self { error } else { nil } }

  /// The same for other layers of equal shape; errors name these layers.
  func of(
    _ layers: [Layer], _ precision: Precision, _ axisOrder: TensorLayout.AxisOrder
  ) -> KernelOption {
    do throws(ScheduleError) {
      let chain = try Chain(layers, precision: precision, axisOrder: axisOrder)
      guard case .legal(let found) = self else { return self }
      let schedule = try Schedule(
        chain, tiling: found.schedule.tiling, lanes: found.schedule.lanes,
        order: found.schedule.order)
      return .legal(TileCandidate(schedule: schedule, cost: found.cost, accesses: found.accesses))
    } catch {
      return .illegal(error)
    }
  }
}

extension Layer {
  /// The layer without what a schedule does not depend on.
  var anonymous: Layer {
    Layer(
      name: isOpaque ? name : "", operation: operation, shape: shape, hasBias: hasBias,
      activation: activation, inputs: inputs)
  }
}
