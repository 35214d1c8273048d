import Fusion
import Hardware
import Scheduling
import Workload

/// A plan as a graph: a node a layer, a box a fused kernel, an edge a feature map with the bytes that it moves.
///
/// The DOT text is a function of the plan alone; the SVG's bytes may also depend on Graphviz and the fonts.
public struct FusionGraph: Hashable, Sendable {
  public let plan: FusionPlan

  public init(_ plan: FusionPlan) { self.plan = plan }

  /// The drawing, laid out by Graphviz.
  /// - Throws: `GraphvizError` where Graphviz cannot lay it out.
  public func svg() throws(GraphvizError) -> String { try GraphvizLayout.svg(of: dot) }

  /// Bytes that one edge moves: the map stored by its producer and loaded by its reader; nil inside a kernel.
  struct Edge: Hashable {
    let from: TensorReference
    let to: Int
    let bytes: Bytes?
  }

  var edges: [Edge] {
    let group = groupOfLayer
    return plan.network.layers.enumerated().flatMap { index, layer in
      layer.inputs.enumerated().map { position, reference in
        if case .layer(let producer) = reference, group[producer] == group[index] {
          return Edge(from: reference, to: index, bytes: nil)
        }
        let members = plan.groups[group[index]]
        let stage = members.layers.firstIndex(of: index) ?? 0
        let operand: Operand = stage == 0 ? .ifm(position) : .residual(stage: stage)
        let loaded = members.candidate?.accesses.total(of: operand) ?? .zero
        return Edge(from: reference, to: index, bytes: loaded + stored(reference, group))
      }
    }
  }

  private func stored(_ reference: TensorReference, _ group: [Int]) -> Bytes {
    guard case .layer(let producer) = reference else { return .zero }
    return plan.groups[group[producer]].candidate?.accesses.total(of: .ofm) ?? .zero
  }

  private var groupOfLayer: [Int] {
    var group = [Int](repeating: 0, count: plan.network.layers.count)
    for (index, members) in plan.groups.enumerated() {
      for layer in members.layers { group[layer] = index }
    }
    return group
  }
}
