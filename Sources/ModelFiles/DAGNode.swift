import Workload

/// One node of a `model_dag.json`, as written.
struct DAGNode {
  let name: String
  let id: Int
  let activation: Activation
  let parents, children: [Int]
  let inputShape, outputShape: [Int]?
  let type: String?
  let stride: Int?
  let weightsShape: [Int]?
  /// Rows and columns that a `pad` node adds.
  let padding: (top: Int, left: Int, bottom: Int, right: Int)?
  let inputQuantization, outputQuantization: TensorQuantization?
  let place: JSONPlace
  /// Where each key's value stands.
  let places: [String: JSONPlace]
}

/// Affine quantization of a tensor as the file gives it: `real = scale · (q − zeroPoint)`, q being int8, or
/// uint8 before the first node and after the last.
public struct TensorQuantization: Hashable, Sendable {
  public let scale: Double
  public let zeroPoint: Int

  public init(scale: Double, zeroPoint: Int) {
    self.scale = scale
    self.zeroPoint = zeroPoint
  }
}

/// Reads the nodes of a `model_dag.json` and reports everything that is wrong with them one by one.
struct DAGNodeReader {
  private static let keys = [
    "name", "id", "activation", "parents", "children", "ifms_shape", "ofms_shape", "ifms_scales",
    "ifms_zero_points", "ofms_scales", "ofms_zero_points", "type", "strides", "weights_shape", "padding_top",
    "padding_left", "padding_bottom", "padding_right",
  ]

  let source: SourceText
  private(set) var errors: [Diagnostic] = []
  private(set) var warnings: [Diagnostic] = []
  private var members: [String: JSONValue] = [:]
  private var place = JSONPlace(line: 1, column: 1)

  init(source: SourceText) { self.source = source }

  private mutating func fail(
    _ code: DiagnosticCode, _ message: String, _ remedy: String? = nil, at place: JSONPlace
  ) {
    errors.append(
      source.diagnostic(code, message, remedy: remedy, line: place.line, column: place.column))
  }

  /// The node that `value` describes; nil after reporting why not.
  mutating func node(_ value: JSONValue) -> DAGNode? {
    place = value.place
    guard case .object(let list) = value.kind else {
      fail(.dagType, "each node must be an object", at: place)
      return nil
    }
    members = [:]
    for member in list {
      members[member.key] = member.value
      if !Self.keys.contains(member.key), warnings.count < FileErrors.limit {
        warnings.append(
          source.diagnostic(
            .unknownKey, severity: .warning, "unknown key '\(sanitised(member.key, limit: 60))' in a node",
            remedy: DidYouMean.question(for: member.key, among: Self.keys), line: member.place.line,
            column: member.place.column, length: member.key.unicodeScalars.count + 2))
      }
    }
    let before = errors.count
    let name = string("name", required: true)
    let id = int("id", required: true)
    let activation = readActivation()
    let parents = ints("parents", required: true)
    let children = ints("children", required: true)
    let node = DAGNode(
      name: name ?? "", id: id ?? 0, activation: activation, parents: parents ?? [], children: children ?? [],
      inputShape: shape("ifms_shape"), outputShape: shape("ofms_shape"), type: string("type"),
      stride: readStride(), weightsShape: shape("weights_shape"), padding: readPadding(),
      inputQuantization: quantization("ifms"), outputQuantization: quantization("ofms"), place: place,
      places: members.mapValues(\.place))
    return errors.count == before ? node : nil
  }

  // MARK: Values

  private mutating func member(_ key: String, required: Bool) -> JSONValue? {
    if members[key] == nil, required {
      fail(.dagMissingKey, "the node has no '\(key)'", at: place)
    }
    return members[key]
  }

  private mutating func string(_ key: String, required: Bool = false) -> String? {
    guard let value = member(key, required: required) else { return nil }
    if case .string(let text) = value.kind { return text }
    fail(.dagType, "'\(key)' must be text", at: value.place)
    return nil
  }

  private mutating func int(_ key: String, required: Bool = false) -> Int? {
    member(key, required: required).flatMap { int($0, key) }
  }

