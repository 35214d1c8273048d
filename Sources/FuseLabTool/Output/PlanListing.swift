import Fusion
import Hardware
import ModelFiles
import Scheduling
import Workload

/// A plan as tables and as JSON.
enum PlanListing {
  static func text(_ plan: FusionPlan, _ style: TerminalStyle) -> String {
    var table = TextTable(
      [
        .number("#"), .text("kernel", shrinksTo: nil), .text("layers"), .text("tile RxCxF", shrinksTo: nil),
        .number("blocks"), .number("shared B"), .number("unfused B"), .number("planned B"), .number("saved"),
      ] + estimateColumns(plan))
    for (index, group) in plan.groups.enumerated() {
      table.add(cells(group, index, plan) + estimateCells(group.unfused, group.cost, plan))
    }
    table.addRule()
    table.add(
      ["", "total", "", "", "", "", grouped(plan.unfusedTotal.gma.count), grouped(plan.total.gma.count)]
        + [saved(plan.total.gma, of: plan.unfusedTotal.gma)]
        + estimateCells(plan.unfusedTotal, plan.total, plan))
    let title =
      "\(sanitised(plan.network.name)) on \(sanitised(plan.gpu.name)), \(plan.precision.elementType), "
      + "objective \(plan.objective), at least \(plan.minBlocks) blocks"
    let note =
      plan.objective.isEstimate ? hanging(EstimateListing.footnote(plan.gpu), width: style.width) + "\n" : ""
    return style.bold(title) + "\n" + table.text(style) + hanging(summary(plan), width: style.width) + "\n"
      + note + refusals(plan, style)
  }

  /// The objective's own columns, where it is not bytes.
  private static func estimateColumns(_ plan: FusionPlan) -> [TextTable.Column] {
    guard plan.objective.isEstimate else { return [] }
    let unit = plan.objective == .time ? "us" : "uJ"
    return [.number("unfused est. \(unit)"), .number("est. \(unit)")]
  }

  private static func estimateCells(_ unfused: Cost, _ planned: Cost, _ plan: FusionPlan) -> [String] {
    guard plan.objective.isEstimate else { return [] }
    return [unfused, planned].map { fixed(Double($0.primary.count) / 1e6, decimals: 2) }
  }

  private static func cells(_ group: FusionGroup, _ index: Int, _ plan: FusionPlan) -> [String] {
    let names = group.layers.map { sanitised(plan.network.layers[$0].name, limit: 48) }.joined(
      separator: " + ")
    guard let schedule = group.candidate?.schedule else {
      return [String(index), "-", names, "", "", "", "", "", ""]
    }
    let tiling = schedule.tiling
    return [
      String(index), schedule.kind.description, names,
      "\(tiling.rows)x\(tiling.columns)x\(tiling.channels)", grouped(schedule.blocks.count),
      grouped(schedule.footprint.sharedMemory.count), grouped(group.unfused.gma.count),
      grouped(group.cost.gma.count),
      group.layers.count > 1 ? saved(group.cost.gma, of: group.unfused.gma) : "",
    ]
  }

  private static func summary(_ plan: FusionPlan) -> String {
    let objective = plan.objective
    let what =
      switch objective {
      case .gma: "accesses"
      case .dram: "DRAM traffic"
      case .time: "estimated time"
      case .energy: "estimated energy"
      }
    return
      "\(plan.fusedGroups.count) fused kernels; \(what) \(objective.text(plan.total.primary)), lower bound "
      + "\(objective.text(plan.lowerBound.primary)), gap \(objective.text(plan.gap)): "
      + (plan.gap != .zero
        ? "not proved optimal"
        : objective.isEstimate
          ? "no other partition has less by this estimate"
          : "no other partition costs less" + (isOfSectors(plan) ? ", of tiles of whole sectors" : ""))
  }

  /// Whether tiles that cut sectors were left out everywhere.
  private static func isOfSectors(_ plan: FusionPlan) -> Bool {
    plan.axisOrder == .hwc && !plan.objective.isEstimate
  }

  private static func refusals(_ plan: FusionPlan, _ style: TerminalStyle) -> String {
    guard !plan.refusals.isEmpty else { return "" }
    let lines = plan.refusals.map { decision in
      let names = [decision.first, decision.second].map { sanitised(plan.network.layers[$0].name, limit: 48) }
      let line =
        "\(names[0]) + \(names[1]): \(sanitised(decision.verdict.text(by: plan.objective), limit: 320))"
      return hanging(line, width: style.width, indent: "  ") + "\n"
    }
    return style.bold("not fused") + "\n" + lines.joined()
  }

  /// Less than before, in percent.
  static func saved(_ part: Bytes, of whole: Bytes) -> String {
    percentage(whole.count - part.count, of: whole.count)
  }

