/// Reads the XML that Graphviz writes: elements, attributes in double quotes, text and comments.
/// It accepts less than XML, never more; gradients are refused because libgvc numbers them through the life of the
/// process, so that equal graphs would give different bytes.
struct SVGScanner {
  private static let elements: Set<String> = [
    "svg", "g", "title", "text", "polygon", "polyline", "path", "ellipse",
  ]
  private static let attributes: Set<String> = [
    "class", "cx", "cy", "d", "fill", "fill-opacity", "font-family", "font-size", "font-style", "font-weight",
    "height", "id", "points", "rx", "ry", "stroke", "stroke-dasharray", "stroke-opacity", "stroke-width",
    "text-anchor", "text-decoration", "transform", "viewBox", "width", "x", "xml:space", "xmlns",
    "xmlns:xlink", "y",
  ]
  private static let namespaces = [
    "xmlns": "http://www.w3.org/2000/svg", "xmlns:xlink": "http://www.w3.org/1999/xlink",
  ]

  private let bytes: [UInt8]
  private let svg: String
  private var position = 0
  private var open: [String] = []

  init(_ svg: String) {
    self.svg = svg
    bytes = Array(svg.utf8)
  }

  mutating func scan() throws(SVGFinding) {
    for scalar in svg.unicodeScalars where Self.isControl(scalar.value) {
      throw .controlCharacter(scalar.value)
    }
    var seenRoot = false
    while position < bytes.count {
      if bytes[position] != UInt8(ascii: "<") {
        try text()
      } else if take("<!--") {
        if try upTo("-->").contains("--") { throw .malformed("two hyphens in a comment") }
      } else if take("</") {
        let name = try upTo(">")
        guard open.popLast() == name else { throw .malformed("'\(name)' ends out of turn") }
      } else {
        if open.isEmpty, seenRoot { throw .malformed("a second root") }
        try element()
        seenRoot = true
      }
    }
    guard seenRoot, open.isEmpty else { throw .malformed("it ends early") }
  }

  private mutating func element() throws(SVGFinding) {
    position += 1
    let name = identifier()
    guard Self.elements.contains(name) else { throw .element(name) }
    var seen: Set<String> = []
    while true {
      let hadSpace = skipSpace()
      if take("/>") { return }
      if take(">") {
        open.append(name)
        return
      }
      let attribute = identifier()
      guard hadSpace, !attribute.isEmpty, take("=\"") else { throw .malformed("the tag of '\(name)'") }
      guard Self.attributes.contains(attribute) else { throw .attribute(attribute) }
      guard seen.insert(attribute).inserted else { throw .malformed("'\(attribute)' twice") }
      try check(try upTo("\""), of: attribute)
    }
  }

  private func check(_ value: String, of attribute: String) throws(SVGFinding) {
    if value.contains("<") { throw .malformed("'<' in \(attribute)") }
    try checkReferences(in: value)
    if let namespace = Self.namespaces[attribute] {
      if value != namespace { throw .reference(value) }
    } else if value.lowercased().contains("script:") || value.lowercased().contains("url(") {
      throw .reference(value)
    }
  }

  private mutating func text() throws(SVGFinding) {
    let start = position
    while position < bytes.count, bytes[position] != UInt8(ascii: "<") { position += 1 }
    let text = String(decoding: bytes[start..<position], as: UTF8.self)
    if open.isEmpty, text.utf8.contains(where: { !Self.isSpace($0) }) {
      throw .malformed("text outside the root")
    }
    try checkReferences(in: text)
  }

  /// Every `&` begins one of XML's five names or the number of a character that XML allows.
  private func checkReferences(in text: String) throws(SVGFinding) {
    for piece in text.split(separator: "&", omittingEmptySubsequences: false).dropFirst() {
      guard let end = piece.firstIndex(of: ";") else { throw .malformed("a bare '&'") }
      let name = piece[..<end]
      if ["amp", "lt", "gt", "quot", "apos"].contains(name) { continue }
      guard name.hasPrefix("#") else { throw .malformed("the entity '&\(name);'") }
      let isHexadecimal = name.hasPrefix("#x")
      let number = UInt32(name.dropFirst(isHexadecimal ? 2 : 1), radix: isHexadecimal ? 16 : 10)
      guard let number, let scalar = Unicode.Scalar(number) else { throw .malformed("'&\(name);'") }
      if Self.isControl(scalar.value) { throw .controlCharacter(scalar.value) }
    }
  }

  private static func isControl(_ value: UInt32) -> Bool {
    switch value {
    case 0x09, 0x0A, 0x0D: false
    case 0..<0x20, 0x7F..<0xA0, 0xFFFE, 0xFFFF: true
    default: false
    }
  }

  private static func isSpace(_ byte: UInt8) -> Bool { [0x09, 0x0A, 0x0D, 0x20].contains(byte) }

  private mutating func identifier() -> String {
    let start = position
    while position < bytes.count, Self.isNamePart(bytes[position]) { position += 1 }
    return String(decoding: bytes[start..<position], as: UTF8.self)
  }

  private static func isNamePart(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: ":"), UInt8(ascii: "_"):
      true
    default: false
    }
  }

  private mutating func skipSpace() -> Bool {
    let start = position
    while position < bytes.count, Self.isSpace(bytes[position]) { position += 1 }
    return position > start
  }

  private mutating func take(_ expected: StaticString) -> Bool {
    let count = expected.utf8CodeUnitCount
    guard position + count <= bytes.count else { return false }
    for offset in 0..<count where bytes[position + offset] != expected.utf8Start[offset] { return false }
    position += count
    return true
  }

  /// What stands before the next `end`, which is taken too.
  private mutating func upTo(_ end: StaticString) throws(SVGFinding) -> String {
    let start = position
    while position < bytes.count {
      let stop = position
      if take(end) { return String(decoding: bytes[start..<stop], as: UTF8.self) }
      position += 1
    }
    throw .malformed("it ends early")
  }
}
