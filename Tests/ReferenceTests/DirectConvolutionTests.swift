import Reference
import Testing
import Workload

/// Each attribute of a convolution on a case small enough to work out by hand.
@Suite struct DirectConvolutionTests {
  @Test("Stride 2 reads every second pair")
  func stride() throws {
    let layer = LayerFixture(rows: try single(), columns: try row(5, window: 2, stride: 2))
    #expect(try layer.fp32([1, 2, 3, 4, 5], weights: [1, 10]) == [21, 43])
  }

  @Test("Dilation 2 skips the neighbour")
  func dilation() throws {
    let layer = LayerFixture(rows: try single(), columns: try row(5, window: 2, dilation: 2))
    #expect(try layer.fp32([1, 2, 3, 4, 5], weights: [1, 10]) == [31, 42, 53])
  }

  @Test("Padding differs before and after")
  func asymmetricPadding() throws {
    let layer = LayerFixture(rows: try single(), columns: try row(3, window: 2, before: 2, after: 1))
    #expect(try layer.fp32([1, 2, 3], weights: [1, 10]) == [0, 10, 21, 32, 3])
  }

  @Test("Stride, dilation and padding together")
  func strideDilationPadding() throws {
    let axis = try row(6, window: 3, stride: 2, dilation: 2, before: 2, after: 1)
    let layer = LayerFixture(rows: try single(), columns: axis)
    // Outputs read (−2, 0, 2), (0, 2, 4), (2, 4, 6).
    #expect(try layer.fp32([1, 2, 3, 4, 5, 6], weights: [1, 10, 100]) == [310, 531, 53])
  }

  @Test("Rows and columns have their own windows")
  func rectangularWindow() throws {
    let rows = try WindowAxis(inputExtent: 2, window: 2)
    let layer = LayerFixture(rows: rows, columns: try row(2))
    #expect(try layer.fp32([1, 2, 3, 4], weights: [1, 10]) == [31, 42])
  }

  @Test("A padded row of taps is zeros")
  func paddedRows() throws {
    let rows = try WindowAxis(inputExtent: 2, window: 2, paddingBefore: 1)
    let layer = LayerFixture(rows: rows, columns: try row(2))
    #expect(try layer.fp32([1, 2, 3, 4], weights: [1, 10]) == [10, 20, 31, 42])
  }

  @Test("Each group reads its own channels")
  func groups() throws {
    let layer = LayerFixture(
      channels: 4, filters: 2, groups: 2, rows: try single(), columns: try single())
    #expect(try layer.fp32([1, 2, 3, 4], weights: [1, 2, 3, 4]) == [5, 25])
  }

  @Test("A depthwise multiplier of 2 gives each channel two filters")
  func multiplier() throws {
    let layer = LayerFixture(
      channels: 2, filters: 4, groups: 2, rows: try single(), columns: try single())
    #expect(try layer.fp32([10, 100], weights: [1, 2, 3, 4]) == [10, 20, 300, 400])
  }

  @Test("A batch of two is two images, filters outermost in each")
  func batch() throws {
    let layer = LayerFixture(batch: 2, channels: 2, filters: 2, rows: try single(), columns: try single())
    #expect(try layer.fp32([1, 2, 3, 4], weights: [1, 10, 100, 1000]) == [21, 2100, 43, 4300])
  }

  @Test("A window over the whole map is a fully connected layer")
  func fullyConnected() throws {
    let rows = try WindowAxis(inputExtent: 2, window: 2)
    let layer = LayerFixture(filters: 2, rows: rows, columns: try row(2, window: 2), hasBias: true)
    let output = try layer.fp32([1, 2, 3, 4], weights: [1, 10, 100, 1000, 1, 1, 1, 1], bias: [0.5, -20])
    #expect(output == [4321.5, -10])
  }

  @Test("Activations come after the bias")
  func activation() throws {
    var layer = LayerFixture(
      filters: 3, rows: try single(), columns: try single(), hasBias: true, activation: .relu6)
    #expect(try layer.fp32([1], weights: [1, 1, 1], bias: [-2, 2, 8]) == [0, 3, 6])
    layer.activation = .relu
    #expect(try layer.fp32([1], weights: [1, 1, 1], bias: [-2, 2, 8]) == [0, 3, 9])
  }

  @Test("A tap is one fused multiply-add, rounded once")
  func fusedMultiplyAdd() throws {
    let layer = LayerFixture(channels: 2, rows: try single(), columns: try single())
    let near: Float = 1 + 0x1p-12
    // (1 + 2⁻¹²)² = 1 + 2⁻¹¹ + 2⁻²⁴; rounding the product first would lose the last term.
    #expect(try layer.fp32([-1 - 0x1p-11, near], weights: [1, near]) == [0x1p-24])
  }

  @Test("A padded tap takes part: it turns −0 into +0, and an infinite weight into NaN")
  func paddedTap() throws {
    let after = LayerFixture(rows: try single(), columns: try row(1, window: 2, after: 1))
    // The first product underflows to −0; then fma(w, +0, −0) is +0 for w > 0 and −0 for w < 0.
    #expect(try after.fp32([1e-30], weights: [-1e-30, 1])[0].bitPattern == Float(0).bitPattern)
    #expect(try after.fp32([1e-30], weights: [-1e-30, -1])[0].bitPattern == Float(-0.0).bitPattern)
    #expect(try after.fp32([1], weights: [1, .infinity])[0].isNaN)
    let rows = try WindowAxis(inputExtent: 1, window: 2, paddingBefore: 1)
    let above = LayerFixture(rows: rows, columns: try single())
    #expect(try above.fp32([1], weights: [.infinity, 1])[0].isNaN)
    #expect(try above.fp32([1], weights: [-.infinity, 1])[0].isNaN)
  }

  @Test("NaN and −0 pass through ReLU")
  func reluSpecialValues() throws {
    let layer = LayerFixture(rows: try single(), columns: try single(), activation: .relu)
    #expect(try layer.fp32([.nan], weights: [1])[0].isNaN)
    #expect(try layer.fp32([1e-30], weights: [-1e-30])[0].bitPattern == Float(-0.0).bitPattern)
  }

  @Test("A missing bias adds nothing: −0 stays −0")
  func missingBias() throws {
    var layer = LayerFixture(rows: try single(), columns: try single())
    #expect(try layer.fp32([1e-30], weights: [-1e-30])[0].sign == .minus)
    layer.hasBias = true
    #expect(try layer.fp32([1e-30], weights: [-1e-30], bias: [0])[0].sign == .plus)
  }

  @Test("Values do not depend on the number of threads", arguments: [2, 3, 7])
  func threads(count: Int) throws {
    let axis = try row(9, window: 3, stride: 2, before: 1, after: 1)
    let layer = try LayerFixture(
      batch: 2, channels: 6, filters: 4, groups: 2, rows: axis, columns: axis, hasBias: true
    ).layer()
    let parameters = SyntheticParameters.fp32(for: layer, seed: 3)
    let input = TensorValues.fp32(SyntheticParameters.values(of: layer.inputMap, purpose: "x", seed: 3))
    let one = try DirectEvaluation.evaluate(layer, parameters: parameters, inputs: [input], threads: 1)
    let many = try DirectEvaluation.evaluate(layer, parameters: parameters, inputs: [input], threads: count)
    #expect(one.firstDifference(from: many) == nil)
  }
}
