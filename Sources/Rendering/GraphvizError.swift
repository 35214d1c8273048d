/// Why a drawing could not be made. The case carries what Graphviz said.
public enum GraphvizError: Error, Hashable, Sendable {
  case graphTooLarge(bytes: Int, limit: Int)
  /// The DOT text is not a graph.
  case unreadable(String)
  /// libgvc found no layout engine or no SVG writer.
  case pluginsMissing(String)
  case layoutFailed(String)
  case renderingFailed(String)
  /// The SVG holds what a drawing of ours never should.
  case refused(SVGFinding)
}

extension GraphvizError {
  /// The stable name of the diagnostic, as documented for users.
  public var code: String {
    switch self {
    case .graphTooLarge: "limit-graph"
    case .unreadable, .layoutFailed, .renderingFailed: "graphviz-failed"
    case .pluginsMissing: "graphviz-plugins-missing"
    case .refused: "graphviz-output-refused"
    }
  }
}

extension GraphvizError: CustomStringConvertible {
  public var description: String {
    switch self {
    case .graphTooLarge(let bytes, let limit):
      "The graph takes \(bytes) B of DOT text; at most \(limit) B are drawn. Draw fewer layers."
    case .unreadable(let said):
      "Graphviz cannot read the DOT text\(Self.quoting(said)). Write the graph as .dot and look at that line."
    case .pluginsMissing(let said):
      "Graphviz has no plugin for layout and SVG\(Self.quoting(said)). "
        + "Install libgraphviz-dev anew, or write the graph as .dot, which needs no plugin."
    case .layoutFailed(let said):
      "Graphviz could not lay the graph out\(Self.quoting(said)). "
        + "Write the graph as .dot, or draw fewer layers."
    case .renderingFailed(let said):
      "Graphviz could not write the SVG\(Self.quoting(said)). Write the graph as .dot."
    case .refused(let finding):
      "The SVG from Graphviz is refused: \(finding). Write the graph as .dot."
    }
  }

  private static func quoting(_ said: String) -> String { said.isEmpty ? "" : ": \(said)" }
}
