import Workload

/// Turns the nodes of a `model_dag.json`, whose edges are sound, into a network.
struct DAGBuilder {
  let source: SourceText
  let nodes: [DAGNode]
  private(set) var warnings: [Diagnostic]
  private var errors: [Diagnostic] = []
  private var inputs: [FeatureMap] = []
  private var layers: [Layer] = []
  /// What each node gives; nil before it was built, or if it could not be.
  private var results: [TensorReference?]
  private var outcomes: [ModelDAG.Node?]
  /// Nodes of each operation that is not computed, in the order of the file.
  private var opaque: [(name: String, ids: [Int])] = []
  private var opaqueIndices: [String: Int] = [:]
  private var assumedPools = 0

  init(source: SourceText, nodes: [DAGNode], warnings: [Diagnostic]) {
    self.source = source
    self.nodes = nodes
    self.warnings = warnings
    results = Array(repeating: nil, count: nodes.count)
    outcomes = Array(repeating: nil, count: nodes.count)
  }

  mutating func build(order: [Int], name: String) throws(FileErrors) -> ModelDAG {
    for id in order { append(nodes[id]) }
    guard errors.isEmpty else { throw FileErrors(errors) }
    addWarnings()
    let network: Network
    do {
      network = try Network(name: name, inputs: inputs, layers: layers)
    } catch {
      throw FileErrors(source.diagnostic(error.diagnosticCode, error.description.droppingFullStop))
    }
    return ModelDAG(
      network: network, nodes: outcomes.compactMap { $0 }, operatorNames: nodes.map(\.name),
      inputQuantization: nodes.map(\.inputQuantization), outputQuantization: nodes.map(\.outputQuantization),
      warnings: warnings)
  }

  // MARK: Findings

  private mutating func fail(_ code: DiagnosticCode, _ message: String, _ node: DAGNode, _ key: String) {
    let place = node.places[key] ?? node.place
    errors.append(
      source.diagnostic(code, "node \(node.id): \(message)", line: place.line, column: place.column))
  }

  private mutating func warn(_ code: DiagnosticCode, _ message: String, _ node: DAGNode, _ key: String) {
    let place = node.places[key] ?? node.place
    warnings.append(
      source.diagnostic(
        code, severity: .warning, "node \(node.id): \(message)", line: place.line, column: place.column))
  }

  private mutating func addWarnings() {
    for (name, ids) in opaque.prefix(FileErrors.limit) {
      let shown = ids.prefix(8).map(String.init).joined(separator: ", ") + (ids.count > 8 ? ", …" : "")
      warnings.append(
        source.diagnostic(
          .opUnsupported, severity: .warning,
          "'\(sanitised(name, limit: 60))' is not computed: a boundary that nothing is fused across (node \(shown))"
        ))
    }
    if opaque.count > FileErrors.limit {
      let count = opaque.count - FileErrors.limit
      warnings.append(
        source.diagnostic(
          .opUnsupported, severity: .warning, "\(count) more operations are not computed"))
    }
    if layers.contains(where: \.hasWeights) {
      warnings.append(
        source.diagnostic(
          .dagAssumption, severity: .warning,
          "the file does not say which layers have a bias; every convolution is taken to have one"))
    }
    if assumedPools > 0 {
      warnings.append(
        source.diagnostic(
          .dagAssumption, severity: .warning,
          "the file does not give the windows of its \(assumedPools) max pools; 3×3 with SAME padding is assumed"
        ))
    }
  }

  // MARK: Nodes

  private mutating func append(_ node: DAGNode) {
    guard let operands = operands(of: node) else { return }
    if isFoldable(node) {
      results[node.id] = operands.references[0]
      return
    }
    do {
      guard let layer = try layer(node, operands) else { return }
      if layer.isOpaque { note(opaque: node) }
      results[node.id] = .layer(layers.count)
      outcomes[node.id] = .layer(layers.count)
      if let pad = foldedPad(before: node) { outcomes[pad.id] = .padding(ofLayer: layers.count) }
      if layer.shape.rows.paddingExceedsWindow || layer.shape.columns.paddingExceedsWindow {
        warn(.padTooLarge, "the padding is as large as the window", node, "parents")
      }
      layers.append(layer)
    } catch {
      fail(error.diagnosticCode, error.description.droppingFullStop, node, "weights_shape")
    }
  }

