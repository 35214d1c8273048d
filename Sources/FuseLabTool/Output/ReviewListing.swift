import Fusion
import ModelFiles
import Workload

/// What becomes of a fusion list, as text and as JSON.
struct ReviewListing {
  private let reviewed: ReviewedList
  private let plan: FusionPlan

  init(_ reviewed: ReviewedList, _ plan: FusionPlan) {
    self.reviewed = reviewed
    self.plan = plan
  }

  func text(_ style: TerminalStyle) -> String {
    let review = reviewed.review
    let lines = zip(reviewed.list.decisions, review.decisions).map { line, decision in
      let names = "\(name(decision.first)) + \(name(decision.second)) as \(line.kind.rawValue)"
      return hanging(
        "\(names): \(sanitised("\(decision.verdict)", limit: 320))", width: style.width, indent: "  ")
        + "\n"
    }
    let total =
      "\(review.legal.count) of \(review.decisions.count) are legal here; with them "
      + "\(grouped(review.total.primary.count)) B, this plan \(grouped(plan.total.primary.count)) B, unfused "
      + "\(grouped(plan.unfusedTotal.primary.count)) B"
    return style.bold("fusions of \(sanitised(reviewed.name, limit: 60))") + "\n" + lines.joined()
      + hanging(total, width: style.width) + "\n"
  }

  var json: JSONValue {
    let review = reviewed.review
    return [
      "name": .string(reviewed.name), "legal": .integer(review.legal.count),
      "objective_bytes": .integer(review.total.primary.count), "gma_bytes": .integer(review.total.gma.count),
      "decisions": .array(
        zip(reviewed.list.decisions, review.decisions).map { line, decision in
          var values: [String: JSONValue] = [
            "first": .string(plan.network.layers[decision.first].name),
            "second": .string(plan.network.layers[decision.second].name),
            "kind": .string(line.kind.rawValue), "line": .integer(line.line),
            "verdict": .string(decision.verdict.code), "text": .string(decision.verdict.description),
          ]
          if case .legal(let fused, let unfused) = decision.verdict {
            values["fused_bytes"] = .integer(fused.primary.count)
            values["unfused_bytes"] = .integer(unfused.primary.count)
          }
          return .object(values)
        }),
    ]
  }

  private func name(_ layer: Int) -> String { sanitised(plan.network.layers[layer].name, limit: 48) }
}
