/// A look at a YAML text before it is parsed, that refuses what these files never need and what could make
/// parsing costly: anchors, aliases, tags, deep nesting, quoted text over several lines, control characters.
///
/// It errs towards refusing: an `&`, `*` or `!` is refused wherever a YAML token could begin.
struct YAMLScreen {
  /// The deepest nesting of brackets, and the widest indentation, that is parsed.
  static let depthLimit = 64

  private let source: SourceText
  private var depth = 0
  private(set) var findings: [Diagnostic] = []

  /// The findings about `source`; empty where it may be parsed.
  static func findings(in source: SourceText) -> [Diagnostic] {
    var screen = YAMLScreen(source: source)
    for (index, line) in source.lines.enumerated() {
      screen.check(line, number: index + 1)
      if screen.findings.count > FileErrors.limit { break }
    }
    return screen.findings
  }

  private init(source: SourceText) { self.source = source }

  private mutating func report(
    _ code: DiagnosticCode, _ message: String, _ remedy: String?, _ line: Int, _ index: Int
  ) {
    findings.append(source.diagnostic(code, message, remedy: remedy, line: line, column: index + 1))
  }

  private mutating func check(_ line: [Unicode.Scalar], number: Int) {
    let indentation = line.prefix { $0 == " " || $0 == "-" || $0 == "?" }.count
    if indentation > Self.depthLimit, !line.allSatisfy({ $0 == "-" || $0 == " " }) {
      report(.limitDepth, "the line is nested more than \(Self.depthLimit) deep", nil, number, indentation)
    }
    var index = 0
    var atTokenStart = true
    while index < line.count {
      let scalar = line[index]
      let next = index + 1 < line.count ? line[index + 1] : " "
      if scalar.value < 0x20 && scalar != "\t" || scalar.value == 0x7f {
        report(.yamlSyntax, "control characters are not allowed", nil, number, index)
      }
      switch scalar {
      case " ", "\t":
        index += 1
        continue
      case "#" where index == 0 || line[index - 1] == " " || line[index - 1] == "\t":
        return
      case "\"" where atTokenStart, "'" where atTokenStart:
        guard let end = Self.endOfQuote(in: line, from: index) else {
          return report(
            .yamlSyntax, "the quoted text does not end on its line", "close the quote", number, index)
        }
        index = end
      case "&" where atTokenStart && next != " ", "*" where atTokenStart && next != " ":
        report(
          .yamlAlias, "anchors and aliases are not supported", "repeat the value, or quote it", number, index)
      case "!" where atTokenStart:
        report(.yamlTag, "tags are not supported", "leave the tag out, or quote the text", number, index)
      default:
        nest(scalar, number, index)
      }
      atTokenStart =
        switch line[min(index, line.count - 1)] {
        case ":", "-", "?", "[", "{", ",", "]", "}": true
        default: false
        }
      index += 1
    }
  }

  private mutating func nest(_ scalar: Unicode.Scalar, _ line: Int, _ index: Int) {
    if scalar == "[" || scalar == "{" {
      depth += 1
      if depth == Self.depthLimit + 1 {
        report(.limitDepth, "brackets are nested more than \(Self.depthLimit) deep", nil, line, index)
      }
    } else if scalar == "]" || scalar == "}" {
      depth = max(0, depth - 1)
    }
  }

  /// The index of the quote that closes the one at `start`.
  private static func endOfQuote(in line: [Unicode.Scalar], from start: Int) -> Int? {
    var index = start + 1
    while index < line.count {
      if line[index] == "\\", line[start] == "\"" {
        index += 2
        continue
      }
      if line[index] == line[start] {
        if line[start] == "'", index + 1 < line.count, line[index + 1] == "'" {
          index += 2
          continue
        }
        return index
      }
      index += 1
    }
    return nil
  }
}
