import Workload

/// The name of a kernel's family, derived from its stages: `dw`, `pw`, `dwpw`, `pwdw`, `pwdw_r`, `pwpw`, `pwdwpw`…
///
/// `_r` marks a chain whose spatial tiles compute the halo of an intermediate again. Witnesses never switch on it.
public struct KernelKind: Hashable, Sendable, CustomStringConvertible {
  public let stages: [LayerKind]
  public let recomputesHalo: Bool

  public init(stages: [LayerKind], recomputesHalo: Bool) {
    self.stages = stages
    self.recomputesHalo = recomputesHalo
  }

  public var description: String {
    stages.map(\.rawValue).joined() + (recomputesHalo ? "_r" : "")
  }
}
