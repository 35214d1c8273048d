import Workload

extension ModelDAG {
  /// `network` as nodes of the format: each layer one node, with a `pad` node before convolutions whose
  /// padding the format cannot say otherwise. The format has no biases: a reader takes every convolution to
  /// have one.
  ///
  /// - Throws: `dag-unsupported` for each layer that the format cannot hold.
  public init(network: Network) throws(FileErrors) {
    var nodes: [Node] = []
    var names: [String] = []
    var unsupported: [Diagnostic] = []
    for (index, layer) in network.layers.enumerated() {
      if layer.operation == .convolution, !DAGWriter.isExpressible(layer, isPadded: false) {
        nodes.append(.padding(ofLayer: index))
        names.append("pad")
      }
      nodes.append(.layer(index))
      names.append(DAGWriter.operatorName(of: layer))
      if let reason = DAGWriter.obstacle(to: layer) {
        unsupported.append(Self.unsupported(reason, layer.name))
      }
    }
    if network.inputs.contains(where: { $0.batch != 1 }) {
      unsupported.append(Self.unsupported("the format has no batch", network.name))
    }
    let roots = network.layers.flatMap(\.inputs).filter { if case .input = $0 { true } else { false } }
    let rootLayers = network.layers.filter { $0.inputs.contains { roots.contains($0) } }
    if roots != network.inputs.indices.map({ .input($0) })
      || rootLayers.contains(where: { $0.inputs.count > 1 })
    {
      unsupported.append(
        Self.unsupported("each input must be read by one layer that reads nothing else", network.name))
    }
    guard unsupported.isEmpty else { throw FileErrors(unsupported) }
    self.network = network
    self.nodes = nodes
    operatorNames = names
    inputQuantization = Array(repeating: nil, count: nodes.count)
    outputQuantization = inputQuantization
    warnings = []
  }

  private static func unsupported(_ reason: String, _ name: String) -> Diagnostic {
    Diagnostic(
      .dagUnsupported, "model_dag.json cannot hold '\(sanitised(name, limit: 60))': \(reason)",
      remedy: "write the native YAML instead")
  }

  /// The file's text, one node a line. Parsing it gives equal nodes and an equal network, if layers are
  /// named as `parse` names them and convolutions have biases.
  public func text() -> String {
    let writer = DAGWriter(dag: self)
    let lines = nodes.indices.map { writer.text(ofNode: $0) }
    return "[" + lines.joined(separator: ",\n ") + "]\n"
  }
}

/// Writes the nodes of a `ModelDAG`.
struct DAGWriter {
  private let dag: ModelDAG
  private let nodeOfLayer: [Int: Int]
  private let padOfLayer: [Int: Int]
  private let parents: [[Int]]
  private let children: [[Int]]

  init(dag: ModelDAG) {
    self.dag = dag
    var nodeOfLayer: [Int: Int] = [:]
    var padOfLayer: [Int: Int] = [:]
    for (id, node) in dag.nodes.enumerated() {
      switch node {
      case .layer(let index): nodeOfLayer[index] = id
      case .padding(let index): padOfLayer[index] = id
      }
    }
    self.nodeOfLayer = nodeOfLayer
    self.padOfLayer = padOfLayer
    parents = dag.nodes.map { node in
      switch node {
      case .layer(let index) where padOfLayer[index] != nil:
        return padOfLayer[index].map { [$0] } ?? []
      case .layer(let index), .padding(let index):
        return dag.network.layers[index].inputs.compactMap { reference in
          if case .layer(let producer) = reference { nodeOfLayer[producer] } else { nil }
        }
      }
    }
    var children: [[Int]] = Array(repeating: [], count: dag.nodes.count)
    for (id, list) in parents.enumerated() {
      for parent in list where !children[parent].contains(id) { children[parent].append(id) }
    }
    self.children = children
  }

  func text(ofNode id: Int) -> String {
    var members = ["\"name\": \(json(dag.operatorNames[id]))", "\"id\": \(id)"]
    switch dag.nodes[id] {
    case .padding(let index):
      members += links(id, activation: .none) + padding(before: dag.network.layers[index])
    case .layer(let index):
      let layer = dag.network.layers[index]
      members += links(id, activation: layer.activation)
      members += attributes(of: layer, id: id, isPadded: padOfLayer[index] != nil)
    }
    members += quantization("ifms", dag.inputQuantization[id])
    members += quantization("ofms", dag.outputQuantization[id])
    return "{" + members.joined(separator: ", ") + "}"
  }

  private func links(_ id: Int, activation: Activation) -> [String] {
    let name =
      switch activation {
      case .none: "0"
      case .relu: "RELU"
      case .relu6: "RELU6"
      }
    return [
      "\"activation\": \"\(name)\"", "\"parents\": \(parents[id])", "\"children\": \(children[id])",
    ]
  }

  private func padding(before layer: Layer) -> [String] {
    let (rows, columns) = (layer.shape.rows, layer.shape.columns)
    return [
      "\"padding_top\": \(rows.paddingBefore)", "\"padding_bottom\": \(rows.paddingAfter)",
      "\"padding_left\": \(columns.paddingBefore)", "\"padding_right\": \(columns.paddingAfter)",
      "\"ifms_shape\": \(layer.inputMap.channelLast)",
      "\"ofms_shape\": \([layer.inputMap.batch, rows.padded, columns.padded, layer.inputMap.channels])",
    ]
  }

