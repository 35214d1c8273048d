import Workload

/// The operations that a network file knows, and the keys that each takes beside `name`, `op` and inputs.
enum LayerOp: String, CaseIterable {
  case conv, depthwise, pointwise
  case fullyConnected = "fully_connected"
  case add
  case averagePool = "average_pool"
  case maxPool = "max_pool"
  case globalAveragePool = "global_average_pool"
  case relu, relu6, identity, opaque

  var keys: Set<String> {
    let window: Set = ["kernel", "stride", "dilation", "padding"]
    return switch self {
    case .conv: window.union(["filters", "groups", "bias", "activation"])
    case .depthwise: window.union(["multiplier", "bias", "activation"])
    case .pointwise: ["filters", "stride", "bias", "activation"]
    case .fullyConnected: ["filters", "bias", "activation"]
    case .add, .globalAveragePool: ["activation"]
    case .averagePool, .maxPool: window.union(["activation"])
    case .relu, .relu6, .identity: []
    case .opaque: ["operator", "output"]
    }
  }

  static let allKeys = [
    "name", "op", "input", "inputs", "filters", "kernel", "stride", "dilation", "padding", "activation",
    "multiplier", "groups", "bias", "operator", "output",
  ]
}

/// How a layer pads its input.
enum Padding: Hashable {
  /// As TensorFlow: the output is ⌈input ÷ stride⌉, the odd one after.
  case same
  case valid
  case explicit(top: Int, left: Int, bottom: Int, right: Int)
}

/// One entry of `layers`, read but not yet put together: sizes are numbers that nobody has checked.
struct LayerSpecification {
  let name: String
  let op: LayerOp
  /// Names of the inputs; nil means the layer before.
  let inputs: [(text: String, node: YAMLMapping.Value)]?
  let filters: Int?
  let kernel, stride, dilation: (rows: Int, columns: Int)
  let padding: Padding
  let groups, multiplier: Int
  let hasBias: Bool
  let activation: Activation
  let operatorName: String?
  let output: FeatureMap?
  let mapping: YAMLMapping

  /// Reports what is wrong with the entry, then gives nil.
  init?(_ document: YAMLDocument, _ node: YAMLMapping.Value) {
    guard let mapping = YAMLMapping(document, node, "layer", keys: LayerOp.allKeys) else { return nil }
    self.mapping = mapping
    let errorsBefore = document.errors.count
    let name = mapping.string("name")
    guard let op = Self.readOp(mapping) else { return nil }
    for key in mapping.keys
    where !op.keys.contains(key) && !["name", "op", "input", "inputs"].contains(key) {
      mapping.fail(
        .attributeConflict, "'\(key)' means nothing for op '\(op.rawValue)'", "leave it out", at: key)
    }
    let needsFilters = op.keys.contains("filters")
    filters = needsFilters ? mapping.int("filters") : nil
    let needsKernel = op.keys.contains("kernel")
    let kernel = needsKernel ? mapping.pair("kernel", default: nil) : (1, 1)
    let stride = mapping.pair("stride", default: 1)
    let dilation = mapping.pair("dilation", default: 1)
    let padding = mapping.padding("padding", default: op == .pointwise ? .valid : .same)
    groups = mapping.int("groups", default: 1) ?? 1
    multiplier = mapping.int("multiplier", default: 1) ?? 1
    let takesBias = op.keys.contains("bias")
    hasBias = mapping.bool("bias", default: takesBias) ?? takesBias
    activation = Self.readActivation(mapping)
    operatorName = op == .opaque ? mapping.string("operator") : nil
    output = mapping.value("output").flatMap { NetworkFile.featureMap(document, $0, "output") }
    inputs = Self.readInputs(mapping)
    guard let name, let kernel, let stride, let dilation, let padding, document.errors.count == errorsBefore
    else { return nil }
    self.name = name
    self.op = op
    self.kernel = kernel
    self.stride = stride
    self.dilation = dilation
    self.padding = padding
  }

  private static func readOp(_ mapping: YAMLMapping) -> LayerOp? {
    guard let text = mapping.string("op") else { return nil }
    if let op = LayerOp(rawValue: text) { return op }
    let names = LayerOp.allCases.map(\.rawValue)
    mapping.fail(
      .opUnknown, "there is no op '\(sanitised(text, limit: 60))'",
      DidYouMean.question(for: text, among: names)
        ?? "write op: opaque, operator: '…' for one that is not computed", at: "op")
    return nil
  }

  private static func readActivation(_ mapping: YAMLMapping) -> Activation {
    guard let text = mapping.optionalString("activation") else { return .none }
    if let activation = Activation(rawValue: text) { return activation }
    let names = Activation.allCases.map(\.rawValue)
    mapping.fail(
      .yamlType, "there is no activation '\(sanitised(text, limit: 60))'",
      DidYouMean.question(for: text, among: names) ?? "write none, relu or relu6", at: "activation")
    return .none
  }

  private static func readInputs(_ mapping: YAMLMapping) -> [(text: String, node: YAMLMapping.Value)]? {
    if mapping.has("input"), mapping.has("inputs") {
      mapping.fail(.attributeConflict, "both 'input' and 'inputs' are given", "keep one", at: "inputs")
    }
    if let node = mapping.value("input") {
      return mapping.string("input").map { [(text: $0, node: node)] }
    }
    return mapping.has("inputs") ? mapping.strings("inputs") : nil
  }
}

extension YAMLMapping {
  /// `3` for rows and columns alike, or `[rows, columns]`.
  func pair(_ key: String, default value: Int?) -> (rows: Int, columns: Int)? {
    guard has(key) || value == nil else { return value.map { ($0, $0) } }
    guard self.value(key)?.sequence != nil else { return int(key).map { ($0, $0) } }
    guard let numbers = ints(key) else { return nil }
    guard numbers.count == 2 else {
      fail(
        .attributeLength, "'\(key)' has \(numbers.count) numbers; a feature map has 2 axes",
        "write one number, or [rows, columns]", at: key)
      return nil
    }
    return (numbers[0], numbers[1])
  }

  /// `same`, `valid` or `[top, left, bottom, right]`.
  func padding(_ key: String, default padding: Padding) -> Padding? {
    guard let node = value(key) else { return padding }
    switch node.scalar?.string {
    case "same": return .same
    case "valid": return .valid
    default: break
    }
    guard node.sequence != nil else {
      fail(
        .yamlType, "'\(key)' is neither same, valid nor a list", "write [top, left, bottom, right]", at: key)
      return nil
    }
    guard let numbers = ints(key) else { return nil }
    guard numbers.count == 4 else {
      fail(
        .attributeLength, "'\(key)' has \(numbers.count) numbers instead of 4",
        "write [top, left, bottom, right]", at: key)
      return nil
    }
    return .explicit(top: numbers[0], left: numbers[1], bottom: numbers[2], right: numbers[3])
  }
}
