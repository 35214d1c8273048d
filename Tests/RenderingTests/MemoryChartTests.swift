import Hardware
import MemorySimulation
import Scheduling
import TestSupport
import Testing
import Workload

@testable import Rendering

@Suite struct MemoryChartTests {
  /// A PW layer of 4 channels on 8 × 8: 1 KB in, 64 B of weights, 1 KB out.
  private func traffic() throws -> KernelTraffic {
    let point = try WindowAxis(inputExtent: 8, window: 1, stride: 1)
    let shape = try ConvolutionShape(
      batch: 1, inputChannels: 4, outputChannels: 4, groups: 1, rows: point, columns: point)
    let layer = Layer(
      name: "pw", operation: .convolution, shape: shape, hasBias: false, inputs: [.input(0)])
    let schedule = try Schedule(
      Chain([layer], precision: .fp32), tiling: Tiling(rows: 8, columns: 8, channels: 4, reduction: [4]))
    return KernelReplay(schedule, on: try GPUDraft().gpu()).run()
  }

  private func chart(_ name: String = "unfused") throws -> MemoryChart {
    MemoryChart(
      "test", panels: [.init(name, [try traffic(), try traffic()]), .init("fused", [try traffic()])])
  }

  @Test("Flows are the sums of the kernels' bytes")
  func flows() throws {
    let panels = try chart().panels
    #expect(
      panels[1].flows == [
        .init(down: 1024, up: 1024 + 64), .init(down: 1024, up: 1024 + 64), .init(down: 1024, up: 1024 + 64),
      ])
    #expect(panels[0].flows.map(\.up) == panels[1].flows.map { 2 * $0.up })
  }

  /// Points of the arrows of a class.
  private func widths(_ svg: String, _ kind: String) -> [Int] {
    svg.split(separator: "\n").filter { $0.contains("class=\"\(kind)\"") }.map { line in
      let points = line.split(separator: "points=\"")[1].split(separator: " ")
      let xs = points.prefix(2).map { Int($0.split(separator: ",")[0]) ?? 0 }
      return xs[1] - xs[0]
    }
  }

  // The widest are 2 · 1,088 B, 56 pixels; 1,088 B are 28, 2,048 B 53, 1,024 B 26.
  @Test("Arrows are as wide as their bytes on one scale")
  func scale() throws {
    let svg = try chart().svg
    #expect(widths(svg, "loads") == [56, 56, 56, 28, 28, 28])
    #expect(widths(svg, "stores") == [53, 53, 53, 26, 26, 26])
  }

  @Test("The picture is sound XML without anything active, whatever the names")
  func sound() throws {
    for name in [
      "</text><script>alert(1)</script>", "a & b < c", "\u{1b}[2J\u{202e}evil",
      String(repeating: "x", count: 5_000),
    ] {
      let svg = try chart(name).svg
      var scanner = SVGScanner(svg)
      try scanner.scan()
      #expect(!svg.contains("<script"))
    }
  }

  @Test("Equal kernels give equal bytes")
  func deterministic() throws { #expect(try chart().svg == chart().svg) }
}
