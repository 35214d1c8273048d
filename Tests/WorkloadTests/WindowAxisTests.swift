import Testing
import Workload

@Suite("Window axis")
struct WindowAxisTests {
  /// Which inputs each output reads, drawn: one line an output, `.` padding.
  private func drawing(_ axis: WindowAxis) -> [String] {
    (0..<axis.outputExtent).map { output in
      (0..<axis.window).map { tap in
        let input = axis.input(output: output, tap: tap)
        return (0..<axis.inputExtent).contains(input) ? String(input) : "."
      }.joined(separator: " ")
    }
  }

  @Test("A 3-wide window of stride 1 with padding 1 on both sides keeps the extent")
  func stride1() throws {
    let axis = try WindowAxis(inputExtent: 4, window: 3, paddingBefore: 1, paddingAfter: 1)
    #expect(drawing(axis) == [". 0 1", "0 1 2", "1 2 3", "2 3 ."])
  }

  @Test("Stride 2 steps over every other input")
  func stride2() throws {
    let axis = try WindowAxis(inputExtent: 5, window: 3, stride: 2, paddingBefore: 1, paddingAfter: 1)
    #expect(drawing(axis) == [". 0 1", "1 2 3", "3 4 ."])
  }

  @Test("Dilation spreads the taps")
  func dilation() throws {
    let axis = try WindowAxis(inputExtent: 6, window: 3, dilation: 2, paddingBefore: 2, paddingAfter: 0)
    #expect(drawing(axis) == [". 0 2", ". 1 3", "0 2 4", "1 3 5"])
  }

  @Test("Padding before and after need not be equal")
  func asymmetric() throws {
    let axis = try WindowAxis(inputExtent: 3, window: 2, stride: 2, paddingAfter: 1)
    #expect(drawing(axis) == ["0 1", "2 ."])
  }

  @Test("SAME puts the odd padding after, as TensorFlow does")
  func same() throws {
    let even = try WindowAxis.same(inputExtent: 6, window: 3, stride: 2)
    #expect(drawing(even) == ["0 1 2", "2 3 4", "4 5 ."])
    let odd = try WindowAxis.same(inputExtent: 5, window: 3, stride: 2)
    #expect(drawing(odd) == [". 0 1", "1 2 3", "3 4 ."])
  }

  @Test(
    "SAME gives ⌈input ÷ stride⌉ outputs, whatever the window", arguments: [1, 2, 3, 5, 7], [1, 2, 3])
  func sameExtent(window: Int, stride: Int) throws {
    for input in 1...20 {
      let axis = try WindowAxis.same(inputExtent: input, window: window, stride: stride)
      #expect(axis.outputExtent == (input + stride - 1) / stride)
    }
  }

  @Test("A window larger than the padded input is refused with both sizes")
  func emptyOutput() {
    #expect(throws: ShapeError.emptyOutput(axis: "columns", paddedInput: 4, effectiveWindow: 5)) {
      try WindowAxis(
        inputExtent: 3, window: 3, dilation: 2, paddingBefore: 1, paddingAfter: 0, name: "columns")
    }
  }

  @Test("A stride of zero and padding below zero are refused")
  func refused() {
    #expect(throws: ShapeError.zeroStride("rows")) { try WindowAxis(inputExtent: 3, stride: 0) }
    #expect(throws: ShapeError.negativePadding("rows", -1)) {
      try WindowAxis(inputExtent: 3, paddingAfter: -1)
    }
    #expect(throws: ShapeError.dimensionTooLarge("the input's rows", 1 << 31)) {
      try WindowAxis(inputExtent: 1 << 31)
    }
  }
}
