/// The text of one file with the name people know it by, able to point at places in itself.
struct SourceText: Sendable {
  let path: String
  let text: String
  /// The scalars of each line, without line breaks. Lines end where YAML 1.1 ends them.
  let lines: [[Unicode.Scalar]]

  init(path: String, text: String) {
    self.path = path
    self.text = text
    var lines: [[Unicode.Scalar]] = [[]]
    var afterReturn = false
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\n" where afterReturn: break
      case "\n", "\r", "\u{85}", "\u{2028}", "\u{2029}": lines.append([])
      default: lines[lines.count - 1].append(scalar)
      }
      afterReturn = scalar == "\r"
    }
    self.lines = lines
  }

  func diagnostic(
    _ code: DiagnosticCode, severity: Diagnostic.Severity = .error, _ message: String,
    remedy: String? = nil, line: Int, column: Int, length: Int = 1
  ) -> Diagnostic {
    Diagnostic(
      code, severity: severity, message, remedy: remedy, path: path,
      location: location(line: line, column: column, length: length))
  }

  /// A finding about the file as a whole.
  func diagnostic(
    _ code: DiagnosticCode, severity: Diagnostic.Severity = .error, _ message: String,
    remedy: String? = nil
  ) -> Diagnostic {
    Diagnostic(code, severity: severity, message, remedy: remedy, path: path)
  }

  /// The place and the text around it: at most 160 scalars, so that one huge line stays readable.
  func location(line: Int, column: Int, length: Int) -> Diagnostic.Location {
    let scalars = lines.indices.contains(line - 1) ? lines[line - 1] : []
    let target = min(max(column - 1, 0), scalars.count)
    let start = scalars.count <= 160 ? 0 : max(0, target - 60)
    let end = min(scalars.count, start + 160)
    var excerpt = start > 0 ? "…" : ""
    var offset = excerpt.count
    var carets = 0
    for index in start..<end {
      let shown = scalars[index] == "\t" ? " " : sanitised(scalars[index])
      excerpt += shown
      let width = shown.unicodeScalars.count
      if index < target { offset += width } else if index < target + max(length, 1) { carets += width }
    }
    if end < scalars.count { excerpt += "…" }
    return Diagnostic.Location(
      line: line, column: column, length: length, excerpt: excerpt, caretOffset: offset,
      caretCount: max(carets, 1))
  }
}