  static func json(_ plan: FusionPlan) -> JSONValue {
    [
      "network": .string(plan.network.name), "gpu": .string(plan.gpu.id),
      "element_type": .string(plan.precision.elementType.rawValue),
      "layout": .string(MapLayout(plan.axisOrder).rawValue), "batch": .integer(plan.network.batch),
      "objective": .string(plan.objective.rawValue), "min_blocks": .integer(plan.minBlocks),
      "groups": .array(plan.groups.map { json($0, plan) }),
      "decisions": .array(plan.decisions.map { json($0, plan) }),
      "is_estimate": .bool(plan.objective.isEstimate),
      "totals": .object([
        "gma_bytes": .integer(plan.total.gma.count),
        "unfused_gma_bytes": .integer(plan.unfusedTotal.gma.count),
        key("objective", plan): .integer(plan.total.primary.count),
        key("unfused_objective", plan): .integer(plan.unfusedTotal.primary.count),
        "fused_kernels": .integer(plan.fusedGroups.count),
      ]),
      "certificate": .object([
        key("lower_bound", plan): .integer(plan.lowerBound.primary.count),
        key("gap", plan): .integer(plan.gap.count),
        "is_of_whole_sectors": .bool(isOfSectors(plan)),
        key("layer_price", plan): .array(plan.prices.map { .integer($0.primary.count) }),
      ]),
    ]
  }

  /// `name` with the objective's unit: `gap_bytes`, `gap_picoseconds`.
  private static func key(_ name: String, _ plan: FusionPlan) -> String {
    name + "_" + plan.objective.unit.rawValue
  }

  private static func json(_ group: FusionGroup, _ plan: FusionPlan) -> JSONValue {
    var values: [String: JSONValue] = [
      "kind": .string(
        group.candidate?.schedule.kind.description ?? plan.network.layers[group.layers[0]].kind.rawValue),
      "layers": JSONValue(group.layers.map { plan.network.layers[$0].name }),
      "layer_indices": JSONValue(group.layers),
      "gma_bytes": .integer(group.cost.gma.count),
      "unfused_gma_bytes": .integer(group.unfused.gma.count),
      key("objective", plan): .integer(group.cost.primary.count),
      "reason": JSONValue(group.reason),
    ]
    if let candidate = group.candidate {
      values["schedule"] = json(candidate.schedule)
      values["accesses"] = json(candidate.accesses)
    }
    return .object(values)
  }

  static func json(_ schedule: Schedule) -> JSONValue {
    [
      "tile_rows": .integer(schedule.tiling.rows), "tile_columns": .integer(schedule.tiling.columns),
      "tile_channels": .integer(schedule.tiling.channels),
      "reduction_channels": JSONValue(schedule.tiling.reduction),
      "threads": .integer(schedule.lanes.threads), "vector_width": .integer(schedule.lanes.vectorWidth),
      "buffers": .integer(schedule.lanes.buffers),
      "channels_per_thread": .integer(schedule.lanes.channelsPerThread),
      "pixels_per_thread": .integer(schedule.lanes.pixelsPerThread),
      "uses_tensor_cores": .bool(schedule.usesTensorCores),
      "slides_windows": .bool(schedule.slidesWindows), "keeps_slots": .bool(schedule.keepsSlots),
      "block_order": .string(schedule.order.rawValue), "blocks": .integer(schedule.blocks.count),
      "shared_memory_bytes": .integer(schedule.footprint.sharedMemory.count),
      "registers_per_thread_estimate": .integer(schedule.footprint.registersPerThread),
    ]
  }

  /// The same as one word.
  static func word(_ schedule: Schedule) throws(CommandFailure) -> String {
    try json(schedule).text().filter { !$0.isWhitespace }
  }

  static func json(_ accesses: GlobalAccesses) -> JSONValue {
    let rows = accesses.operands.map { operand -> (String, JSONValue) in
      let causes = AccessCause.allCases.filter { accesses[operand, $0] > .zero }.map {
        (key($0), JSONValue(accesses[operand, $0].count))
      }
      return (operand.description, .object(Dictionary(causes) { first, _ in first }))
    }
    return .object(Dictionary(rows) { first, _ in first })
  }

  private static func key(_ cause: AccessCause) -> String {
    cause == .reread ? "reread_bytes" : cause.rawValue + "_bytes"
  }

  private static func json(_ decision: PairDecision, _ plan: FusionPlan) -> JSONValue {
    var values: [String: JSONValue] = [
      "first": .string(plan.network.layers[decision.first].name),
      "second": .string(plan.network.layers[decision.second].name),
      "verdict": .string(decision.verdict.code), "text": .string(decision.verdict.text(by: plan.objective)),
    ]
    switch decision.verdict {
    case .costsMore(let fused, let unfused), .betterElsewhere(let fused, let unfused):
      values[key("fused", plan)] = .integer(fused.primary.count)
      values[key("unfused", plan)] = .integer(unfused.primary.count)
    case .fused, .fork, .addedToItself, .kindsNotFused, .notConsidered, .infeasible: break
    }
    return .object(values)
  }
}
