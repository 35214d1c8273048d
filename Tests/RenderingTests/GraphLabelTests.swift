import Testing
import Workload

@testable import Rendering

/// A name that someone hostile, or a careless exporter, might put into a model, and what is drawn of it.
struct HostileName: CustomTestStringConvertible {
  let name: String
  let drawn: String
  /// The name would do to the terminal what it is meant to.
  var testDescription: String { name.unicodeScalars.map { $0.escaped(asASCII: true) }.joined() }

  static let all = [
    Self(name: "</script><img onerror=alert(1)>", drawn: "</script><img onerror=alert(1)>"),
    Self(name: "javascript:alert(1)", drawn: "javascript:alert(1)"),
    Self(name: "]]><!-- -->", drawn: "]]><!-- -->"),
    Self(name: "\\N \\G \\l \\n", drawn: "\\N \\G \\l \\n"),
    Self(name: "ends in \\", drawn: "ends in \\"),
    Self(name: "\\\"", drawn: "\\\""),
    Self(name: "\"]; evil [URL=\"javascript:1", drawn: "\"]; evil [URL=\"javascript:1"),
    Self(name: "&#x3c;script&#62; &lt; &amp; &", drawn: "&#x3c;script&#62; &lt; &amp; &"),
    Self(name: "&#0;&#x1b;[2J", drawn: "&#0;&#x1b;[2J"),
    Self(name: "<b>not HTML</b>", drawn: "<b>not HTML</b>"),
    Self(name: "=cmd|' /C calc'!A0", drawn: "=cmd|' /C calc'!A0"),
    Self(name: "nul\0nul", drawn: "nul\u{FFFD}nul"),
    Self(name: "\u{1B}[2Jclear", drawn: "\u{FFFD}[2Jclear"),
    Self(name: "tab\tline\r\nfeed", drawn: "tab\u{FFFD}line\u{FFFD}\u{FFFD}feed"),
    Self(name: "C1 \u{85}\u{9B}, DEL \u{7F}", drawn: "C1 \u{FFFD}\u{FFFD}, DEL \u{FFFD}"),
    Self(name: "a\u{2028}b\u{2029}c", drawn: "a\u{FFFD}b\u{FFFD}c"),
    Self(name: "safe\u{202E}gpj.exe\u{202C}\u{2066}\u{2069}\u{200F}\u{61C}", drawn: "safegpj.exe"),
    Self(name: "شبكة", drawn: "شبكة"),
    Self(name: "卷积 🧮 é", drawn: "卷积 🧮 é"),
  ]
}

@Suite("Graph label")
struct GraphLabelTests {
  @Test("A hostile name is drawn as it stands, less what cannot be drawn", arguments: HostileName.all)
  func drawn(hostile: HostileName) throws {
    let label = GraphLabel(hostile.name)
    #expect(label.text == hostile.drawn)
    let svg = try GraphvizLayout.svg(of: "digraph g { n0 [label=\(label)] }")
    let reading = XMLReading(svg)
    #expect(reading.isWellFormed)
    #expect(reading.texts == [hostile.drawn])
    #expect(reading.elements == ["svg", "g", "title", "polygon", "ellipse", "text"])
  }

  @Test("DOT source escapes a backslash, a quote and an ampersand, nothing else")
  func source() {
    #expect(GraphLabel("a\\N \"b\" &lt; <c>").dot == #""a\\N \"b\" &amp;lt; <c>""#)
    #expect(GraphLabel("conv1", "3×3").dot == #""conv1\n3×3""#)
  }

  @Test("Bytes that are no UTF-8 have become U+FFFD before they are a label")
  func invalidUTF8() {
    #expect(GraphLabel(String(decoding: [0x61, 0xFF, 0xC0, 0x62] as [UInt8], as: UTF8.self)).text == "a��b")
  }

  @Test("Noncharacters, which XML forbids or discourages, are replaced")
  func noncharacters() throws {
    for value: UInt32 in [0xFFFE, 0xFFFF, 0x1FFFE, 0x10FFFF, 0xFDD0, 0xFDEF] {
      let scalar = try #require(Unicode.Scalar(value))
      #expect(GraphLabel(String(Character(scalar))).text == "\u{FFFD}")
    }
  }

  @Test("A name of a megabyte is cut to 64 characters", arguments: [0x78, 0x26, 0x5C, 0x301, 0x202E])
  func megabyte(value: UInt32) throws {
    let scalar = String(Character(try #require(Unicode.Scalar(value))))
    let label = GraphLabel(String(repeating: scalar, count: 1 << 20 / scalar.utf8.count))
    let isDropped = scalar == "\u{202E}"
    #expect(label.text.unicodeScalars.count == (isDropped ? 0 : 64))
    #expect(label.text.unicodeScalars.last == (isDropped ? nil : "…"))
    #expect(label.dot.utf8.count <= 64 * 5 + 4)
  }

  @Test("A name of 64 characters is whole")
  func longest() {
    let name = String(repeating: "é", count: 64)
    #expect(GraphLabel(name).text == name)
    #expect(GraphLabel(name + "!").text == name.dropLast() + "…")
  }

  @Test("Random names are drawn as what the label says")
  func randomNames() throws {
    let alphabet = Array("&#x;<>\\\"'NGlnr0123abc-=:/ \u{1}\u{85}é卷".unicodeScalars)
    var generator = SeededGenerator(seed: 20_240_419)
    let names = (0..<400).map { _ in
      var name = String.UnicodeScalarView()
      for _ in 0..<Int.random(in: 1...24, using: &generator) {
        name.append(alphabet[Int.random(in: alphabet.indices, using: &generator)])
      }
      return String(name)
    }
    let labels = names.map { GraphLabel($0) }
    let nodes = labels.enumerated().map { "n\($0) [label=\($1)]" }
    let reading = XMLReading(
      try GraphvizLayout.svg(of: "digraph g { rankdir=LR\n\(nodes.joined(separator: "\n")) }"))
    #expect(reading.isWellFormed)
    // A label of spaces alone gives no text element; of several spaces all but the first become U+00A0.
    let isShown = { (text: String) in text.contains { $0 != " " } }
    let read = reading.texts.map { String($0.map { $0 == "\u{A0}" ? " " : $0 }) }
    #expect(read.filter(isShown) == labels.map(\.text).filter(isShown))
  }
}
