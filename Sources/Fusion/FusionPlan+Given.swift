import CostModel
import Hardware
import Scheduling
import Workload

extension FusionPlan {
  /// A partition that was chosen elsewhere. Nothing is proved of it, no pair is judged, and what its layers cost alone is
  /// not known.
  /// - Parameter kernels: No layer in two of them. Layers in none are computed by no kernel.
  public init(
    _ network: Network, given kernels: [(layers: [Int], candidate: TileCandidate)], on gpu: GPU,
    precision: Precision, axisOrder: TensorLayout.AxisOrder, objective: Objective
  ) {
    let given = Set(kernels.flatMap(\.layers))
    let groups =
      kernels.map { FusionGroup(layers: $0.layers, candidate: $0.candidate, reason: nil, unfused: .zero) }
      + network.layers.indices.filter { !given.contains($0) }.map {
        FusionGroup(layers: [$0], candidate: nil, reason: "in no kernel of the plan", unfused: .zero)
      }
    self.init(
      network: network, gpu: gpu, precision: precision, axisOrder: axisOrder, objective: objective,
      minBlocks: 1,
      groups: groups.sorted { ($0.layers.last ?? 0) < ($1.layers.last ?? 0) }, unfused: [], decisions: [],
      prices: [])
  }
}
