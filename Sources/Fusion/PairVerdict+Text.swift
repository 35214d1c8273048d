import Hardware
import Scheduling
import Workload

extension PairVerdict {
  /// The stable name of the verdict.
  public var code: String {
    switch self {
    case .fused: "fused"
    case .fork: "fork"
    case .addedToItself: "added-to-itself"
    case .kindsNotFused: "kinds-not-fused"
    case .notConsidered: "not-considered"
    case .infeasible: "infeasible"
    case .costsMore: "costs-more"
    case .betterElsewhere: "better-elsewhere"
    }
  }
}

extension PairVerdict {
  /// What the verdict says of a plan by `objective`, whose units its costs have.
  public func text(by objective: Objective) -> String {
    switch self {
    case .fused: "fused"
    case .fork(let consumers): "its output is read by \(consumers.count) layers"
    case .addedToItself: "it is both inputs of the add"
    case .kindsNotFused(let first, let second): "there is no fused kernel for \(first) and \(second)"
    case .notConsidered: "kernels of two convolutions were not asked for"
    case .infeasible(let error): "no tile is legal: \(error)"
    case .costsMore(let fused, let unfused):
      "one kernel \(objective.verb.one) \(objective.text(fused.primary)), two \(objective.verb.two) "
        + objective.text(unfused.primary)
    case .betterElsewhere(let fused, let unfused):
      "it would save \(objective.text(unfused.primary - fused.primary)), other fusions of these layers save as much or more"
    }
  }
}

extension Objective {
  /// A cost with its unit, for people.
  public func text(_ value: ObjectiveValue) -> String {
    switch unit {
    case .bytes: "\(value.grouped) B"
    case .picoseconds: "\(value.grouped) ps"
    case .picojoules: "\(value.grouped) pJ"
    }
  }

  /// What one kernel does to bytes, time or energy, and what two do.
  fileprivate var verb: (one: String, two: String) {
    isEstimate ? ("takes an estimated", "take") : ("moves", "move")
  }
}

extension FusionPlan {
  /// The pairs that are not fused, with why.
  public var refusals: [PairDecision] { decisions.filter { $0.verdict != .fused } }
  public var fusedGroups: [FusionGroup] { groups.filter { $0.layers.count > 1 } }
}
