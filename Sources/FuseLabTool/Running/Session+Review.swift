import Fusion
import ModelFiles
import Workload

/// A fusion list with what becomes of each line.
struct ReviewedList {
  let name: String
  let list: FusionList
  let review: PlanReview
}

extension Session {
  /// Holds the decisions of a fusion list against the plan. Its numbers are ids where the model is a
  /// `model_dag.json`, else indices of layers.
  ///
  /// - Throws: `FileErrors`; `unknown-layer` where a line names a layer that the model does not have.
  mutating func review(
    of path: String, _ model: LoadedModel, _ planner: FusionPlanner, _ plan: FusionPlan
  ) throws -> ReviewedList {
    let text = try FileReader.text(at: path, limit: settings.maxFile)
    record(InputRecord(name: Self.fileName(path), text: text))
    let list = try FusionList.parse(text: text, path: path)
    func layer(_ id: Int, _ line: Int) throws(CommandFailure) -> Int {
      let index =
        model.dag.map { $0.layer(ofNode: id) } ?? (plan.network.layers.indices.contains(id) ? id : nil)
      guard let index else {
        throw CommandFailure(
          "unknown-layer",
          "line \(line) of '\(sanitised(Self.fileName(path), limit: 60))' names layer \(id), "
            + "which '\(sanitised(plan.network.name, limit: 60))' does not have",
          remedy: "give the model_dag.json that the list is for")
      }
      return index
    }
    let decisions = try list.decisions.map { decision in
      (
        first: try layer(decision.first, decision.line), second: try layer(decision.second, decision.line),
        kinds: decision.kind.layers
      )
    }
    return ReviewedList(
      name: Self.fileName(path), list: list, review: planner.review(decisions, against: plan))
  }
}

extension FusionList.Kind {
  fileprivate var layers: [LayerKind] {
    switch self {
    case .dwpw: [.dw, .pw]
    case .pwdw, .pwdwWide: [.pw, .dw]
    case .pwpw: [.pw, .pw]
    }
  }
}
