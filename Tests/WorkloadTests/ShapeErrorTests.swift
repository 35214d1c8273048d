import Testing
import Workload

@Suite struct ShapeErrorTests {
  private func check(_ code: String, _ text: String, _ body: () throws(ShapeError) -> Void) {
    do throws(ShapeError) {
      try body()
      Issue.record("no error; expected: \(text)")
    } catch {
      #expect(error.code == code)
      #expect(error.description == text)
    }
  }

  @Test("A size is at least 1")
  func tooSmall() {
    check("dim-zero", "the number of rows is 0; a tensor needs at least 1.") { () throws(ShapeError) in
      _ = try FeatureMap(channels: 1, rows: 0, columns: 1)
    }
    check("dim-negative", "the batch is -2; give a size of at least 1.") { () throws(ShapeError) in
      _ = try FeatureMap(batch: -2, channels: 1, rows: 1, columns: 1)
    }
  }

  @Test("A size is at most 2³¹ − 1")
  func dimension() throws {
    _ = try WindowAxis(inputExtent: (1 << 31) - 1)
    check("limit-dim", "the input's rows is 2147483648; the largest supported is 2147483647.") {
      () throws(ShapeError) in
      _ = try WindowAxis(inputExtent: 1 << 31)
    }
  }

  @Test("A tensor has at most 2³⁶ elements")
  func tensor() throws {
    _ = try FeatureMap(channels: 1, rows: 1 << 18, columns: 1 << 18)
    let text = "the feature map has more than 68719476736 elements, the largest tensor supported."
    check("limit-tensor", text) { () throws(ShapeError) in
      _ = try FeatureMap(channels: 2, rows: 1 << 18, columns: 1 << 18)
    }
  }

  @Test("A layer has at most 2⁵⁰ multiply-accumulates")
  func work() throws {
    let axis = try WindowAxis(inputExtent: 1 << 10)
    _ = try ConvolutionShape(inputChannels: 1 << 15, outputChannels: 1 << 15, rows: axis, columns: axis)
    let text = "The layer needs more than 1125899906842624 multiply-accumulates, the most supported."
    check("limit-macs", text) { () throws(ShapeError) in
      _ = try ConvolutionShape(
        inputChannels: 1 << 15, outputChannels: 1 << 15 + 1, rows: axis, columns: axis)
    }
  }

  @Test("A number of elements that wraps is told from one that is too large")
  func overflow() {
    let text = "The number of elements of the feature map does not fit in 64 bits."
    check("shape-overflow", text) { () throws(ShapeError) in
      _ = try FeatureMap(batch: 1 << 22, channels: 1 << 21, rows: 1 << 20, columns: 1)
    }
  }

  @Test("A window moves on, crops nothing and fits its padded input")
  func window() {
    check("stride-zero", "The stride of the columns is 0; give at least 1.") { () throws(ShapeError) in
      _ = try WindowAxis(inputExtent: 3, stride: 0, name: "columns")
    }
    let cropped = "The padding of the rows is -1; cropping by negative padding is not supported."
    check("pad-negative", cropped) { () throws(ShapeError) in
      _ = try WindowAxis(inputExtent: 3, paddingBefore: -1)
    }
    let empty = "The window covers 5 rows but the padded input has 4, so the output is empty."
    check("empty-output", empty) { () throws(ShapeError) in
      _ = try WindowAxis(inputExtent: 3, window: 3, dilation: 2, paddingAfter: 1)
    }
  }

  @Test("Groups divide the channels on both sides")
  func groups() throws {
    let axis = try WindowAxis(inputExtent: 2)
    check("group-mismatch", "2 groups do not divide 4 input and 3 output channels evenly.") {
      () throws(ShapeError) in
      _ = try ConvolutionShape(inputChannels: 4, outputChannels: 3, groups: 2, rows: axis, columns: axis)
    }
  }
}
