import ConcurrentMap
import CostModel
import Hardware
import Scheduling
import Workload

/// Finds the partition of a network into kernels that costs least in all.
///
/// Layers may share a kernel where each reads only the one before it and nothing else reads that one. Such layers
/// lie on disjoint paths, and the cheapest partition of a path into runs of at most `maxFuse` layers is found by
/// dynamic programming over its prefixes; the differences of the prefix costs are the prices of the certificate.
public struct FusionPlanner: Sendable {
  public let explorer: TileExplorer
  public let precision: Precision
  /// How feature maps lie in memory.
  public let axisOrder: TensorLayout.AxisOrder
  /// The most convolutions in one kernel.
  public let maxFuse: Int

  public init(
    gpu: GPU, precision: Precision, axisOrder: TensorLayout.AxisOrder = .chw, objective: Objective = .gma,
    minBlocks: Int? = nil, maxFuse: Int = 2
  ) {
    precondition(maxFuse >= 1)
    explorer = TileExplorer(gpu: gpu, objective: objective, minBlocks: minBlocks)
    self.precision = precision
    self.axisOrder = axisOrder
    self.maxFuse = maxFuse
  }

  /// The cheapest partition of the network, with each kernel's best tile; it does not depend on `threads`.
  public func plan(_ network: Network, threads: Int = 1) -> FusionPlan {
    let graph = FusiblePaths(network)
    let runs = graph.paths.flatMap { path in
      path.indices.flatMap { first in
        (first..<min(first + maxFuse, path.count)).map { Array(path[first...$0]) }
      }
    }
    return assemble(network, graph, kernels(runs, of: network, threads: threads))
  }

  /// The plan made of given kernels: each run of layers that may be one kernel, with its best schedule or why it
  /// has none. Runs that are missing are not considered.
  public func plan(_ network: Network, kernels: [[Int]: KernelOption]) -> FusionPlan {
    assemble(network, FusiblePaths(network), kernels)
  }

  /// The best schedule of every run; runs of equal shape are searched once.
  private func kernels(
    _ runs: [[Int]], of network: Network, threads: Int
  ) -> [[Int]: KernelOption] {
    let shapes = runs.map { run in run.map { network.layers[$0].anonymous } }
    var unique: [[Layer]] = []
    var position: [[Layer]: Int] = [:]
    for shape in shapes where position[shape] == nil {
      position[shape] = unique.count
      unique.append(shape)
    }
    let searched = unique
    let results = concurrentMap(count: searched.count, threads: threads) { search(searched[$0]) }
    var options: [[Int]: KernelOption] = [:]
    for (run, shape) in zip(runs, shapes) {
      guard let index = position[shape] else { continue }
      options[run] = results[index].of(run.map { network.layers[$0] }, precision, axisOrder)
    }
    return options
  }

  private func search(_ layers: [Layer]) -> KernelOption {
    do throws(ScheduleError) {
      return .legal(try explorer.best(of: Chain(layers, precision: precision, axisOrder: axisOrder)))
    } catch {
      return .illegal(error)
    }
  }

  private func assemble(
    _ network: Network, _ graph: FusiblePaths, _ kernels: [[Int]: KernelOption]
  ) -> FusionPlan {
    var groups: [FusionGroup] = []
    var prices = [Cost](repeating: .zero, count: network.layers.count)
    for path in graph.paths {
      let partition = PathPartition(path, maxFuse: maxFuse) { kernels[$0]?.candidate?.cost }
      for (layer, price) in zip(path, partition.prices) { prices[layer] = price }
      groups += partition.runs.map { run in
        let unfused = run.reduce(Cost.zero) { $0 + (kernels[[$1]]?.candidate?.cost ?? .zero) }
        return FusionGroup(
          layers: run, candidate: kernels[run]?.candidate,
          reason: kernels[run]?.error.map(String.init(describing:)),
          unfused: unfused)
      }
    }
    groups.sort { $0.layers[0] < $1.layers[0] }
    return FusionPlan(
      network: network, gpu: explorer.gpu, precision: precision, axisOrder: axisOrder,
      objective: explorer.objective,
      minBlocks: explorer.minBlocks, groups: groups,
      unfused: network.layers.indices.map { kernels[[$0]]?.candidate },
      decisions: graph.decisions(kernels: kernels, groups: groups), prices: prices)
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
      activation: activation,
      inputs: inputs.indices.map { .input($0) })
  }
}
