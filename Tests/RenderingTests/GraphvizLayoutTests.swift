import Dispatch
import Synchronization
import Testing

@testable import Rendering

@Suite("Graphviz layout")
struct GraphvizLayoutTests {
  static func chain(_ count: Int) -> String {
    let edges = (1..<count).map { "n\($0 - 1) -> n\($0) [label=\"\($0) B\", penwidth=2]" }
    return "digraph g { node [shape=box, style=\"rounded,filled\", fillcolor=lightgrey]\n"
      + "subgraph cluster_0 { style=dashed label=\"dwpw\" n0 n1 }\n\(edges.joined(separator: "\n")) }"
  }

  @Test("A graph with clusters, edge labels and filled boxes becomes well-formed SVG")
  func wellFormed() throws {
    let svg = try GraphvizLayout.svg(of: Self.chain(5))
    let reading = XMLReading(svg)
    #expect(reading.isWellFormed)
    #expect(Set(reading.texts) == ["dwpw", "n0", "n1", "n2", "n3", "n4", "1 B", "2 B", "3 B", "4 B"])
    #expect(svg.hasPrefix("<svg "))
    #expect(svg.utf8.allSatisfy { $0 >= 0x20 || $0 == 0x0A })
  }

  @Test("Eight threads draw at once, and each drawing is the one that a single thread makes")
  func concurrency() throws {
    let alone = try (2..<10).map { try GraphvizLayout.svg(of: Self.chain($0)) }
    let wrong = Mutex(0)
    DispatchQueue.concurrentPerform(iterations: 8) { thread in
      for round in 0..<20 {
        let size = (thread + round) % 8
        if round % 5 == 4 {
          // Messages of one thread must not end up in another's error.
          let error = #expect(throws: GraphvizError.self) { try GraphvizLayout.svg(of: "digraph g {") }
          if error?.code != "graphviz-failed" { wrong.withLock { $0 += 1 } }
        }
        if (try? GraphvizLayout.svg(of: Self.chain(size + 2))) != alone[size] { wrong.withLock { $0 += 1 } }
      }
    }
    #expect(wrong.withLock { $0 } == 0)
  }

  @Test("A chain of a thousand layers is drawn on a thread other than the main one")
  func longChain() async throws {
    let svg = try await Task.detached { try GraphvizLayout.svg(of: Self.chain(1000)) }.value
    #expect(svg.contains("n998&#45;&gt;n999"))
  }

  @Test("A syntax error carries Graphviz's words, with the line")
  func syntaxError() {
    // What an unfinished text before it leaves behind must not count.
    #expect(throws: GraphvizError.self) { try GraphvizLayout.svg(of: "digraph g {\n\n\n") }
    #expect(throws: GraphvizError.unreadable("Error: syntax error in line 2 near '->'")) {
      try GraphvizLayout.svg(of: "digraph g {\n-> }")
    }
  }

  @Test("A missing layout engine is told from a failed layout, and the remedy names the package")
  func missingEngine() throws {
    let error = try #require(throws: GraphvizError.self) {
      try GraphvizLayout.svg(of: "digraph g { a }", engine: "absent")
    }
    #expect(error.code == "graphviz-plugins-missing")
    #expect(error.description.contains(#"Layout type: "absent" not recognized."#))
    #expect(error.description.contains("Install libgraphviz-dev"))
  }

  @Test("A NUL, which would end the text for libgvc, is refused")
  func nul() {
    #expect(throws: GraphvizError.unreadable("it holds a NUL")) {
      try GraphvizLayout.svg(of: "digraph g { a }\0{")
    }
  }

  @Test("A graph over the size limit is refused before libgvc sees it")
  func tooLarge() {
    let dot = "digraph g {" + String(repeating: " ", count: GraphvizLayout.sizeLimit) + "}"
    let error = GraphvizError.graphTooLarge(bytes: dot.utf8.count, limit: GraphvizLayout.sizeLimit)
    #expect(throws: error) { try GraphvizLayout.svg(of: dot) }
    #expect(error.code == "limit-graph")
  }

  @Test(
    "What a label without care would let through is refused",
    arguments: [
      (#"a [URL="javascript:alert(1)"]"#, "it holds the element 'a'"),
      ("a [label=\"\u{1}\"]", "it holds the control character U+0001"),
      ("a [label=\"\u{85}\"]", "it holds the control character U+0085"),
      (#"a [style=filled, fillcolor="red:blue"]"#, "it holds the element 'defs'"),
      (#"a [fontname="x\" onload=\"alert(1)"]"#, "it holds the attribute 'onload'"),
    ])
  func refused(statement: String, finding: String) throws {
    let error = #expect(throws: GraphvizError.self) {
      try GraphvizLayout.svg(of: "digraph g { \(statement) }")
    }
    #expect(
      error?.description == "The SVG from Graphviz is refused: \(finding). Write the graph as .dot.")
  }
}
