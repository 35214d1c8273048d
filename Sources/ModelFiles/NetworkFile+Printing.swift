import Workload

extension NetworkFile {
  /// The file's text: parsing it gives a file with an equal network, source and published figures.
  public func print() -> String {
    var lines = ["version: 1", "name: \(yamlText(network.name))"]
    if let source { lines.append("source: \(yamlText(source))") }
    if let published {
      lines += ["published:", "  source: \(yamlText(published.source))"]
      if let count = published.multiplyAccumulatesInMillions {
        lines.append("  multiply_accumulates_millions: \(count)")
      }
      if let count = published.parameters { lines.append("  parameters: \(count)") }
    }
    if network.inputs.count == 1 {
      lines.append("input: \(Self.text(network.inputs[0]))")
    } else {
      lines.append("inputs:")
      lines += network.inputs.map { "  - \(Self.text($0))" }
    }
    lines.append("layers:")
    for index in network.layers.indices { lines.append("  - {\(text(ofLayer: index))}") }
    return lines.joined(separator: "\n") + "\n"
  }

  private static func text(_ map: FeatureMap) -> String {
    let batch = map.batch == 1 ? "" : "batch: \(map.batch), "
    return "{\(batch)channels: \(map.channels), rows: \(map.rows), columns: \(map.columns)}"
  }

  private func text(ofLayer index: Int) -> String {
    let layer = network.layers[index]
    let op = Self.op(of: layer)
    var parts = ["name: \(yamlText(layer.name))", "op: \(op.rawValue)"]
    parts += inputs(ofLayer: index)
    let shape = layer.shape
    if op.keys.contains("filters") { parts.append("filters: \(shape.outputChannels)") }
    if op.keys.contains("kernel") {
      parts.append("kernel: \(Self.pair(shape.rows.window, shape.columns.window))")
    }
    if op.keys.contains("stride"), shape.rows.stride != 1 || shape.columns.stride != 1 {
      parts.append("stride: \(Self.pair(shape.rows.stride, shape.columns.stride))")
    }
    if op.keys.contains("dilation"), shape.rows.dilation != 1 || shape.columns.dilation != 1 {
      parts.append("dilation: \(Self.pair(shape.rows.dilation, shape.columns.dilation))")
    }
    if op.keys.contains("padding"), let padding = Self.padding(of: shape) {
      parts.append("padding: \(padding)")
    }
    if op == .conv, shape.groups != 1 { parts.append("groups: \(shape.groups)") }
    if op == .depthwise, shape.filtersPerGroup != 1 { parts.append("multiplier: \(shape.filtersPerGroup)") }
    if op.keys.contains("bias"), !layer.hasBias { parts.append("bias: false") }
    if op.keys.contains("activation"), layer.activation != .none {
      parts.append("activation: \(layer.activation.rawValue)")
    }
    if case .opaque(let name, let output) = layer.operation {
      parts.append("operator: \(yamlText(name))")
      if output != layer.inputMap { parts.append("output: \(Self.text(output))") }
    }
    return parts.joined(separator: ", ")
  }

  private func inputs(ofLayer index: Int) -> [String] {
    let layer = network.layers[index]
    let previous: TensorReference = index == 0 ? .input(0) : .layer(index - 1)
    if layer.inputs == [previous] { return [] }
    let names = layer.inputs.map { reference in
      switch reference {
      case .input(let input): yamlText(NetworkInputName.text(input))
      case .layer(let producer): yamlText(NetworkInputName.text(network.layers[producer].name))
      }
    }
    return names.count == 1 ? ["input: \(names[0])"] : ["inputs: [\(names.joined(separator: ", "))]"]
  }

  private static func op(of layer: Layer) -> LayerOp {
    switch layer.operation {
    case .convolution:
      switch layer.kind {
      case .dw: .depthwise
      case .fc where layer.shape.isWholeMap: .fullyConnected
      case .pw where layer.shape.rows.dilation == 1 && layer.shape.columns.dilation == 1: .pointwise
      default: .conv
      }
    case .averagePool: layer.shape.isWholeMap ? .globalAveragePool : .averagePool
    case .maxPool: .maxPool
    case .add: .add
    case .activation:
      switch layer.activation {
      case .none: .identity
      case .relu: .relu
      case .relu6: .relu6
      }
    case .opaque: .opaque
    }
  }

  private static func pair(_ rows: Int, _ columns: Int) -> String {
    rows == columns ? "\(rows)" : "[\(rows), \(columns)]"
  }

  /// nil for `same`, the default.
  private static func padding(of shape: ConvolutionShape) -> String? {
    let axes = [shape.rows, shape.columns]
    if axes.allSatisfy({ $0.isSame }) { return nil }
    if axes.allSatisfy({ $0.paddingBefore == 0 && $0.paddingAfter == 0 }) { return "valid" }
    let (rows, columns) = (shape.rows, shape.columns)
    return "[\(rows.paddingBefore), \(columns.paddingBefore), \(rows.paddingAfter), \(columns.paddingAfter)]"
  }
}

extension WindowAxis {
  /// Whether the padding is the one that TensorFlow's SAME gives.
  var isSame: Bool {
    let effective = (window - 1) * dilation + 1
    let outputs = (inputExtent - 1) / stride + 1
    let total = max(0, (outputs - 1) * stride + effective - inputExtent)
    return paddingBefore == total / 2 && paddingAfter == total - total / 2
  }

  /// One window over the whole input, without padding, stride or dilation.
  var isWholeMap: Bool {
    window == inputExtent && stride == 1 && dilation == 1 && paddingBefore == 0 && paddingAfter == 0
  }
}

extension ConvolutionShape {
  var isWholeMap: Bool { rows.isWholeMap && columns.isWholeMap }
}
