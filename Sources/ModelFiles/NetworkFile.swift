import Workload

/// A network as `Configs/Networks/*.yaml` holds it: the layers, where they come from, and what was published
/// about them.
///
/// ```yaml
/// version: 1
/// name: example
/// input: {channels: 3, rows: 224, columns: 224}
/// layers:
///   - {name: conv1, op: conv, filters: 32, kernel: 3, stride: 2, activation: relu6}
///   - {name: dw1, op: depthwise, kernel: [3, 3], padding: [1, 1, 1, 1], multiplier: 1}
///   - {name: pw1, op: pointwise, filters: 32, bias: false}
///   - {name: sum, op: add, inputs: [conv1, pw1]}
///   - {name: end, op: opaque, operator: softmax}
/// ```
/// A layer reads the one before it unless it has `input` or `inputs`; `$input`, `$input2`, … are the network's
/// own. `LayerOp` lists the operations and their keys. Padding is `same` (TensorFlow's), `valid` or `[top,
/// left, bottom, right]`; it is `same` unless given. Convolutions have a bias unless they say `bias: false`. An
/// input's size may be a name, as in `batch: N`, whose number comes with the question.
public struct NetworkFile: Hashable, Sendable {
  /// Figures from a paper or an official implementation, to check the layers against.
  public struct Published: Hashable, Sendable {
    public let source: String
    /// Multiply-accumulates of one image in millions, rounded as published.
    public let multiplyAccumulatesInMillions: Int?
    /// Trainable parameters before batch normalisation is folded: see `Network.trainableParameters`.
    public let parameters: Int?

    public init(source: String, multiplyAccumulatesInMillions: Int? = nil, parameters: Int? = nil) {
      self.source = source
      self.multiplyAccumulatesInMillions = multiplyAccumulatesInMillions
      self.parameters = parameters
    }
  }

  public let network: Network
  /// Where the layers come from.
  public let source: String?
  public let published: Published?
  /// What a reader should know though nothing is wrong.
  public let warnings: [Diagnostic]

  public init(
    network: Network, source: String? = nil, published: Published? = nil, warnings: [Diagnostic] = []
  ) {
    self.network = network
    self.source = source
    self.published = published
    self.warnings = warnings
  }

  /// - Parameters:
  ///   - path: the file's name for diagnostics.
  ///   - dimensions: numbers for the sizes that the file names, as in `batch: N`.
  /// - Throws: everything that is wrong with the text, up to `FileErrors.limit` findings.
  public static func parse(
    text: String, path: String, dimensions: [String: Int] = [:]
  ) throws(FileErrors) -> NetworkFile {
    let document = YAMLDocument(source: SourceText(path: path, text: text), dimensions: dimensions)
    let file = read(document)
    guard let file, document.errors.isEmpty else { throw FileErrors(document.errors) }
    return file
  }

  private static func read(_ document: YAMLDocument) -> NetworkFile? {
    let keys = ["name", "source", "published", "input", "inputs", "layers"]
    guard let root = document.root("network", keys: keys) else { return nil }
    let name = root.string("name")
    let source = root.optionalString("source")
    let published = root.has("published") ? readPublished(root) : nil
    let inputs = readInputs(root)
    guard let items = root.items("layers") else { return nil }
    let specifications = items.compactMap {
      document.hasManyErrors ? nil : LayerSpecification(document, $0)
    }
    guard let name, let inputs, document.errors.isEmpty else { return nil }
    let layers = NetworkBuilder.layers(specifications, inputs: inputs, document: document)
    guard document.errors.isEmpty else { return nil }
    do {
      let network = try Network(name: name, inputs: inputs, layers: layers)
      for name in document.dimensions.unused {
        document.warn(.unusedDimension(name, path: document.source.path))
      }
      return NetworkFile(
        network: network, source: source, published: published, warnings: document.warnings)
    } catch {
      root.fail(error.diagnosticCode, error.description.droppingFullStop, nil, at: "layers")
      return nil
    }
  }

  private static func readPublished(_ root: YAMLMapping) -> Published? {
    let keys = ["source", "multiply_accumulates_millions", "parameters"]
    guard let mapping = root.mapping("published", "published figures", keys: keys),
      let source = mapping.string("source")
    else { return nil }
    return Published(
      source: source,
      multiplyAccumulatesInMillions: mapping.has(keys[1]) ? mapping.int(keys[1]) : nil,
      parameters: mapping.has(keys[2]) ? mapping.int(keys[2]) : nil)
  }

  /// The network's inputs: one under `input`, or several under `inputs`.
  private static func readInputs(_ root: YAMLMapping) -> [FeatureMap]? {
    guard !(root.has("input") && root.has("inputs")) else {
      root.fail(.attributeConflict, "both 'input' and 'inputs' are given", "keep one", at: "inputs")
      return nil
    }
    let nodes = root.has("inputs") ? root.items("inputs") : root.value("input").map { [$0] }
    guard let nodes else {
      if !root.has("inputs") {
        root.fail(.missingKey, "the network has no 'input'", "add input: {channels: …, rows: …, columns: …}")
      }
      return nil
    }
    let maps = nodes.compactMap { featureMap(root.document, $0, "input") }
    return maps.count == nodes.count ? maps : nil
  }

  /// `{channels: 3, rows: 224, columns: 224}`, with `batch: 1` where it is not given; each size may be a name.
  static func featureMap(
    _ document: YAMLDocument, _ node: YAMLMapping.Value, _ what: String
  ) -> FeatureMap? {
    let keys = ["batch", "channels", "rows", "columns"]
    guard let mapping = YAMLMapping(document, node, what, keys: keys) else { return nil }
    let batch = mapping.extent("batch", default: 1)
    let channels = mapping.extent("channels")
    let rows = mapping.extent("rows")
    let columns = mapping.extent("columns")
    guard let batch, let channels, let rows, let columns else { return nil }
    do {
      return try FeatureMap(batch: batch, channels: channels, rows: rows, columns: columns)
    } catch {
      mapping.fail(error.diagnosticCode, error.description.droppingFullStop, nil)
      return nil
    }
  }
}

extension Network {
  /// Trainable parameters as papers count them, if every convolution that has a bias and is not fully
  /// connected got it from batch normalisation: weights, a scale and a shift for each normalised channel, and
  /// the biases of fully connected layers.
  public var trainableParameters: Int {
    layers.reduce(0) { sum, layer in
      let shifts = layer.hasBias && layer.hasWeights && layer.kind != .fc ? layer.shape.outputChannels : 0
      return sum + layer.parameterCount + shifts
    }
  }
}

extension ShapeError {
  /// `code` as a diagnostic; the names are the same.
  var diagnosticCode: DiagnosticCode { DiagnosticCode(rawValue: code) ?? .dimZero }
}

extension NetworkError {
  /// `code` as a diagnostic; the names are the same.
  var diagnosticCode: DiagnosticCode { DiagnosticCode(rawValue: code) ?? .shapeMismatch }
}
