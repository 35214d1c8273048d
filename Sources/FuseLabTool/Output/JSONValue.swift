/// A JSON value with one way to be written: keys sorted, two spaces an indent, integers exact.
enum JSONValue: Hashable, Sendable {
  case null
  case bool(Bool)
  case integer(Int)
  case number(Double)
  case string(String)
  case array([JSONValue])
  case object([String: JSONValue])

  /// The largest integer that every JSON reader keeps exactly: 2⁵³ − 1.
  static let largestInteger = (1 << 53) - 1

  /// The text, ending in a line break. Lists of scalars stay on one line.
  ///
  /// - Throws: `limit-integer` for integers beyond 2⁵³ − 1; a failure of ours for NaN and infinities.
  func text() throws(CommandFailure) -> String {
    var result = ""
    try write(into: &result, indent: 0)
    return result + "\n"
  }

  private func write(into text: inout String, indent: Int) throws(CommandFailure) {
    switch self {
    case .null: text += "null"
    case .bool(let value): text += value ? "true" : "false"
    case .integer(let value): text += try Self.text(of: value)
    case .number(let value): text += try Self.text(of: value)
    case .string(let value): Self.write(value, into: &text)
    case .array(let values): try Self.write(values, into: &text, indent: indent)
    case .object(let values): try Self.write(values, into: &text, indent: indent)
    }
  }

  private var isScalar: Bool {
    switch self {
    case .array, .object: false
    default: true
    }
  }

  private static func text(of value: Int) throws(CommandFailure) -> String {
    guard value.magnitude <= UInt(largestInteger) else {
      throw CommandFailure(
        "limit-integer", "the number \(value) exceeds 2^53 - 1, which JSON readers do not keep exactly",
        exit: .limit, remedy: "use the text output, or a smaller network or batch")
    }
    return String(value)
  }

  private static func text(of value: Double) throws(CommandFailure) -> String {
    guard value.isFinite else {
      throw CommandFailure("internal", "a result is \(value), which JSON cannot hold", exit: .ourBug)
    }
    return "\(value)"
  }

  private static func write(
    _ values: [JSONValue], into text: inout String, indent: Int
  ) throws(CommandFailure) {
    if values.allSatisfy(\.isScalar) {
      text += "["
      for (index, value) in values.enumerated() {
        if index > 0 { text += ", " }
        try value.write(into: &text, indent: indent)
      }
      text += "]"
      return
    }
    let margin = "\n" + String(repeating: " ", count: indent + 2)
    text += "["
    for (index, value) in values.enumerated() {
      text += (index > 0 ? "," : "") + margin
      try value.write(into: &text, indent: indent + 2)
    }
    text += "\n" + String(repeating: " ", count: indent) + "]"
  }

  private static func write(
    _ values: [String: JSONValue], into text: inout String, indent: Int
  ) throws(CommandFailure) {
    guard !values.isEmpty else {
      text += "{}"
      return
    }
    let margin = "\n" + String(repeating: " ", count: indent + 2)
    text += "{"
    // By code point, as `sort_keys` of other languages does.
    let sorted = values.sorted { $0.key.unicodeScalars.lexicographicallyPrecedes($1.key.unicodeScalars) }
    for (index, (key, value)) in sorted.enumerated() {
      text += (index > 0 ? "," : "") + margin
      write(key, into: &text)
      text += ": "
      try value.write(into: &text, indent: indent + 2)
    }
    text += "\n" + String(repeating: " ", count: indent) + "}"
  }

  /// Whatever a terminal or a script element could act on is escaped: controls, format characters, `<`.
  private static func write(_ string: String, into text: inout String) {
    text += "\""
    for scalar in string.unicodeScalars {
      switch scalar {
      case "\"": text += "\\\""
      case "\\": text += "\\\\"
      case "\n": text += "\\n"
      case "\t": text += "\\t"
      case _ where mustEscape(scalar):
        for unit in String(scalar).utf16 {
          let hex = String(unit, radix: 16)
          text += "\\u" + String(repeating: "0", count: 4 - hex.count) + hex
        }
      default: text.unicodeScalars.append(scalar)
      }
    }
    text += "\""
  }

  private static func mustEscape(_ scalar: Unicode.Scalar) -> Bool {
    if scalar.value >= 0x20, scalar.value < 0x7f { return scalar == "<" }
    switch scalar.properties.generalCategory {
    case .control, .format, .lineSeparator, .paragraphSeparator, .privateUse, .surrogate, .unassigned:
      return true
    default: return false
    }
  }
}

extension JSONValue: ExpressibleByNilLiteral, ExpressibleByBooleanLiteral, ExpressibleByIntegerLiteral,
  ExpressibleByFloatLiteral, ExpressibleByStringLiteral, ExpressibleByStringInterpolation,
  ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral
{
  init(nilLiteral: ()) { self = .null }
  init(booleanLiteral value: Bool) { self = .bool(value) }
  init(integerLiteral value: Int) { self = .integer(value) }
  init(floatLiteral value: Double) { self = .number(value) }
  init(stringLiteral value: String) { self = .string(value) }
  init(arrayLiteral elements: JSONValue...) { self = .array(elements) }
  init(dictionaryLiteral elements: (String, JSONValue)...) {
    self = .object(Dictionary(elements) { _, last in last })
  }
}

extension JSONValue {
  init(_ value: Int) { self = .integer(value) }
  init(_ value: Double) { self = .number(value) }
  init(_ value: String) { self = .string(value) }
  init(_ value: Bool) { self = .bool(value) }
  init(_ values: [Int]) { self = .array(values.map { .integer($0) }) }
  init(_ values: [String]) { self = .array(values.map { .string($0) }) }
  init(_ values: [JSONValue]) { self = .array(values) }
  /// `null` where there is no value.
  init(_ value: Int?) { self = value.map { .integer($0) } ?? .null }
  init(_ value: String?) { self = value.map { .string($0) } ?? .null }
}
