import Reference
import Testing
import Workload

@Suite struct DirectPoolTests {
  @Test("A mean counts only the taps inside the map")
  func averageAtTheEdge() throws {
    let axis = try row(4, window: 3, stride: 2, before: 1, after: 1)
    let layer = LayerFixture(operation: .averagePool, rows: try single(), columns: axis)
    #expect(try layer.fp32([1, 2, 3, 7], weights: []) == [1.5, 4])
  }

  @Test("A maximum never sees the padding")
  func maximumAtTheEdge() throws {
    let axis = try row(3, window: 2, before: 1, after: 1)
    let layer = LayerFixture(operation: .maxPool, rows: try single(), columns: axis)
    #expect(try layer.fp32([-5, -3, -4], weights: []) == [-5, -3, -3, -4])
  }

  @Test("One NaN makes its windows NaN")
  func maximumOfNaN() throws {
    let layer = LayerFixture(operation: .maxPool, rows: try single(), columns: try row(3, window: 2))
    let output = try layer.fp32([.nan, 1, 2], weights: [])
    #expect(output[0].isNaN)
    #expect(output[1] == 2)
  }

  @Test("Pools keep channels and images apart")
  func channelsAndBatch() throws {
    let layer = LayerFixture(
      operation: .averagePool, batch: 2, channels: 2, filters: 2, groups: 2, rows: try single(),
      columns: try row(2, window: 2))
    #expect(try layer.fp32([1, 3, 10, 30, 100, 300, 1000, 3000], weights: []) == [2, 20, 200, 2000])
  }

  @Test("A window of nothing but padding is an error")
  func emptyWindow() throws {
    let axis = try row(1, window: 2, dilation: 3, before: 1, after: 3)
    let layer = LayerFixture(operation: .maxPool, rows: try single(), columns: axis)
    #expect(throws: ReferenceError.emptyWindow(layer: "layer", row: 0, column: 0)) {
      try layer.fp32([1], weights: [])
    }
  }
}
