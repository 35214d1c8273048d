import Comparison
import ModelFiles

/// Comparisons as tables and as JSON.
enum ComparisonListing {
  struct Section {
    let text: String
    let json: JSONValue
    let passes: Bool
  }

  private static func percent(_ share: Double?) -> String {
    share.map { fixed($0 * 100, decimals: 2) + "%" } ?? "-"
  }

  private static func number(_ value: Double) -> String {
    value == value.rounded() ? fixed(value, decimals: 0) : fixed(value, decimals: 1)
  }

  private static func json(_ value: Double?) -> JSONValue { value.map { .number($0) } ?? .null }

  private static func names(_ layers: [String]) -> String {
    layers.map { sanitised($0, limit: 48) }.joined(separator: " + ")
  }

  // MARK: Profiles

  static func section(_ comparison: ProfileComparison, _ tolerance: Double, _ style: TerminalStyle) -> Section
  {
    let result = comparison.result
    var table = TextTable([
      .text("counter", shrinksTo: nil), .number("predicted"), .number("measured"), .number("WAPE"),
      .number("NRMSE"), .number("max"), .number("spread"), .text("worst kernel"),
    ])
    for row in comparison.rows {
      let error = row.error
      table.add([
        row.counter.name, number(error.predicted), number(error.measured), percent(error.weightedError),
        percent(error.normalisedRootMeanSquare), percent(error.worst.relativeError), percent(error.spread),
        error.worst.relativeError == 0 ? "" : names(result.kernels[error.worst.kernel].layers),
      ])
    }
    let place = Localisation(comparison, tolerance: tolerance)
    let runs = comparison.repeats
    let times =
      runs.lowerBound == runs.upperBound ? "\(runs.lowerBound)" : "\(runs.lowerBound) to \(runs.upperBound)"
    let title =
      "\(sanitised(result.network)) on \(sanitised(result.gpu)), \(sanitised(result.elementType)): "
      + "\(comparison.measuredKernels) of \(result.kernels.count) kernels measured, \(times) times each"
    let verdict =
      place.map { hanging(words($0, result), width: style.width) }
      ?? "every counter is within \(percent(tolerance))"
    return Section(
      text: style.bold(title) + "\n" + table.text(style) + code(comparison) + verdict + "\n",
      json: json(comparison, place), passes: place == nil)
  }

  private static func code(_ comparison: ProfileComparison) -> String {
    let spilling =
      comparison.spilling == 0
      ? ""
      : "left out of L2 and DRAM: \(comparison.spilling) of the kernels, for they keep something in local memory\n"
    return comparison.rows.filter { $0.codeBytes + $0.launchBytes > 0 }.map {
      "\($0.counter.name): of what is predicted \(grouped($0.codeBytes)) are machine code and "
        + "\(grouped($0.launchBytes)) what launches read\n"
    }.joined() + spilling
  }

  private static func words(_ place: Localisation, _ result: ResultFile) -> String {
    let kernel = result.kernels[place.kernel]
    let above =
      place.agreeing.isEmpty
      ? "" : ", what is above it (\(place.agreeing.map(\.rawValue).joined(separator: ", "))) agrees"
    let tensor = place.tensor.map { ", as if \($0) alone were wrong" } ?? ""
    return "over tolerance from \(place.level.rawValue) on\(above): \(place.counter), of which "
      + "\(percent(place.shareOfError)) in \(sanitised(kernel.kind)) \(names(kernel.layers)): predicted "
      + "\(number(place.predicted)), measured \(number(place.measured))\(tensor)"
  }