  private mutating func int(_ value: JSONValue, _ key: String) -> Int? {
    guard case .number(let text) = value.kind,
      text.utf8.allSatisfy({ $0 == 0x2d || $0 >= 0x30 && $0 <= 0x39 })
    else {
      fail(.dagType, "'\(key)' must hold integers", at: value.place)
      return nil
    }
    guard let number = Int(text) else {
      fail(.dagType, "'\(key)' does not fit in 64 bits", at: value.place)
      return nil
    }
    return number
  }

  private mutating func ints(_ key: String, required: Bool = false) -> [Int]? {
    guard let value = member(key, required: required) else { return nil }
    guard case .array(let items) = value.kind else {
      fail(.dagType, "'\(key)' must be a list of integers", at: value.place)
      return nil
    }
    var numbers: [Int] = []
    for item in items { if let number = int(item, key) { numbers.append(number) } }
    return numbers
  }

  private mutating func shape(_ key: String) -> [Int]? {
    guard let sizes = ints(key) else { return nil }
    do {
      // As in a feature map: a product that wraps is told from a size that is too large.
      if sizes.allSatisfy({ $0 > 0 }) { _ = try Extent.product(sizes, of: "'\(key)'") }
      for size in sizes { _ = try Extent.check(size, "a size in '\(key)'") }
    } catch {
      fail(error.diagnosticCode, error.description.droppingFullStop, at: members[key]?.place ?? place)
    }
    return sizes
  }

  private mutating func readActivation() -> Activation {
    switch string("activation") {
    case nil, "0": return .none
    case "RELU": return .relu
    case "RELU6": return .relu6
    case .some(let text):
      fail(
        .dagType, "there is no activation '\(sanitised(text, limit: 40))'", "write \"0\", RELU or RELU6",
        at: members["activation"]?.place ?? place)
      return .none
    }
  }

  private mutating func readStride() -> Int? {
    guard let stride = int("strides") else { return nil }
    if stride > 0 { return stride }
    let code: DiagnosticCode = stride == 0 ? .strideZero : .dimNegative
    fail(code, "the stride is \(stride)", "give at least 1", at: members["strides"]?.place ?? place)
    return nil
  }

  private mutating func readPadding() -> (top: Int, left: Int, bottom: Int, right: Int)? {
    let keys = ["padding_top", "padding_left", "padding_bottom", "padding_right"]
    guard keys.contains(where: { members[$0] != nil }) else { return nil }
    var values: [Int] = []
    for key in keys {
      let value = int(key, required: true) ?? 0
      values.append(value)
      if value < 0 {
        fail(
          .padNegative, "'\(key)' is \(value); cropping by negative padding is not supported",
          at: members[key]?.place ?? place)
      } else if value > Extent.limit {
        fail(.limitDim, "'\(key)' is \(value); the largest supported is \(Extent.limit)", at: place)
      }
    }
    return (values[0], values[1], values[2], values[3])
  }

  /// `ifms_scales` and `ifms_zero_points`, or those of `ofms`.
  private mutating func quantization(_ tensor: String) -> TensorQuantization? {
    let keys = (scale: "\(tensor)_scales", zeroPoint: "\(tensor)_zero_points")
    guard let scaleValue = member(keys.scale, required: members[keys.zeroPoint] != nil) else { return nil }
    guard case .number(let text) = scaleValue.kind, let scale = Double(text) else {
      fail(.dagType, "'\(keys.scale)' must be a number", at: scaleValue.place)
      return nil
    }
    if !(scale.isFinite && scale > 0 && scale.isNormal) {
      fail(.scaleInvalid, "the scale \(text) is not a positive normal number", at: scaleValue.place)
    }
    guard let zeroPoint = int(keys.zeroPoint, required: true) else { return nil }
    if !(-128...255).contains(zeroPoint) {
      let place = members[keys.zeroPoint]?.place ?? place
      fail(.zeroPointRange, "the zero point \(zeroPoint) fits neither int8 nor uint8", at: place)
    }
    return TensorQuantization(scale: scale, zeroPoint: zeroPoint)
  }
}
