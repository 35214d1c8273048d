import Yams

/// A parsed YAML text and the findings about it; the one way by which YAML enters.
///
/// Reading a value that is missing or wrong reports it and gives nil, so that a reader can go on and find
/// everything that is wrong at once.
final class YAMLDocument {
  /// The largest YAML text that is parsed, in UTF-8 bytes.
  static let sizeLimit = 4 << 20

  let source: SourceText
  private(set) var errors: [Diagnostic] = []
  private(set) var warnings: [Diagnostic] = []
  var dimensions: SymbolicDimensions

  init(source: SourceText, dimensions: [String: Int] = [:]) {
    self.source = source
    self.dimensions = SymbolicDimensions(dimensions)
  }

  /// The mapping at the root of the text, with its `version` checked; nil after reporting why not.
  func root(_ what: String, keys: [String]) -> YAMLMapping? {
    guard source.text.utf8.count <= Self.sizeLimit else {
      fail(source.diagnostic(.limitFileSize, "the text has more than \(Self.sizeLimit) bytes"))
      return nil
    }
    let findings = YAMLScreen.findings(in: source)
    guard findings.isEmpty else {
      errors += findings
      return nil
    }
    do {
      guard let node = try compose(yaml: source.text) else {
        fail(source.diagnostic(.emptyFile, "the file has no content"))
        return nil
      }
      guard let mapping = YAMLMapping(self, node, what, keys: ["version"] + keys) else { return nil }
      if let version = mapping.int("version"), version != 1 {
        mapping.fail(
          .unsupportedVersion, "version \(version) is not supported", "write version: 1", at: "version")
      }
      return mapping
    } catch {
      fail(diagnostic(of: error))
      return nil
    }
  }

  /// Whether so much is wrong that more findings help nobody.
  var hasManyErrors: Bool { errors.count >= 10 * FileErrors.limit }

  func fail(_ diagnostic: Diagnostic) { errors.append(diagnostic) }
  func warn(_ diagnostic: Diagnostic) { warnings.append(diagnostic) }

  func fail(_ code: DiagnosticCode, _ message: String, _ remedy: String?, at node: Node) {
    errors.append(diagnostic(code, message, remedy, at: node))
  }

  func diagnostic(
    _ code: DiagnosticCode, severity: Diagnostic.Severity = .error, _ message: String, _ remedy: String?,
    at node: Node
  ) -> Diagnostic {
    guard let mark = node.mark else {
      return source.diagnostic(code, severity: severity, message, remedy: remedy)
    }
    let length = node.scalar?.string.unicodeScalars.count ?? 1
    return source.diagnostic(
      code, severity: severity, message, remedy: remedy, line: mark.line, column: mark.column,
      length: length)
  }

  private func diagnostic(of error: any Error) -> Diagnostic {
    switch error {
    case YamlError.duplicatedKeysInMapping(let keys, let context):
      let key = keys.first ?? ""
      let line = lineOfRepetition(of: key, after: context.mark)
      return source.diagnostic(
        .yamlDuplicateKey, "the key '\(sanitised(key))' stands twice in one mapping",
        remedy: "keep one; the first is in line \(context.mark.line)", line: line,
        column: context.mark.column, length: key.unicodeScalars.count)
    case YamlError.scanner(_, let problem, let mark, _), YamlError.parser(_, let problem, let mark, _),
      YamlError.composer(_, let problem, let mark, _):
      let line = source.lines.indices.contains(mark.line - 1) ? source.lines[mark.line - 1] : []
      let hasTab = line.prefix { $0 == " " || $0 == "\t" }.contains("\t")
      return source.diagnostic(
        .yamlSyntax, sanitised(problem), remedy: hasTab ? "indent with spaces, not tabs" : nil,
        line: mark.line, column: mark.column)
    default:
      return source.diagnostic(.yamlSyntax, "the text is not YAML")
    }
  }

  /// The line in which `key` stands again in the column of its first occurrence.
  private func lineOfRepetition(of key: String, after first: Mark) -> Int {
    let scalars = Array(key.unicodeScalars) + [":"]
    for index in first.line..<max(first.line, source.lines.count)
    where source.lines[index].dropFirst(first.column - 1).starts(with: scalars) {
      return index + 1
    }
    return first.line
  }
}