  private mutating func note(opaque node: DAGNode) {
    if let index = opaqueIndices[node.name] {
      opaque[index].ids.append(node.id)
    } else {
      opaqueIndices[node.name] = opaque.count
      opaque.append((node.name, [node.id]))
    }
  }

  private struct Operands {
    let references: [TensorReference]
    let maps: [FeatureMap]
  }

  /// What the node reads. A node without parents reads an input of the network, of the shape it gives.
  private mutating func operands(of node: DAGNode) -> Operands? {
    guard node.parents.isEmpty else {
      let references = node.parents.compactMap { results[$0] }
      guard references.count == node.parents.count else { return nil }
      return Operands(references: references, maps: references.map(map))
    }
    guard let shape = node.inputShape else {
      fail(.dagMissingKey, "a node without parents needs 'ifms_shape'", node, "name")
      return nil
    }
    do {
      guard let map = try Self.featureMap(shape, isChannelFirst: node.isConvolution) else {
        fail(.rankMismatch, "'ifms_shape' has \(shape.count) axes", node, "ifms_shape")
        return nil
      }
      inputs.append(map)
      return Operands(references: [.input(inputs.count - 1)], maps: [map])
    } catch {
      fail(error.diagnosticCode, error.description.droppingFullStop, node, "ifms_shape")
      return nil
    }
  }

  private func map(_ reference: TensorReference) -> FeatureMap {
    switch reference {
    case .input(let index): inputs[index]
    case .layer(let index): layers[index].outputMap
    }
  }

  /// A `pad` node whose only reader is a convolution becomes that convolution's padding.
  private func isFoldable(_ node: DAGNode) -> Bool {
    guard node.name == "pad", node.padding != nil, node.parents.count <= 1, let child = node.children.first
    else { return false }
    return node.children.count == 1 && nodes[child].isConvolution && nodes[child].parents.count == 1
  }

  private func foldedPad(before node: DAGNode) -> DAGNode? {
    guard node.isConvolution, let parent = node.parents.first, isFoldable(nodes[parent]) else { return nil }
    return nodes[parent]
  }

  /// nil after reporting what is wrong.
  private mutating func layer(_ node: DAGNode, _ operands: Operands) throws(ShapeError) -> Layer? {
    let input = operands.maps[0]
    func make(_ operation: Operation, _ shape: ConvolutionShape, bias: Bool = false) -> Layer {
      Layer(
        name: "\(node.name)_\(node.id)", operation: operation, shape: shape, hasBias: bias,
        activation: node.activation, inputs: operands.references)
    }
    let isUnary = operands.references.count == 1
    switch node.name {
    case _ where node.isConvolution:
      return try convolutionShape(node, input).map { make(.convolution, $0, bias: true) }
    case "fully_connected" where isUnary:
      if let filters = filters(ofFullyConnected: node) {
        return make(.convolution, try ConvolutionShape(wholeMap: input, filters: filters), bias: true)
      }
      warn(.dagAssumption, "its output size is nowhere given, so it is not computed", node, "name")
    case "add" where operands.maps.count == 2 && operands.maps[0] == operands.maps[1]:
      return make(.add, try ConvolutionShape(elementwise: input))
    case "mean" where isUnary && outputPlane(node) == 1:
      return make(.averagePool, try ConvolutionShape(wholeMap: input, filters: nil))
    case "max_pool_2d" where isUnary:
      if let shape = try maxPoolShape(node, input) {
        assumedPools += 1
        return make(.maxPool, shape)
      }
    case "relu" where isUnary && node.activation == .relu, "relu6" where isUnary && node.activation == .relu6:
      return make(.activation, try ConvolutionShape(elementwise: input))
    default: break
    }
    let output = try outputMap(node) ?? input
    let layer = make(.opaque(node.name, output: output), try ConvolutionShape(elementwise: input))
    return Layer(name: layer.name, operation: layer.operation, shape: layer.shape, inputs: layer.inputs)
  }

