import CostModel
import Hardware
import Scheduling
import Workload

/// Layers that one kernel computes, or one layer that no kernel here computes.
public struct FusionGroup: Hashable, Sendable {
  /// Indices into the network's layers, ascending.
  public let layers: [Int]
  /// Nil where the layer is opaque or no tile of it is legal; `reason` says which.
  public let candidate: TileCandidate?
  public let reason: String?
  /// What the layers cost one kernel each.
  public let unfused: Cost
  public var cost: Cost { candidate?.cost ?? .zero }
}

/// Why two layers, one reading the other, are or are not in one kernel.
public enum PairVerdict: Hashable, Sendable {
  case fused
  /// Several layers read the first one's output.
  case fork(consumers: [Int])
  /// The layer is an add that reads the other as both its inputs.
  case addedToItself
  /// The two kinds make none of the fused kernels: dwpw, pwdw, pwpw, and an add of what any layer makes.
  case kindsNotFused(LayerKind, LayerKind)
  /// Kernels of two convolutions were not asked for.
  case notConsidered
  /// No tile of the pair is legal; what ends the smallest.
  case infeasible(ScheduleError)
  /// The best kernel of just these two costs at least what two kernels cost.
  case costsMore(fused: Cost, unfused: Cost)
  /// It would save, but the plan saves as much or more by fusing one of the two with other layers.
  case betterElsewhere(fused: Cost, unfused: Cost)
}

/// A layer and the one that reads it.
public struct PairDecision: Hashable, Sendable {
  public let first, second: Int
  public let verdict: PairVerdict
}

/// A partition of a network into kernels, what it costs, and the proof that no other costs less.
public struct FusionPlan: Hashable, Sendable {
  public let network: Network
  public let gpu: GPU
  public let precision: Precision
  public let axisOrder: TensorLayout.AxisOrder
  public let objective: Objective
  public let minBlocks: Int
  /// Every layer is in exactly one group; ascending by last layer, so that each group follows those that it reads.
  public let groups: [FusionGroup]
  /// The best kernel of each layer alone; nil where it has none.
  public let unfused: [TileCandidate?]
  public let decisions: [PairDecision]
  /// A price for each layer such that no allowed group costs less than its layers' prices together. Their sum is
  /// therefore a lower bound of every partition: the certificate.
  public let prices: [Cost]

  public var total: Cost { groups.reduce(.zero) { $0 + $1.cost } }
  public var unfusedTotal: Cost { groups.reduce(.zero) { $0 + $1.unfused } }
  public var lowerBound: Cost { prices.reduce(.zero, +) }
  /// 0 where the plan is proved optimal.
  public var gap: ObjectiveValue { total.primary - lowerBound.primary }
}
