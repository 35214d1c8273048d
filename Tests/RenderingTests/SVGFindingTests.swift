import Testing
import Workload

@testable import Rendering

@Suite("SVG finding")
struct SVGFindingTests {
  static let refused: [(svg: String, finding: SVGFinding)] = [
    ("", .malformed("it ends early")),
    ("<svg>", .malformed("it ends early")),
    ("<svg></g>", .malformed("'g' ends out of turn")),
    ("<svg/><svg/>", .malformed("a second root")),
    ("<svg/>x", .malformed("text outside the root")),
    ("<svg>a & b</svg>", .malformed("a bare '&'")),
    ("<svg>&nbsp;</svg>", .malformed("the entity '&nbsp;'")),
    ("<svg>&#x110000;</svg>", .malformed("'&#x110000;'")),
    ("<svg>&#27;</svg>", .controlCharacter(27)),
    ("<svg>&#x0;</svg>", .controlCharacter(0)),
    ("<svg>\u{7}</svg>", .controlCharacter(7)),
    ("<svg><!-- a -- b --></svg>", .malformed("two hyphens in a comment")),
    ("<!DOCTYPE svg [<!ENTITY a 'b'>]><svg/>", .element("")),
    ("<?xml version=\"1.0\"?><svg/>", .element("")),
    ("<svg><![CDATA[]]></svg>", .element("")),
    ("<svg x=\"1\" x=\"2\"/>", .malformed("'x' twice")),
    ("<svg x='1'/>", .malformed("the tag of 'svg'")),
    ("<svg x=\"1\"y=\"2\"/>", .malformed("the tag of 'svg'")),
    ("<svg x=\"<\"/>", .malformed("'<' in x")),
    ("<svg><script/></svg>", .element("script")),
    ("<svg><foreignObject/></svg>", .element("foreignObject")),
    ("<svg><image/></svg>", .element("image")),
    ("<svg onload=\"f()\"/>", .attribute("onload")),
    ("<svg xlink:href=\"#a\"/>", .attribute("xlink:href")),
    ("<svg style=\"fill:red\"/>", .attribute("style")),
    ("<svg xmlns=\"http://www.w3.org/1999/xhtml\"/>", .reference("http://www.w3.org/1999/xhtml")),
    ("<svg fill=\"JavaScript:f()\"/>", .reference("JavaScript:f()")),
    ("<svg fill=\"url(http://a)\"/>", .reference("url(http://a)")),
  ]

  @Test("Each way to be harmful or no XML has its finding", arguments: refused)
  func refusal(svg: String, finding: SVGFinding) {
    #expect(SVGFinding.first(in: svg) == finding)
  }

  @Test("A drawing without findings passes")
  func harmless() {
    #expect(
      SVGFinding.first(in: "<svg x=\"1\">\n<!-- a --><text>javascript: &amp;&#45;</text></svg>\n") == nil)
  }

  @Test("Whatever passes is XML to libxml2, in 3,000 damaged drawings")
  func damaged() throws {
    let sound = Array(try GraphvizLayout.svg(of: GraphvizLayoutTests.chain(3)).utf8)
    let alphabet = Array("<>&;\"'/-#x= \u{1}a!?[]\n".utf8)
    var generator = SeededGenerator(seed: 7)
    var passed = 0
    for _ in 0..<3000 {
      var bytes = sound
      for _ in 0..<Int.random(in: 1...3, using: &generator) {
        let position = Int.random(in: bytes.indices, using: &generator)
        switch Int.random(in: 0..<3, using: &generator) {
        case 0: bytes.remove(at: position)
        case 1: bytes[position] = alphabet[Int.random(in: alphabet.indices, using: &generator)]
        default:
          bytes.insert(alphabet[Int.random(in: alphabet.indices, using: &generator)], at: position)
        }
      }
      let svg = String(decoding: bytes, as: UTF8.self)
      if SVGFinding.first(in: svg) == nil {
        passed += 1
        #expect(XMLReading(svg).isWellFormed, "\(svg)")
      }
    }
    // Damage inside text and numbers leaves XML.
    #expect(passed > 300 && passed < 2700)
  }
}
