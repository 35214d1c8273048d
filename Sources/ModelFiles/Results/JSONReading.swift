/// A JSON value on its way into a type; what is wrong is thrown with its place.
struct JSONReading {
  let value: JSONValue
  let source: SourceText

  static func root(text: String, path: String) throws(FileErrors) -> JSONReading {
    let source = SourceText(path: path, text: text)
    do {
      return JSONReading(value: try JSONParser.parse(source), source: source)
    } catch {
      throw FileErrors(error.forResults)
    }
  }

  func failure(_ code: DiagnosticCode, _ message: String, _ remedy: String? = nil) -> FileErrors {
    FileErrors(
      source.diagnostic(
        code, message, remedy: remedy, line: value.place.line, column: value.place.column))
  }

  private func typeFailure(_ what: String) -> FileErrors { failure(.resultType, "\(what) should stand here") }

  /// The value of a key; nil where it is absent or null.
  func optional(_ key: String) throws(FileErrors) -> JSONReading? {
    guard case .object(let members) = value.kind else { throw typeFailure("an object") }
    guard let member = members.first(where: { $0.key == key }) else { return nil }
    if case .null = member.value.kind { return nil }
    return JSONReading(value: member.value, source: source)
  }

  func member(_ key: String) throws(FileErrors) -> JSONReading {
    guard let found = try optional(key) else { throw failure(.resultType, "the object has no '\(key)'") }
    return found
  }

  var members: [(key: String, value: JSONReading)] {
    get throws(FileErrors) {
      guard case .object(let members) = value.kind else { throw typeFailure("an object") }
      return members.map { ($0.key, JSONReading(value: $0.value, source: source)) }
    }
  }

  var items: [JSONReading] {
    get throws(FileErrors) {
      guard case .array(let items) = value.kind else { throw typeFailure("a list") }
      return items.map { JSONReading(value: $0, source: source) }
    }
  }

  var string: String {
    get throws(FileErrors) {
      guard case .string(let text) = value.kind else { throw typeFailure("text") }
      return text
    }
  }

  /// A whole number from −2⁵³ to 2⁵³.
  var int: Int {
    get throws(FileErrors) {
      guard case .number(let text) = value.kind, let number = Int(text), number.magnitude <= 1 << 53 else {
        throw typeFailure("a whole number up to 2^53")
      }
      return number
    }
  }

  var bool: Bool {
    get throws(FileErrors) {
      guard case .bool(let value) = value.kind else { throw typeFailure("true or false") }
      return value
    }
  }

  var double: Double {
    get throws(FileErrors) {
      guard case .number(let text) = value.kind, let number = Double(text), number.isFinite else {
        throw typeFailure("a number")
      }
      return number
    }
  }
}

extension Diagnostic {
  /// The parser's findings in words of files that are no model.
  fileprivate var forResults: Diagnostic {
    let own: DiagnosticCode =
      switch code {
      case .dagDuplicateKey: .jsonDuplicateKey
      case .dagTooDeep: .limitDepth
      default: .jsonSyntax
      }
    return Diagnostic(own, severity: severity, message, remedy: remedy, path: path, location: location)
  }
}
