import Hardware
import Scheduling
import Workload

extension PairVerdict {
  /// The stable name of the verdict.
  public var code: String {
    switch self {
    case .fused: "fused"
    case .fork: "fork"
    case .kindsNotFused: "kinds-not-fused"
    case .notConsidered: "not-considered"
    case .infeasible: "infeasible"
    case .costsMore: "costs-more"
    case .betterElsewhere: "better-elsewhere"
    }
  }
}

extension PairVerdict: CustomStringConvertible {
  public var description: String {
    switch self {
    case .fused: "fused"
    case .fork(let consumers): "its output is read by \(consumers.count) layers"
    case .kindsNotFused(let first, let second): "there is no fused kernel for \(first) and \(second)"
    case .notConsidered: "kernels of two layers were not asked for"
    case .infeasible(let error): "no tile is legal: \(error)"
    case .costsMore(let fused, let unfused):
      "one kernel moves \(fused.primary.grouped) B, two move \(unfused.primary.grouped) B"
    case .betterElsewhere(let fused, let unfused):
      "it would save \((unfused.primary - fused.primary).grouped) B, another fusion of these layers saves more"
    }
  }
}

extension FusionPlan {
  /// The pairs that are not fused, with why.
  public var refusals: [PairDecision] { decisions.filter { $0.verdict != .fused } }
  public var fusedGroups: [FusionGroup] { groups.filter { $0.layers.count > 1 } }
}
