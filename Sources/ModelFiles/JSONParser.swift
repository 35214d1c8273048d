/// A JSON value with its place in the text, for files that people get wrong.
struct JSONValue {
  indirect enum Kind {
    case object([Member])
    case array([JSONValue])
    case string(String)
    /// The number as written.
    case number(String)
    case bool(Bool)
    case null
  }

  struct Member {
    let key: String
    let place: JSONPlace
    let value: JSONValue
  }

  let kind: Kind
  let place: JSONPlace
}

/// Line and column from 1, the column in Unicode scalars.
struct JSONPlace: Hashable {
  let line, column: Int
}

/// A strict parser of JSON (RFC 8259) that knows where everything stands, caps nesting, and says what exactly
/// is wrong: comments, NaN, a byte order mark, duplicate keys.
struct JSONParser {
  static let depthLimit = 100

  private let source: SourceText
  private var line = 0
  private var column = 0

  /// The whole text as one value.
  static func parse(_ source: SourceText) throws(Diagnostic) -> JSONValue {
    var parser = JSONParser(source: source)
    if parser.peek == "\u{feff}" {
      throw parser.error(
        .dagByteOrderMark, "the file begins with a byte order mark", "save it as UTF-8 without BOM")
    }
    try parser.skipSpace()
    let value = try parser.value(depth: 0)
    try parser.skipSpace()
    if parser.peek != nil { throw parser.error(.dagSyntax, "there is text after the end of the value") }
    return value
  }

  private init(source: SourceText) { self.source = source }

  // MARK: Position

  /// The scalar at the position; a line break at a line's end, nil at the end of the text.
  var peek: Unicode.Scalar? {
    let scalars = source.lines[line]
    if column < scalars.count { return scalars[column] }
    return line + 1 < source.lines.count ? "\n" : nil
  }

  mutating func advance() {
    if column < source.lines[line].count {
      column += 1
    } else {
      line += 1
      column = 0
    }
  }

  var place: JSONPlace { JSONPlace(line: line + 1, column: column + 1) }

  func error(
    _ code: DiagnosticCode, _ message: String, _ remedy: String? = nil, at place: JSONPlace? = nil
  ) -> Diagnostic {
    let place = place ?? self.place
    return source.diagnostic(code, message, remedy: remedy, line: place.line, column: place.column)
  }

  private mutating func skipSpace() throws(Diagnostic) {
    while let scalar = peek {
      if scalar == "/" || scalar == "#" {
        throw error(.dagComment, "JSON has no comments", "remove the comment")
      }
      guard scalar == " " || scalar == "\n" || scalar == "\t" else { return }
      advance()
    }
  }

  // MARK: Values

  private mutating func value(depth: Int) throws(Diagnostic) -> JSONValue {
    let start = place
    switch peek {
    case "{", "[":
      guard depth < Self.depthLimit else {
        throw error(.dagTooDeep, "values are nested more than \(Self.depthLimit) deep")
      }
      let kind: JSONValue.Kind = peek == "{" ? try object(depth: depth) : try array(depth: depth)
      return JSONValue(kind: kind, place: start)
    case "\"":
      return JSONValue(kind: .string(try string()), place: start)
    case nil:
      throw error(.dagSyntax, "the text ends where a value should stand", "the file may be cut off")
    default:
      return JSONValue(kind: try word(), place: start)
    }
  }

  private mutating func object(depth: Int) throws(Diagnostic) -> JSONValue.Kind {
    advance()
    var members: [JSONValue.Member] = []
    var keys: Set<String> = []
    try skipSpace()
    if peek == "}" {
      advance()
      return .object([])
    }
    while true {
      try skipSpace()
      let place = self.place
      guard peek == "\"" else { throw error(.dagSyntax, "a key in double quotes should stand here") }
      let key = try string()
      guard keys.insert(key).inserted else {
        let shown = sanitised(key, limit: 60)
        throw error(.dagDuplicateKey, "the key '\(shown)' stands twice in one object", "keep one", at: place)
      }
      try skipSpace()
      guard peek == ":" else { throw error(.dagSyntax, "a colon should stand here") }
      advance()
      try skipSpace()
      members.append(JSONValue.Member(key: key, place: place, value: try value(depth: depth + 1)))
      guard try continues(until: "}") else { return .object(members) }
    }
  }

  private mutating func array(depth: Int) throws(Diagnostic) -> JSONValue.Kind {
    advance()
    var values: [JSONValue] = []
    try skipSpace()
    if peek == "]" {
      advance()
      return .array([])
    }
    while true {
      try skipSpace()
      values.append(try value(depth: depth + 1))
      guard try continues(until: "]") else { return .array(values) }
    }
  }

  /// Steps over a comma, or over the closing bracket: then false.
  private mutating func continues(until end: Unicode.Scalar) throws(Diagnostic) -> Bool {
    try skipSpace()
    let found = peek
    guard found == "," || found == end else {
      let message =
        found == nil ? "the text ends inside a list or object" : "a comma or '\(end)' should stand here"
      throw error(.dagSyntax, message, found == nil ? "the file may be cut off" : nil)
    }
    advance()
    return found == ","
  }

  /// A number, `true`, `false` or `null`.
  private mutating func word() throws(Diagnostic) -> JSONValue.Kind {
    let start = place
    var text = ""
    while let scalar = peek, !",]}:{[\"/# \t\n".unicodeScalars.contains(scalar), text.utf8.count < 400 {
      text.unicodeScalars.append(scalar)
      advance()
    }
    switch text {
    case "true": return .bool(true)
    case "false": return .bool(false)
    case "null": return .null
    default: break
    }
    if ["nan", "infinity", "inf"].contains(text.lowercased().drop { $0 == "-" || $0 == "+" }) {
      throw error(.dagNotANumber, "\(sanitised(text)) is no JSON number", "write a finite number", at: start)
    }
    guard Self.isNumber(text) else {
      throw error(.dagSyntax, "'\(sanitised(text, limit: 40))' is no JSON value", at: start)
    }
    return .number(text)
  }

  /// `-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?`
  private static func isNumber(_ text: String) -> Bool {
    var rest = Substring(text)
    func digits(_ rest: inout Substring) -> Substring {
      let digits = rest.prefix { ("0"..."9").contains($0) }
      rest = rest.dropFirst(digits.count)
      return digits
    }
    if rest.first == "-" { rest = rest.dropFirst() }
    let whole = digits(&rest)
    guard !whole.isEmpty, whole.count == 1 || whole.first != "0" else { return false }
    if rest.first == "." {
      rest = rest.dropFirst()
      guard !digits(&rest).isEmpty else { return false }
    }
    if rest.first == "e" || rest.first == "E" {
      rest = rest.dropFirst()
      if rest.first == "+" || rest.first == "-" { rest = rest.dropFirst() }
      guard !digits(&rest).isEmpty else { return false }
    }
    return rest.isEmpty
  }
}
