import Reference
import Testing
import Workload

/// Sums around 10⁸, where a float's step is 8, so that every order has its own result.
@Suite struct ReductionOrderTests {
  let big: Float = 1e8

  @Test("A restart sums each block alone, then the blocks in order")
  func restart() throws {
    let layer = LayerFixture(channels: 4, rows: try single(), columns: try single())
    let (x, w): ([Float], [Float]) = ([big, 1, -big, 1], [1, 1, 1, 1])
    #expect(try layer.fp32(x, weights: w) == [1])
    #expect(try layer.fp32(x, weights: w, order: ReductionOrder(restart: 2)) == [0])
    #expect(try layer.fp32(x, weights: w, order: ReductionOrder(restart: 4)) == [1])
    // Blocks of 3 and 1: ((10⁸ + 1) − 10⁸) + 1.
    #expect(try layer.fp32(x, weights: w, order: ReductionOrder(restart: 3)) == [1])
  }

  @Test("The bias starts the chain or ends it")
  func bias() throws {
    let layer = LayerFixture(channels: 2, rows: try single(), columns: try single(), hasBias: true)
    #expect(try layer.fp32([big, -big], weights: [1, 1], bias: [1]) == [1])
    #expect(
      try layer.fp32([big, -big], weights: [1, 1], bias: [1], order: ReductionOrder(bias: .first)) == [0])
  }

  @Test("A bias that starts the chain enters the first block alone")
  func biasFirstWithRestart() throws {
    let layer = LayerFixture(channels: 2, rows: try single(), columns: try single(), hasBias: true)
    let order = ReductionOrder(restart: 1, bias: .first)
    #expect(try layer.fp32([2, 3], weights: [1, 1], bias: [10], order: order) == [15])
  }

  @Test("Taps go by rows or by columns")
  func taps() throws {
    let layer = LayerFixture(
      rows: try WindowAxis(inputExtent: 2, window: 2), columns: try row(2, window: 2))
    let (x, w): ([Float], [Float]) = ([big, 1, -big, 1], [1, 1, 1, 1])
    #expect(try layer.fp32(x, weights: w) == [1])
    #expect(try layer.fp32(x, weights: w, order: ReductionOrder(taps: .columnMajor)) == [2])
  }

  @Test("Inside a block the window or the channel varies fastest")
  func innermost() throws {
    let layer = LayerFixture(channels: 2, rows: try single(), columns: try row(2, window: 2))
    let (x, w): ([Float], [Float]) = ([big, 1, -big, 1], [1, 1, 1, 1])
    #expect(try layer.fp32(x, weights: w) == [1])
    #expect(try layer.fp32(x, weights: w, order: ReductionOrder(innermost: .channel)) == [2])
    #expect(try layer.fp32(x, weights: w, order: ReductionOrder(restart: 1, innermost: .channel)) == [0])
  }
}
