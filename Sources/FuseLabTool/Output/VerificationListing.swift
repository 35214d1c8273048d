import Fusion
import ModelFiles
import Verification
import Workload

/// A verification as a table and as JSON.
enum VerificationListing {
  static func text(_ outcome: VerificationOutcome, _ plan: FusionPlan, _ style: TerminalStyle) -> String {
    let isQuantized = plan.precision.elementType == .int8
    var table = TextTable(
      [
        .text("kernel", shrinksTo: nil), .text("layers"), .text("tile RxCxF", shrinksTo: nil),
        .number("bytes equal"),
      ] + (isQuantized ? [.number("values"), .number("saturated")] : []) + [.text("verdict")])
    for check in outcome.layers {
      let spread = check.spread.map { [String($0.distinct), fixed($0.saturated * 100, decimals: 2) + "%"] }
      let weak = check.spread.map { $0.passes ? "" : ", \($0.verdict.rawValue)" } ?? ""
      table.add(
        cells(check.kernel, plan) + (isQuantized ? spread ?? ["", ""] : []) + [word(check.kernel) + weak])
    }
    if !outcome.groups.isEmpty { table.addRule() }
    for check in outcome.groups {
      table.add(cells(check, plan) + (isQuantized ? ["", ""] : []) + [word(check)])
    }
    let counted = outcome.kernels.filter { $0.verdict == .equal }.count
    let skipped = outcome.kernels.filter { if case .notExecuted = $0.verdict { true } else { false } }.count
    let last =
      outcome.passes
      ? style.green("equal")
        + ": \(grouped(outcome.bytesCompared)) bytes of \(counted) kernels equal the reference"
      : style.red("different") + ": \(outcome.failures.count) kernels differ, "
        + "\(outcome.poorlySpread.count) layers have too few or saturated values"
    let note = skipped == 0 ? "" : "; \(skipped) not executed"
    return table.text(style) + last + note + "\n" + details(outcome, plan)
  }

  private static func cells(_ check: KernelCheck, _ plan: FusionPlan) -> [String] {
    let names = check.layers.map { sanitised(plan.network.layers[$0].name, limit: 48) }.joined(
      separator: " + ")
    let tiling = check.schedule?.tiling
    return [
      check.schedule?.kind.description ?? "-", names,
      tiling.map { "\($0.rows)x\($0.columns)x\($0.channels)" } ?? "",
      check.verdict == .equal ? grouped(check.bytesCompared) : "0",
    ]
  }

  private static func word(_ check: KernelCheck) -> String {
    switch check.verdict {
    case .equal: "equal"
    case .different: "DIFFERENT"
    case .failed: "FAILED"
    case .notExecuted(let reason): reason
    }
  }

  private static func details(_ outcome: VerificationOutcome, _ plan: FusionPlan) -> String {
    outcome.failures.map { check in
      let names = check.layers.map { sanitised(plan.network.layers[$0].name, limit: 48) }.joined(
        separator: " + ")
      switch check.verdict {
      case .different(let difference):
        return "  \(names): first at image \(difference.image), channel \(difference.channel), "
          + "row \(difference.row), column \(difference.column): expected \(difference.expected), "
          + "found \(difference.found)\n"
      case .failed(let why): return "  \(names): \(why)\n"
      case .equal, .notExecuted: return ""
      }
    }.joined()
  }

  static func json(_ outcome: VerificationOutcome, _ plan: FusionPlan) -> JSONValue {
    [
      "network": .string(plan.network.name), "gpu": .string(plan.gpu.id),
      "element_type": .string(plan.precision.elementType.rawValue),
      "passes": .bool(outcome.passes), "bytes_compared": .integer(outcome.bytesCompared),
      "layers": .array(
        outcome.layers.map { check in
          var values = fields(check.kernel, plan)
          if let spread = check.spread {
            values["distinct_values"] = .integer(spread.distinct)
            values["saturated_share"] = .number(spread.saturated)
            values["spread"] = .string(spread.verdict.rawValue)
          }
          return .object(values)
        }),
      "fused_kernels": .array(outcome.groups.map { .object(fields($0, plan)) }),
    ]
  }

  private static func fields(_ check: KernelCheck, _ plan: FusionPlan) -> [String: JSONValue] {
    var values: [String: JSONValue] = [
      "layers": JSONValue(check.layers.map { plan.network.layers[$0].name }),
      "kind": JSONValue(check.schedule?.kind.description), "bytes_compared": .integer(check.bytesCompared),
    ]
    switch check.verdict {
    case .equal: values["verdict"] = "equal"
    case .failed(let why):
      values["verdict"] = "failed"
      values["reason"] = .string(why)
    case .notExecuted(let why):
      values["verdict"] = "not-executed"
      values["reason"] = .string(why)
    case .different(let difference):
      values["verdict"] = "different"
      values["first_difference"] = [
        "image": .integer(difference.image), "channel": .integer(difference.channel),
        "row": .integer(difference.row), "column": .integer(difference.column),
        "expected": .string(difference.expected), "found": .string(difference.found),
      ]
    }
    return values
  }
}
