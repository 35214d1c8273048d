import Fusion
import Hardware
import Scheduling
import Workload

extension FusionGraph {
  /// The graph as DOT: ids `n0…`, labels sanitised, plain attributes only.
  public var dot: String {
    var lines = ["digraph fusion {"]
    lines.append("  graph [fontname=\"Helvetica\", labelloc=t, fontsize=16, label=\(title)]")
    lines.append(
      "  node [fontname=\"Helvetica\", fontsize=11, shape=box, width=4.2, style=\"rounded,filled\", fillcolor=white]"
    )
    lines.append("  edge [fontname=\"Helvetica\", fontsize=10]")
    for (index, map) in plan.network.inputs.enumerated() {
      lines.append("  i\(index) [shape=ellipse, label=\(GraphLabel("input", map.text))]")
    }
    for (index, group) in plan.groups.enumerated() { lines += box(group, index) }
    lines += drawnEdges
    lines.append("}")
    return lines.joined(separator: "\n") + "\n"
  }

  private var title: GraphLabel {
    let (fused, unfused) = (plan.total.gma, plan.unfusedTotal.gma)
    return GraphLabel(
      "\(plan.network.name) on \(plan.gpu.name), \(plan.precision.elementType.rawValue)",
      "accesses unfused \(Self.text(unfused)), fused \(Self.text(fused)) (−\(Self.percent(fused, of: unfused)) %)"
    )
  }

  private func box(_ group: FusionGroup, _ index: Int) -> [String] {
    let nodes = group.layers.map { "  n\($0) [\(attributes(of: $0, in: group))]" }
    guard group.layers.count > 1, let candidate = group.candidate else { return nodes }
    let tiling = candidate.schedule.tiling
    let label = GraphLabel(
      "\(candidate.schedule.kind), tile \(tiling.rows)×\(tiling.columns)×\(tiling.channels)",
      "\(Self.text(group.unfused.gma)) → \(Self.text(group.cost.gma))")
    let colour = Self.colour(of: candidate.schedule.kind)
    return [
      "  subgraph cluster_\(index) {",
      "    label=\(label); labeljust=l; fontsize=11; style=\"rounded,filled\"; color=\"\(colour.line)\"; "
        + "fillcolor=\"\(colour.fill)\"",
    ] + nodes.map { "  " + $0 } + ["  }"]
  }

  private func attributes(of index: Int, in group: FusionGroup) -> String {
    let layer = plan.network.layers[index]
    let lines = [layer.name, "\(layer.kind.rawValue) → \(layer.outputMap.text)"]
    let label = GraphLabel(lines: lines)
    if layer.isOpaque { return "label=\(label), style=\"rounded,dashed\", color=gray, fontcolor=gray" }
    return "label=\(label)"
  }

  private var drawnEdges: [String] {
    let edges = edges
    let most = max(1, edges.compactMap { $0.bytes?.count }.max() ?? 1)
    return edges.map { edge in
      let from: String
      switch edge.from {
      case .input(let index): from = "i\(index)"
      case .layer(let index): from = "n\(index)"
      }
      guard let bytes = edge.bytes else {
        return "  \(from) -> n\(edge.to) [style=dashed, color=gray, fontcolor=gray, label=\"  on chip\"]"
      }
      let width = 10 + 50 * bytes.count / most  // tenths of a point
      return "  \(from) -> n\(edge.to) [label=\(GraphLabel("  " + Self.text(bytes))), "
        + "penwidth=\(width / 10).\(width % 10)]"
    }
  }

  /// Colours by which convolutions are fused; any other chain is grey.
  private static func colour(of kind: KernelKind) -> (line: String, fill: String) {
    let convolutions = KernelKind(
      stages: kind.stages.filter { $0 != .add }, recomputesHalo: kind.recomputesHalo)
    return switch convolutions.description {
    case "dwpw": ("#1b7f4d", "#e3f4ea")
    case "pwdw": ("#1f5fa8", "#e4eefa")
    case "pwdw_r": ("#8a4fae", "#f3e9f9")
    case "pwpw": ("#b3641b", "#fbeede")
    default: ("#555555", "#eeeeee")
    }
  }

  /// Decimal megabytes or kilobytes with two decimals, exact arithmetic: `7.71 MB`.
  static func text(_ bytes: Bytes) -> String {
    for (unit, name) in [(1_000_000_000, "GB"), (1_000_000, "MB"), (1000, "kB")] where bytes.count >= unit {
      let hundredths = (bytes.count * 100 + unit / 2) / unit
      let rest = hundredths % 100
      return "\(hundredths / 100).\(rest < 10 ? "0" : "")\(rest) \(name)"
    }
    return "\(bytes) B"
  }

  /// How much less `part` is than `whole`, in percent with one decimal.
  static func percent(_ part: Bytes, of whole: Bytes) -> String {
    guard whole > .zero else { return "0.0" }
    let tenths = ((whole.count - part.count) * 1000 + whole.count / 2) / whole.count
    return "\(tenths / 10).\(tenths % 10)"
  }
}
