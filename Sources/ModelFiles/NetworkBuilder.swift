import Workload

/// Puts layer specifications together: finds each layer's inputs, and its shape from theirs.
///
/// A layer that fails is reported and left out; what depends on it is left out too, so that every finding is
/// a mistake of its own.
struct NetworkBuilder {
  private let document: YAMLDocument
  private let networkInputs: [FeatureMap]
  private var layers: [Layer] = []
  /// The layer of each name that was seen; nil where it could not be built.
  private var indices: [String: Int?] = [:]
  private let specifications: [LayerSpecification]

  static func layers(
    _ specifications: [LayerSpecification], inputs: [FeatureMap], document: YAMLDocument
  ) -> [Layer] {
    var builder = NetworkBuilder(
      document: document, networkInputs: inputs, specifications: specifications)
    for position in specifications.indices where !document.hasManyErrors { builder.append(position) }
    return builder.layers
  }

  private init(document: YAMLDocument, networkInputs: [FeatureMap], specifications: [LayerSpecification]) {
    self.document = document
    self.networkInputs = networkInputs
    self.specifications = specifications
  }

  private mutating func append(_ position: Int) {
    let specification = specifications[position]
    guard indices[specification.name] == nil else {
      return specification.mapping.fail(
        .notSSA, "two layers are named '\(sanitised(specification.name, limit: 60))'",
        "give each layer its own name", at: "name")
    }
    var built: Int?
    defer { indices[specification.name] = .some(built) }
    guard let references = references(of: position) else { return }
    let expected = specification.op == .add ? 2 : 1
    guard specification.op == .opaque ? !references.isEmpty : references.count == expected else {
      return specification.mapping.fail(
        .inputCount,
        "op '\(specification.op.rawValue)' takes \(expected) input(s) but has \(references.count)",
        expected == 2 ? "write inputs: [first, second]" : nil)
    }
    let maps = references.map(map)
    if specification.op == .add, maps[0] != maps[1] {
      return specification.mapping.fail(
        .shapeMismatch, "the inputs differ: \(maps[0].text) and \(maps[1].text) (N×C×H×W)", nil, at: "inputs")
    }
    do {
      let layer = try specification.layer(input: maps[0], references: references)
      if layer.shape.rows.paddingExceedsWindow || layer.shape.columns.paddingExceedsWindow {
        specification.mapping.warn(
          .padTooLarge, "the padding is as large as the window, so some outputs read only padding", nil,
          at: "padding")
      }
      built = layers.count
      layers.append(layer)
    } catch {
      specification.mapping.fail(
        error.diagnosticCode, error.description.droppingFullStop, nil, at: specification.key(of: error))
    }
  }

  private func map(_ reference: TensorReference) -> FeatureMap {
    switch reference {
    case .input(let index): networkInputs[index]
    case .layer(let index): layers[index].outputMap
    }
  }

  /// The layer's inputs; nil where one is wrong, which is reported, or could not be built.
  private func references(of position: Int) -> [TensorReference]? {
    guard let names = specifications[position].inputs else {
      guard position > 0 else { return [.input(0)] }
      return (indices[specifications[position - 1].name] ?? nil).map { [.layer($0)] }
    }
    var references: [TensorReference] = []
    var complete = true
    for name in names {
      if let input = NetworkInputName.index(name.text), networkInputs.indices.contains(input) {
        references.append(.input(input))
      } else if let known = indices[NetworkInputName.layerName(name.text)] {
        if let index = known { references.append(.layer(index)) } else { complete = false }
      } else {
        reportUndefined(name, in: position)
        complete = false
      }
    }
    return complete ? references : nil
  }

  private func reportUndefined(_ name: (text: String, node: YAMLMapping.Value), in position: Int) {
    let shown = sanitised(name.text, limit: 60)
    if let cycle = cycle(from: position, through: NetworkInputName.layerName(name.text)) {
      let path = cycle.map { sanitised($0, limit: 60) }.joined(separator: " → ")
      return document.fail(.graphCycle, "the layers form a cycle: \(path)", nil, at: name.node)
    }
    let later = specifications.contains { $0.name == NetworkInputName.layerName(name.text) }
    let candidates = Array(indices.keys).sorted() + ["$input"]
    document.fail(
      .inputUndefined,
      later ? "the layer '\(shown)' is defined only further down" : "there is no layer '\(shown)'",
      later
        ? "put it before the layers that read it" : DidYouMean.question(for: name.text, among: candidates),
      at: name.node)
  }

  /// Names along a cycle that goes from layer `position` to its input `name` and back; nil without one.
  private func cycle(from position: Int, through name: String) -> [String]? {
    var positions: [String: Int] = [:]
    for (index, specification) in specifications.enumerated() where positions[specification.name] == nil {
      positions[specification.name] = index
    }
    guard let start = positions[name], start >= position else { return nil }
    var cameFrom: [Int: Int] = [:]
    var frontier = [start]
    var seen: Set<Int> = [start]
    while let current = frontier.popLast(), current != position {
      for input in inputPositions(of: current, positions) where seen.insert(input).inserted {
        cameFrom[input] = current
        frontier.append(input)
      }
    }
    guard seen.contains(position) else { return nil }
    var path = [position]
    while let last = path.last, last != start, let previous = cameFrom[last] { path.append(previous) }
    return ([position] + path.reversed()).map { specifications[$0].name }
  }

  private func inputPositions(of position: Int, _ positions: [String: Int]) -> [Int] {
    guard let names = specifications[position].inputs else { return position > 0 ? [position - 1] : [] }
    return names.compactMap { positions[NetworkInputName.layerName($0.text)] }
  }
}

/// How network files name the network's own inputs: `$input`, `$input2`, …; a layer whose name begins with
/// `$` is referred to with one more `$`.
enum NetworkInputName {
  static func index(_ text: String) -> Int? {
    guard text.hasPrefix("$input") else { return nil }
    let digits = text.dropFirst("$input".count)
    if digits.isEmpty { return 0 }
    guard let number = Int(digits), number >= 2, String(number) == digits else { return nil }
    return number - 1
  }

  static func text(_ index: Int) -> String { index == 0 ? "$input" : "$input\(index + 1)" }

  static func layerName(_ text: String) -> String { text.hasPrefix("$$") ? String(text.dropFirst()) : text }
  static func text(_ layer: String) -> String { layer.hasPrefix("$") ? "$" + layer : layer }
}
