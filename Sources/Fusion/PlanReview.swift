import CostModel
import Hardware
import Scheduling
import Workload

/// What becomes here of somebody's decision to fuse two layers.
public enum DecisionVerdict: Hashable, Sendable {
  /// Legal, with the best tile of the pair.
  case legal(fused: Cost, unfused: Cost)
  /// The second layer does not read the first.
  case unconnected
  /// The layers are not of the kinds that the kernel joins.
  case otherKinds(LayerKind, LayerKind)
  /// Several layers read the first one's output.
  case fork(consumers: Int)
  /// An earlier decision of the list has one of the layers in another kernel.
  case taken(layer: Int)
  case infeasible(ScheduleError)
}

/// Decisions that come from elsewhere, held against a plan for the same network and GPU.
public struct PlanReview: Hashable, Sendable {
  /// Two layers that were to be fused, and what becomes of that.
  public struct Decision: Hashable, Sendable {
    public let first, second: Int
    public let verdict: DecisionVerdict
  }

  public let decisions: [Decision]
  /// What the network costs with the legal decisions, each with its best tile, and every other layer alone.
  public let total: Cost

  public var legal: [Decision] { decisions.filter { if case .legal = $0.verdict { true } else { false } } }
}

extension FusionPlanner {
  /// - Parameters:
  ///   - decisions: Pairs of layers with the kinds that the fused kernel joins; the first of two that share a layer
  ///     stands.
  ///   - plan: This planner's plan of the network; it costs no more than the review's total.
  public func review(
    _ decisions: [(first: Int, second: Int, kinds: [LayerKind])], against plan: FusionPlan
  ) -> PlanReview {
    var taken: Set<Int> = []
    var total = plan.unfusedTotal
    let reviewed = decisions.map { decision in
      let verdict = verdict(of: decision, in: plan, taken: taken)
      if case .legal(let fused, let unfused) = verdict {
        taken.formUnion([decision.first, decision.second])
        total = total - unfused + fused
      }
      return PlanReview.Decision(first: decision.first, second: decision.second, verdict: verdict)
    }
    return PlanReview(decisions: reviewed, total: total)
  }

  private func verdict(
    of decision: (first: Int, second: Int, kinds: [LayerKind]), in plan: FusionPlan, taken: Set<Int>
  ) -> DecisionVerdict {
    let network = plan.network
    let pair = [decision.first, decision.second]
    let layers = pair.map { network.layers[$0] }
    guard layers[1].inputs == [.layer(decision.first)] else { return .unconnected }
    guard layers.map(\.kind) == decision.kinds else { return .otherKinds(layers[0].kind, layers[1].kind) }
    let consumers = network.consumers(of: decision.first).count
    guard consumers == 1 else { return .fork(consumers: consumers) }
    if let layer = pair.first(where: taken.contains) { return .taken(layer: layer) }
    do throws(ScheduleError) {
      let fused = try explorer.best(of: Chain(layers, precision: precision, axisOrder: axisOrder)).cost
      let unfused = pair.reduce(Cost.zero) { $0 + (plan.unfused[$1]?.cost ?? .zero) }
      return .legal(fused: fused, unfused: unfused)
    } catch {
      return .infeasible(error)
    }
  }
}

extension DecisionVerdict {
  /// The stable name of the verdict.
  public var code: String {
    switch self {
    case .legal(let fused, let unfused): fused < unfused ? "saves" : "costs-more"
    case .unconnected: "unconnected"
    case .otherKinds: "other-kinds"
    case .fork: "fork"
    case .taken: "taken"
    case .infeasible: "infeasible"
    }
  }

  public var isLegal: Bool { if case .legal = self { true } else { false } }
}

extension DecisionVerdict: CustomStringConvertible {
  public var description: String {
    switch self {
    case .legal(let fused, let unfused):
      "one kernel moves \(fused.primary.grouped) B, two move \(unfused.primary.grouped) B"
    case .unconnected: "illegal: the second layer does not read the first"
    case .otherKinds(let first, let second): "illegal: the layers are \(first) and \(second)"
    case .fork(let consumers): "illegal: its output is read by \(consumers) layers"
    case .taken(let layer): "illegal: layer \(layer) is in another kernel already"
    case .infeasible(let error): "illegal: \(error)"
    }
  }
}