  // MARK: Shapes

  /// `[C,H,W]` where channels come first, else `[N,H,W,C]` or fewer axes; nil for other ranks.
  static func featureMap(_ shape: [Int], isChannelFirst: Bool) throws(ShapeError) -> FeatureMap? {
    switch (shape.count, isChannelFirst) {
    case (3, true): try FeatureMap(channels: shape[0], rows: shape[1], columns: shape[2])
    case (_, true): nil
    case (0, false): try FeatureMap(channels: 1, rows: 1, columns: 1)
    case (1, false): try FeatureMap(channels: shape[0], rows: 1, columns: 1)
    case (2, false): try FeatureMap(batch: shape[0], channels: shape[1], rows: 1, columns: 1)
    case (3, false): try FeatureMap(batch: shape[0], channels: shape[2], rows: shape[1], columns: 1)
    case (4, false):
      try FeatureMap(batch: shape[0], channels: shape[3], rows: shape[1], columns: shape[2])
    default: nil
    }
  }

  private func outputMap(_ node: DAGNode) throws(ShapeError) -> FeatureMap? {
    guard let shape = node.outputShape else { return nil }
    return try Self.featureMap(shape, isChannelFirst: false)
  }

  private func outputPlane(_ node: DAGNode) -> Int? {
    guard let shape = node.outputShape else { return 1 }
    return shape.count == 4 ? (shape[1] == 1 && shape[2] == 1 ? 1 : nil) : shape.count == 2 ? 1 : nil
  }

  /// From its own shape, or from what its first reader says it reads.
  private func filters(ofFullyConnected node: DAGNode) -> Int? {
    if let own = node.outputShape?.last { return own }
    return node.children.first.flatMap { nodes[$0].inputShape?.last }
  }

  private func maxPoolShape(_ node: DAGNode, _ input: FeatureMap) throws(ShapeError) -> ConvolutionShape? {
    guard let output = try outputMap(node) else { return nil }
    let rows = StrideInference(
      input: input.rows, output: output.rows, window: 3, declared: nil, isPadded: false)
    let columns = StrideInference(
      input: input.columns, output: output.columns, window: 3, declared: nil, isPadded: false)
    guard let rows, let columns, rows.usesSame, columns.usesSame, input.channels == output.channels else {
      return nil
    }
    return try ConvolutionShape(
      batch: input.batch, inputChannels: input.channels, outputChannels: input.channels,
      groups: input.channels, rows: .same(inputExtent: input.rows, window: 3, stride: rows.stride),
      columns: .same(inputExtent: input.columns, window: 3, stride: columns.stride, name: "columns"))
  }

  private mutating func convolutionShape(
    _ node: DAGNode, _ input: FeatureMap
  ) throws(ShapeError) -> ConvolutionShape? {
    let geometry = DAGConvolution(node: node, padding: foldedPad(before: node)?.padding, input: input)
    do {
      let found = try geometry.shape()
      if let declared = node.stride, declared != found.rows.stride || declared != found.columns.stride {
        let stride = found.rows.stride
        warn(
          .dagStride, "the file says stride \(declared); the shapes say \(stride), which is used", node,
          "strides")
      }
      return found
    } catch {
      switch error {
      case .shape(let error): throw error
      case .file(let code, let message, let key): fail(code, message, node, key)
      }
      return nil
    }
  }
}

extension DAGNode {
  var isConvolution: Bool {
    ["s", "dw", "pw"].contains(type) || ["conv_2d", "depthwise_conv_2d"].contains(name)
  }
}

extension ConvolutionShape {
  /// A window over all of `map`: with `filters` a fully connected layer, without a global pool.
  init(wholeMap map: FeatureMap, filters: Int?) throws(ShapeError) {
    try self.init(
      batch: map.batch, inputChannels: map.channels, outputChannels: filters ?? map.channels,
      groups: filters == nil ? map.channels : 1,
      rows: WindowAxis(inputExtent: map.rows, window: map.rows),
      columns: WindowAxis(inputExtent: map.columns, window: map.columns, name: "columns"))
  }
}
