/// One finding about a file: what, where, and how to mend it.
public struct Diagnostic: Error, Hashable, Sendable {
  /// Whether the file is refused, or read with a word of caution.
  public enum Severity: String, Hashable, Sendable { case error, warning }

  /// A place in a text: line and column from 1, the column and length in Unicode scalars.
  public struct Location: Hashable, Sendable {
    public let line, column, length: Int
    /// The line's text around the place, made safe for terminals, and where in it the carets go.
    public let excerpt: String
    public let caretOffset, caretCount: Int
  }

  public let code: DiagnosticCode
  public let severity: Severity
  /// What is wrong, in one sentence without a full stop.
  public let message: String
  /// How to mend it.
  public let remedy: String?
  /// The file as the user named it; nil where there is none.
  public let path: String?
  public let location: Location?

  public init(
    _ code: DiagnosticCode, severity: Severity = .error, _ message: String, remedy: String? = nil,
    path: String? = nil, location: Location? = nil
  ) {
    self.code = code
    self.severity = severity
    self.message = message
    self.remedy = remedy
    self.path = path
    self.location = location
  }

  public var exitStatus: Int32 { code.exitStatus }
}

extension Diagnostic: CustomStringConvertible {
  /// The finding as people read it, without a line break at its end:
  /// ```
  /// error[unknown-key]: unknown key 'l2_byte' in GPU description
  ///   --> Configs/GPUs/h200.yaml:7:3
  /// 7 |   l2_byte: 52428800
  ///   |   ^^^^^^^ did you mean 'l2_bytes'?
  /// ```
  public var description: String {
    var lines = ["\(severity.rawValue)[\(code.rawValue)]: \(message)"]
    let number = location.map { String($0.line) } ?? ""
    let margin = String(repeating: " ", count: number.count)
    if let path {
      let place = location.map { ":\($0.line):\($0.column)" } ?? ""
      lines.append((location == nil ? " " : margin) + " --> " + sanitised(path, limit: 400) + place)
    }
    if let location {
      lines.append("\(number) | \(location.excerpt)")
      let carets =
        String(repeating: " ", count: location.caretOffset)
        + String(repeating: "^", count: location.caretCount)
      lines.append("\(margin) | \(carets)" + (remedy.map { " " + $0 } ?? ""))
    } else if let remedy {
      lines.append("  = \(remedy)")
    }
    return lines.joined(separator: "\n")
  }
}

/// What is wrong with a file: all findings at once, at most `limit` of them, in the order of the file.
public struct FileErrors: Error, Hashable, Sendable {
  public static let limit = 20

  public let diagnostics: [Diagnostic]
  /// How many more errors there were.
  public let omitted: Int

  public init(_ diagnostics: [Diagnostic]) {
    let ordered = diagnostics.enumerated().sorted { a, b in
      let (left, right) = (a.element.location, b.element.location)
      let (leftKey, rightKey) = (
        (left?.line ?? 0, left?.column ?? 0, a.offset), (right?.line ?? 0, right?.column ?? 0, b.offset)
      )
      return leftKey < rightKey
    }.map(\.element)
    self.diagnostics = Array(ordered.prefix(Self.limit))
    omitted = max(0, ordered.count - Self.limit)
  }

  public init(_ diagnostic: Diagnostic) { self.init([diagnostic]) }

  /// The highest of the findings' statuses: a limit weighs more than a mistake.
  public var exitStatus: Int32 { diagnostics.map(\.exitStatus).max() ?? 2 }
  public var codes: [DiagnosticCode] { diagnostics.map(\.code) }
}

extension FileErrors: CustomStringConvertible {
  public var description: String {
    var parts = diagnostics.map(\.description)
    if omitted > 0 { parts.append("and \(omitted) more errors") }
    return parts.joined(separator: "\n")
  }
}
