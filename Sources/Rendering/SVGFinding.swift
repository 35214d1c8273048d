/// What an SVG of a graph must not hold: anything that runs, links, loads or is no XML.
///
/// A graph's labels come from files that nobody checked, and the SVG ends up in a browser. Labels are made safe
/// on the way in (`GraphLabel`); this is the second look, at what came out, by a list of what may.
public enum SVGFinding: Hashable, Sendable {
  case notUTF8
  case controlCharacter(UInt32)
  case malformed(String)
  case element(String)
  case attribute(String)
  case reference(String)
}

extension SVGFinding: CustomStringConvertible {
  public var description: String {
    switch self {
    case .notUTF8: "it is not UTF-8"
    case .controlCharacter(let value): "it holds the control character U+\(hexadecimal(value))"
    case .malformed(let what): "it is no XML: \(what)"
    case .element(let name): "it holds the element '\(name)'"
    case .attribute(let name): "it holds the attribute '\(name)'"
    case .reference(let text): "it holds the reference '\(text)'"
    }
  }

  private func hexadecimal(_ value: UInt32) -> String {
    let digits = String(value, radix: 16, uppercase: true)
    return String(repeating: "0", count: max(0, 4 - digits.count)) + digits
  }

  /// The first finding in `svg`, or nil where it is a harmless drawing.
  public static func first(in svg: String) -> Self? {
    var scanner = SVGScanner(svg)
    do throws(SVGFinding) {
      try scanner.scan()
      return nil
    } catch {
      return error
    }
  }
}

extension SVGFinding: Error {}
