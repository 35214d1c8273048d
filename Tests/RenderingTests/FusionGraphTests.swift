import Foundation
import Fusion
import Hardware
import ModelFiles
import Testing
import Workload

@testable import Rendering

@Suite struct FusionGraphTests {
  /// dw → pw, then an add of the pw's output with itself: one box, one fork.
  private func plan() throws -> FusionPlan {
    let axis = try WindowAxis(inputExtent: 8, window: 3, paddingBefore: 1, paddingAfter: 1)
    let point = try WindowAxis(inputExtent: 8)
    let dw = try ConvolutionShape(inputChannels: 4, outputChannels: 4, groups: 4, rows: axis, columns: axis)
    let pw = try ConvolutionShape(inputChannels: 4, outputChannels: 2, rows: point, columns: point)
    let add = try ConvolutionShape(
      inputChannels: 2, outputChannels: 2, groups: 2, rows: point, columns: point)
    let network = try Network(
      name: "tiny", inputs: [dw.inputMap],
      layers: [
        Layer(name: "a", operation: .convolution, shape: dw, inputs: [.input(0)]),
        Layer(name: "b\"<&\\N", operation: .convolution, shape: pw, inputs: [.layer(0)]),
        Layer(name: "c", operation: .add, shape: add, inputs: [.layer(1), .layer(1)]),
      ])
    let gpu = try #require(BuiltIn.gpu(named: "gtx1660"))
    return FusionPlanner(gpu: gpu, precision: .fp32, minBlocks: 1).plan(network)
  }

  @Test("The DOT text of a tiny plan, worked out by hand")
  func golden() throws {
    // One block: 256 inputs, 36 + 8 weights and 128 outputs of 4 B. Unfused, the 256 intermediates are stored
    // and loaded, 2048 B more. The add loads 128 twice and stores 128: 1536 B.
    let expected = """
      digraph fusion {
        graph [fontname="Helvetica", labelloc=t, fontsize=16, label="tiny on GeForce GTX 1660, fp32\\naccesses unfused 5.30 kB, fused 3.25 kB (−38.7 %)"]
        node [fontname="Helvetica", fontsize=11, shape=box, width=4.2, style="rounded,filled", fillcolor=white]
        edge [fontname="Helvetica", fontsize=10]
        i0 [shape=ellipse, label="input\\n1×4×8×8"]
        subgraph cluster_0 {
          label="dwpw, tile 8×8×2\\n3.76 kB → 1.71 kB"; labeljust=l; fontsize=11; style="rounded,filled"; color="#1b7f4d"; fillcolor="#e3f4ea"
          n0 [label="a\\ndw → 1×4×8×8"]
          n1 [label="b\\"<&amp;\\\\N\\npw → 1×2×8×8"]
        }
        n2 [label="c\\nadd → 1×2×8×8"]
        i0 -> n0 [label="  1.02 kB", penwidth=6.0]
        n0 -> n1 [style=dashed, color=gray, fontcolor=gray, label="  on chip"]
        n1 -> n2 [label="  1.02 kB", penwidth=6.0]
        n1 -> n2 [label="  1.02 kB", penwidth=6.0]
      }

      """
    #expect(FusionGraph(try plan()).dot == expected)
  }

  @Test("A residual is an edge into the box of the kernel that adds it")
  func residual() throws {
    let axis = try WindowAxis(inputExtent: 8, window: 3, paddingBefore: 1, paddingAfter: 1)
    let point = try WindowAxis(inputExtent: 8)
    let dw = try ConvolutionShape(inputChannels: 2, outputChannels: 2, groups: 2, rows: axis, columns: axis)
    let add = try ConvolutionShape(
      inputChannels: 2, outputChannels: 2, groups: 2, rows: point, columns: point)
    let network = try Network(
      name: "block", inputs: [dw.inputMap],
      layers: [
        Layer(name: "a", operation: .convolution, shape: dw, inputs: [.input(0)]),
        Layer(name: "b", operation: .add, shape: add, inputs: [.input(0), .layer(0)]),
      ])
    let gpu = try #require(BuiltIn.gpu(named: "gtx1660"))
    let graph = FusionGraph(FusionPlanner(gpu: gpu, precision: .fp32, minBlocks: 1).plan(network))
    // One block: 128 inputs, 18 weights, 128 residuals and 128 sums of 4 B, 1608 B. On its own the DW moves 1096 B,
    // the add 3 · 512 B.
    let lines = graph.dot.split(separator: "\n").map(String.init)
    #expect(lines.contains { $0.contains("label=\"dwadd, tile 8×8×2\\n2.63 kB → 1.61 kB\"") })
    #expect(lines.contains("  i0 -> n0 [label=\"  512 B\", penwidth=6.0]"))
    #expect(lines.contains("  i0 -> n1 [label=\"  512 B\", penwidth=6.0]"))
    #expect(
      lines.contains("  n0 -> n1 [style=dashed, color=gray, fontcolor=gray, label=\"  on chip\"]"))
  }

  @Test("The drawing of a whole network is an SVG that holds every layer")
  func wholeNetwork() throws {
    let gpu = try #require(BuiltIn.gpu(named: "gtx1660"))
    let network = try #require(BuiltIn.network(named: "mobilenet_v2"))
    let svg = try FusionGraph(FusionPlanner(gpu: gpu, precision: .fp32).plan(network)).svg()
    for layer in network.layers { #expect(svg.contains(">\(layer.name)<")) }
    #expect(SVGFinding.first(in: svg) == nil)
  }

  @Test("Bytes are worded in decimal units, rounded half up")
  func units() {
    let cases = [
      (0, "0 B"), (999, "999 B"), (1000, "1.00 kB"), (1_234_567, "1.23 MB"), (2_995_000_000, "3.00 GB"),
    ]
    for (bytes, text) in cases { #expect(FusionGraph.text(Bytes(bytes)) == text) }
  }
}