  private func attributes(of layer: Layer, id: Int, isPadded: Bool) -> [String] {
    let isConvolution = ["conv_2d", "depthwise_conv_2d"].contains(dag.operatorNames[id])
    guard layer.operation == .convolution, isConvolution else {
      let type =
        layer.operation == .averagePool
        ? ["\"type\": \"avgpool\""] : layer.operation == .convolution ? ["\"type\": \"fc\""] : []
      return type + [
        "\"ifms_shape\": \(layer.inputMap.channelLast)", "\"ofms_shape\": \(layer.outputMap.channelLast)",
      ]
    }
    let shape = layer.shape
    let rows = isPadded ? shape.rows.padded : shape.rows.inputExtent
    let columns = isPadded ? shape.columns.padded : shape.columns.inputExtent
    return [
      Self.typeAndWeights(of: layer), "\"ifms_shape\": \([shape.inputChannels, rows, columns])",
      "\"ofms_shape\": \([shape.outputChannels, shape.rows.outputExtent, shape.columns.outputExtent])",
      "\"strides\": \(shape.rows.stride)",
    ]
  }

  private static func typeAndWeights(of layer: Layer) -> String {
    let shape = layer.shape
    let window = [shape.rows.window, shape.columns.window]
    if shape.isDepthwise { return "\"type\": \"dw\", \"weights_shape\": \([shape.outputChannels] + window)" }
    let filters = [shape.outputChannels, shape.channelsPerGroup]
    let isPointwise = window == [1, 1] && shape.groups == 1
    return isPointwise
      ? "\"type\": \"pw\", \"weights_shape\": \(filters)"
      : "\"type\": \"s\", \"weights_shape\": \(filters + window)"
  }

  private func quantization(_ tensor: String, _ value: TensorQuantization?) -> [String] {
    guard let value else { return [] }
    return ["\"\(tensor)_scales\": \(value.scale)", "\"\(tensor)_zero_points\": \(value.zeroPoint)"]
  }
}

extension DAGWriter {
  /// The format's name for what the layer does; its own name says where one operation has two.
  static func operatorName(of layer: Layer) -> String {
    switch layer.operation {
    case .convolution:
      layer.shape.isDepthwise ? "depthwise_conv_2d" : layer.kind == .fc ? "fully_connected" : "conv_2d"
    case .averagePool: "mean"
    case .maxPool: "max_pool_2d"
    case .add: "add"
    case .activation: layer.activation == .relu6 ? "relu6" : "relu"
    case .opaque(let name, _): name
    }
  }

  /// Why the format cannot hold the layer; nil where it can.
  static func obstacle(to layer: Layer) -> String? {
    let shape = layer.shape
    switch layer.operation {
    case .convolution:
      if shape.rows.dilation != 1 || shape.columns.dilation != 1 { return "it has no dilation" }
      if operatorName(of: layer) == "fully_connected" {
        return shape.isWholeMap ? nil : "it has no such window"
      }
      let fits = isExpressible(layer, isPadded: false) || isExpressible(layer, isPadded: true)
      return fits ? nil : "its stride and padding do not follow from the shapes"
    case .averagePool: return shape.isWholeMap ? nil : "its only average pool is the global one"
    case .maxPool:
      let fits = [shape.rows, shape.columns].allSatisfy { axis in
        let found = StrideInference(
          input: axis.inputExtent, output: axis.outputExtent, window: 3, declared: nil, isPadded: false)
        return axis.window == 3 && axis.dilation == 1 && axis.isSame && found?.stride == axis.stride
          && found?.usesSame == true
      }
      return fits ? nil : "its only max pool is 3×3 with SAME padding"
    case .activation: return layer.activation == .none ? "it has no identity" : nil
    case .add, .opaque: return nil
    }
  }

  /// Whether a reader finds the layer's stride and padding from its shapes alone, with or without a `pad`
  /// node before it.
  static func isExpressible(_ layer: Layer, isPadded: Bool) -> Bool {
    if operatorName(of: layer) == "fully_connected" { return true }
    return [layer.shape.rows, layer.shape.columns].allSatisfy { axis in
      let found = StrideInference(
        input: isPadded ? axis.padded : axis.inputExtent, output: axis.outputExtent, window: axis.window,
        declared: layer.shape.rows.stride, isPadded: isPadded)
      guard let found, found.stride == axis.stride else { return false }
      if isPadded { return !found.usesSame }
      return found.usesSame ? axis.isSame : axis.paddingBefore == 0 && axis.paddingAfter == 0
    }
  }
}

extension WindowAxis {
  /// The extent with the padding on both sides.
  var padded: Int { inputExtent + paddingBefore + paddingAfter }
}

extension FeatureMap {
  /// `[N, H, W, C]`
  fileprivate var channelLast: [Int] { [batch, rows, columns, channels] }
}

/// `text` as a JSON string.
private func json(_ text: String) -> String {
  var quoted = "\""
  for scalar in text.unicodeScalars {
    switch scalar {
    case "\"": quoted += "\\\""
    case "\\": quoted += "\\\\"
    case _ where scalar.value < 0x20 || scalar.value == 0x85 || (0x2028...0x2029).contains(scalar.value):
      let hex = String(scalar.value, radix: 16)
      quoted += "\\u" + String(repeating: "0", count: 4 - hex.count) + hex
    default: quoted.unicodeScalars.append(scalar)
    }
  }
  return quoted + "\""
}