  private static func json(_ comparison: ProfileComparison, _ place: Localisation?) -> JSONValue {
    let result = comparison.result
    return [
      "measured_kernels": .integer(comparison.measuredKernels),
      "repeats_least": .integer(comparison.repeats.lowerBound),
      "repeats_most": .integer(comparison.repeats.upperBound),
      "unmatched_launches": .integer(comparison.unmatched),
      "spilling_kernels": .integer(comparison.spilling),
      "counters": .array(
        comparison.rows.map { row in
          let error = row.error
          return [
            "name": .string(row.counter.name), "metric": JSONValue(row.counter.metric),
            "code_bytes": .integer(row.codeBytes), "launch_bytes": .integer(row.launchBytes),
            "level": .string(row.level.rawValue),
            "predicted": .number(error.predicted),
            "measured": .number(error.measured), "wape_share": json(error.weightedError),
            "nrmse_share": json(error.normalisedRootMeanSquare),
            "max_error_share": json(error.worst.relativeError),
            "worst_kernel_layers": JSONValue(result.kernels[error.worst.kernel].layers),
            "hardware_spread_share": json(error.spread), "kernels": .integer(error.pairs.count),
          ]
        }),
      "localisation": place.map { place in
        [
          "level": .string(place.level.rawValue),
          "agreeing_levels": JSONValue(place.agreeing.map(\.rawValue)),
          "counter": .string(place.counter), "kernel_layers": JSONValue(result.kernels[place.kernel].layers),
          "share_of_error": .number(place.shareOfError), "predicted": .number(place.predicted),
          "measured": .number(place.measured), "tensor": JSONValue(place.tensor),
        ]
      } ?? .null,
    ]
  }

  // MARK: Two results

  static func section(_ difference: ResultDifference, _ tolerance: Double, _ style: TerminalStyle) -> Section
  {
    var table = TextTable([
      .text("total", shrinksTo: nil), .number("A"), .number("B"), .number("change"),
    ])
    for row in difference.totals {
      table.add([row.name, grouped(row.before), grouped(row.after), percent(row.change)])
    }
    var lines: [String] = []
    for kernel in difference.kernels {
      let largest = kernel.rows.dropFirst().reduce(kernel.rows[0]) {
        abs($1.change ?? .infinity) > abs($0.change ?? .infinity) ? $1 : $0
      }
      lines.append(
        "\(kernel.kinds[0]) \(names(kernel.layers)): \(kernel.rows.count) numbers differ, most \(largest.name), "
          + "\(grouped(largest.before)) to \(grouped(largest.after))"
          + (kernel.tensor.map { ", most of it \($0)" } ?? ""))
    }
    lines += difference.onlyBefore.map { "only in A: \(names($0))" }
    lines += difference.onlyAfter.map { "only in B: \(names($0))" }
    let wrong = difference.exceeding(tolerance)
    let verdict =
      wrong.isEmpty
      ? "every total is within \(percent(tolerance))"
      : "\(wrong.count) totals differ by more than \(percent(tolerance)): \(wrong.map(\.name).joined(separator: ", "))"
    return Section(
      text: table.text(style) + (lines + [verdict]).map { hanging($0, width: style.width) + "\n" }.joined(),
      json: json(difference), passes: wrong.isEmpty)
  }

  private static func json(_ difference: ResultDifference) -> JSONValue {
    func json(_ row: ResultDifference.Row) -> JSONValue {
      [
        "name": .string(row.name), "a": .integer(row.before), "b": .integer(row.after),
        "change_share": self.json(row.change),
      ]
    }
    return [
      "totals": .array(difference.totals.map(json)),
      "kernels": .array(
        difference.kernels.map {
          [
            "layers": JSONValue($0.layers), "kind_a": .string($0.kinds[0]), "kind_b": .string($0.kinds[1]),
            "tensor": JSONValue($0.tensor), "numbers": .array($0.rows.map(json)),
          ]
        }),
      "only_a": .array(difference.onlyBefore.map { JSONValue($0) }),
      "only_b": .array(difference.onlyAfter.map { JSONValue($0) }),
    ]
  }

  // MARK: Budgets

  static func section(_ checks: [BudgetFile.Check], _ style: TerminalStyle) -> Section {
    var table = TextTable([
      .text("budget", shrinksTo: nil), .text("layer"), .number("found"), .number("at most"),
      .text("", shrinksTo: nil),
    ])
    for check in checks {
      table.add([
        check.counter, check.layer ?? "", grouped(check.found), grouped(check.atMost),
        check.holds ? "" : "over",
      ])
    }
    let over = checks.count { !$0.holds }
    return Section(
      text: table.text(style)
        + (over == 0 ? "within every budget\n" : "\(over) of \(checks.count) budgets passed over\n"),
      json: .array(
        checks.map {
          [
            "counter": .string($0.counter), "layer": JSONValue($0.layer), "found": .integer($0.found),
            "at_most": .integer($0.atMost), "holds": .bool($0.holds),
          ]
        }), passes: over == 0)
  }
}
