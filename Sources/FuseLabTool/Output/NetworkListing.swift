import ModelFiles
import Workload

/// A network as a table and as JSON.
enum NetworkListing {
  static func text(_ network: Network, _ style: TerminalStyle) -> String {
    var table = TextTable([
      .number("#"), .text("layer", shrinksTo: 12), .text("kind", shrinksTo: nil),
      .text("output CxHxW", shrinksTo: nil), .number("MACs"), .number("params"),
      .text("window", shrinksTo: 11),
    ])
    for (index, map) in network.inputs.enumerated() {
      table.add(["", index == 0 ? "$input" : "$input\(index + 1)", "", text(map)])
    }
    for (index, layer) in network.layers.enumerated() {
      table.add([
        String(index), sanitised(layer.name, limit: 48), layer.kind.rawValue, text(layer.outputMap),
        grouped(layer.multiplyAccumulates), grouped(layer.parameterCount), window(of: layer),
      ])
    }
    table.addRule()
    table.add([
      "", "total", "", "", grouped(network.multiplyAccumulates), grouped(network.parameterCount),
    ])
    return style.bold(sanitised(network.name)) + "\n" + table.text(style) + coverage(of: network)
  }

  private static func text(_ map: FeatureMap) -> String {
    let batch = map.batch == 1 ? "" : "\(map.batch)x"
    return batch + "\(map.channels)x\(map.rows)x\(map.columns)"
  }

  /// The window, then whatever is not as usual: stride, dilation, padding, groups, as in `3x3 s2 d2 p1 g4`.
  private static func window(of layer: Layer) -> String {
    switch layer.operation {
    case .opaque(let name, _): return sanitised(name, limit: 32)
    case .add: return ""
    case .activation: return layer.activation.rawValue
    case .convolution, .averagePool, .maxPool: break
    }
    let (rows, columns) = (layer.shape.rows, layer.shape.columns)
    var parts = ["\(rows.window)x\(columns.window)"]
    if rows.stride != 1 || columns.stride != 1 { parts.append("s" + pair(rows.stride, columns.stride)) }
    if rows.dilation != 1 || columns.dilation != 1 {
      parts.append("d" + pair(rows.dilation, columns.dilation))
    }
    let (vertical, horizontal) = (padding(of: rows), padding(of: columns))
    if vertical != "0" || horizontal != "0" {
      parts.append("p" + (vertical == horizontal ? vertical : "\(vertical),\(horizontal)"))
    }
    if layer.kind == .grouped { parts.append("g\(layer.shape.groups)") }
    return parts.joined(separator: " ")
  }

  /// `1` on both sides, or `0+1` before and after.
  private static func padding(of axis: WindowAxis) -> String {
    axis.paddingBefore == axis.paddingAfter
      ? "\(axis.paddingBefore)" : "\(axis.paddingBefore)+\(axis.paddingAfter)"
  }

  private static func pair(_ rows: Int, _ columns: Int) -> String {
    rows == columns ? "\(rows)" : "\(rows)x\(columns)"
  }

  private static func coverage(of network: Network) -> String {
    let opaque = network.layers.filter(\.isOpaque)
    let computed = network.layers.count - opaque.count
    var text =
      "coverage: \(computed) of \(network.layers.count) nodes "
      + "(\(percentage(computed, of: network.layers.count))), "
    if opaque.isEmpty { return text + "100.0% of MACs\n" }
    text += "100.0% of known MACs\n"
    let names = opaque.prefix(8).map { sanitised($0.name, limit: 48) }
    let more = opaque.count > names.count ? ", …" : ""
    return text + "opaque, work unknown: " + names.joined(separator: ", ") + more + "\n"
  }

  static func json(_ network: Network) -> JSONValue {
    let opaque = network.layers.indices.filter { network.layers[$0].isOpaque }
    return [
      "name": .string(network.name),
      "inputs": .array(network.inputs.map(json)),
      "layers": .array(network.layers.indices.map { json(network.layers[$0], index: $0) }),
      "multiply_accumulates": .integer(network.multiplyAccumulates),
      "parameters": .integer(network.parameterCount),
      "coverage": [
        "nodes": .integer(network.layers.count),
        "nodes_computed": .integer(network.layers.count - opaque.count),
        "multiply_accumulates_computed": .integer(network.multiplyAccumulates),
        "opaque": JSONValue(opaque),
      ],
    ]
  }

  static func json(_ map: FeatureMap) -> JSONValue {
    [
      "batch": .integer(map.batch), "channels": .integer(map.channels), "rows": .integer(map.rows),
      "columns": .integer(map.columns),
    ]
  }

  private static func json(_ layer: Layer, index: Int) -> JSONValue {
    var values: [String: JSONValue] = [
      "index": .integer(index), "name": .string(layer.name), "kind": .string(layer.kind.rawValue),
      "input": json(layer.inputMap), "output": json(layer.outputMap),
      "activation": .string(layer.activation.rawValue), "bias": .bool(layer.hasBias),
      "multiply_accumulates": .integer(layer.multiplyAccumulates),
      "parameters": .integer(layer.parameterCount),
      "reads": .array(
        layer.inputs.map { reference in
          switch reference {
          case .input(let input): ["input": .integer(input)]
          case .layer(let producer): ["layer": .integer(producer)]
          }
        }),
    ]
    if case .opaque(let name, _) = layer.operation {
      values["operator"] = .string(name)
    } else {
      let (rows, columns) = (layer.shape.rows, layer.shape.columns)
      values["groups"] = .integer(layer.shape.groups)
      values["window"] = JSONValue([rows.window, columns.window])
      values["stride"] = JSONValue([rows.stride, columns.stride])
      values["dilation"] = JSONValue([rows.dilation, columns.dilation])
      values["padding"] = JSONValue([
        rows.paddingBefore, columns.paddingBefore, rows.paddingAfter, columns.paddingAfter,
      ])
    }
    return .object(values)
  }

  /// A table of networks.
  static func text(_ files: [NetworkFile], _ style: TerminalStyle) -> String {
    var table = TextTable([
      .text("name", shrinksTo: nil), .number("layers"), .number("DW"), .number("PW"), .number("MACs"),
      .number("params"),
    ])
    for network in files.map(\.network) {
      table.add([
        network.name, grouped(network.layers.count), grouped(count(.dw, in: network)),
        grouped(count(.pw, in: network)), grouped(network.multiplyAccumulates),
        grouped(network.parameterCount),
      ])
    }
    return table.text(style)
  }

  static func summary(_ file: NetworkFile) -> JSONValue {
    let network = file.network
    return [
      "name": .string(network.name), "source": JSONValue(file.source),
      "layers": .integer(network.layers.count), "dw": .integer(count(.dw, in: network)),
      "pw": .integer(count(.pw, in: network)),
      "multiply_accumulates": .integer(network.multiplyAccumulates),
      "parameters": .integer(network.parameterCount),
    ]
  }

  private static func count(_ kind: LayerKind, in network: Network) -> Int {
    network.layers.count { $0.kind == kind }
  }
}
