/// Text from outside, such as a layer's name, as a quoted DOT string that draws exactly that text.
///
/// Graphviz expands `\N`, `\G` and `\l`, decodes `&#x3c;`, and passes control characters on into the SVG, which
/// is then no XML. So a backslash is doubled, `&` becomes `&amp;`, and what cannot be drawn, or changes how
/// other text is drawn, does not get in. `<` and `>` need no care: Graphviz escapes them.
public struct GraphLabel: Hashable, Sendable, CustomStringConvertible {
  /// The most characters of one line that are drawn; a longer one ends in `…`.
  public static let lineLimit = 64

  /// DOT source, with its quotes.
  public let dot: String
  /// What will be drawn, lines separated by a line feed.
  public let text: String

  public var description: String { dot }

  public init(_ lines: String...) {
    self.init(lines: lines)
  }

  public init(lines: [String]) {
    let shown = lines.map(Self.drawable)
    text = shown.joined(separator: "\n")
    dot = "\"" + shown.map(Self.escaped).joined(separator: "\\n") + "\""
  }

  /// `line` without bidirectional controls, with U+FFFD for each character that no drawing can hold, and cut.
  ///
  /// Scalars are counted, not grapheme clusters: a single cluster may hold a million scalars.
  static func drawable(_ line: String) -> String {
    var kept = String.UnicodeScalarView()
    var count = 0
    for scalar in line.unicodeScalars {
      if isBidirectionalControl(scalar) { continue }
      count += 1
      if count > lineLimit {
        kept.removeLast()
        kept.append("…")
        break
      }
      kept.append(isDrawable(scalar) ? scalar : "\u{FFFD}")
    }
    return String(kept)
  }

  private static func escaped(_ line: String) -> String {
    var dot = ""
    for scalar in line.unicodeScalars {
      switch scalar {
      case "\\": dot += "\\\\"
      case "\"": dot += "\\\""
      case "&": dot += "&amp;"
      default: dot.unicodeScalars.append(scalar)
      }
    }
    return dot
  }

  /// C0, DEL, C1, separators of lines and paragraphs, and noncharacters; XML forbids most of them.
  private static func isDrawable(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0..<0x20, 0x7F..<0xA0, 0x2028, 0x2029, 0xFDD0...0xFDEF: false
    default: scalar.value & 0xFFFE != 0xFFFE
    }
  }

  /// Marks, embeddings, overrides and isolates, which reorder the text around them.
  private static func isBidirectionalControl(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0x061C, 0x200E, 0x200F, 0x202A...0x202E, 0x2066...0x2069: true
    default: false
    }
  }
}
