import ModelFiles
import Workload

/// Reads `--layers`: `3`, `3-5`, `block2_dw`, `block2_dw-block2_project`. A layer's name comes before an index.
enum LayerRange {
  static func parse(_ text: String, in network: Network) throws(CommandFailure) -> ClosedRange<Int> {
    var names: [String: Int] = [:]
    for (index, layer) in network.layers.enumerated() { names[layer.name] = index }
    func index(_ word: some StringProtocol) -> Int? {
      if let index = names[String(word)] { return index }
      guard let index = Int(word), network.layers.indices.contains(index) else { return nil }
      return index
    }
    if let single = index(text) { return single...single }
    // Names may hold dashes: the first dash with a layer on both sides divides.
    for dash in text.indices where text[dash] == "-" {
      guard let first = index(text[..<dash]), let last = index(text[text.index(after: dash)...]) else {
        continue
      }
      guard first <= last else {
        throw CommandFailure.usage("--layers \(sanitised(text)) runs backwards", remedy: "swap the two")
      }
      return first...last
    }
    let parts = text.split(separator: "-", maxSplits: 1).map(String.init)
    let unknown = parts.first { index($0) == nil } ?? text
    throw CommandFailure(
      "unknown-layer", "'\(sanitised(unknown))' is no layer of '\(sanitised(network.name))'",
      remedy: DidYouMean.question(for: unknown, among: network.layers.map(\.name))
        ?? "give indices from 0 to \(network.layers.count - 1), or names, as fuselab inspect lists them")
  }
}
