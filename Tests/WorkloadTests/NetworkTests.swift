import Testing
import Workload

@Suite struct NetworkTests {
  /// Pointwise over 2 × 2.
  private func layer(
    _ name: String, channels: Int = 3, filters: Int = 3, operation: Operation = .convolution,
    reading inputs: [TensorReference]
  ) throws -> Layer {
    let axis = try WindowAxis(inputExtent: 2)
    let shape = try ConvolutionShape(
      inputChannels: channels, outputChannels: filters, groups: operation == .add ? channels : 1, rows: axis,
      columns: axis)
    return Layer(name: name, operation: operation, shape: shape, inputs: inputs)
  }

  private func network(_ layers: [Layer], inputs: Int = 1) throws -> Network {
    let map = try FeatureMap(channels: 3, rows: 2, columns: 2)
    return try Network(name: "test", inputs: Array(repeating: map, count: inputs), layers: layers)
  }

  private func check(_ code: String, _ text: String, _ body: () throws -> Network) {
    do {
      _ = try body()
      Issue.record("no error; expected: \(text)")
    } catch let error as NetworkError {
      #expect(error.code == code)
      #expect(error.description == text)
    } catch { Issue.record("another error: \(error)") }
  }

  @Test("A network has an input and a layer")
  func empty() throws {
    check("network-empty", "The network has no layers.") { try network([]) }
    check("input-undefined", "The network has no input feature map.") {
      try network([layer("a", reading: [.input(0)])], inputs: 0)
    }
  }

  @Test("No two layers have one name")
  func names() {
    check("not-ssa", "Two layers are named 'a'; each name must be unique.") {
      try network([layer("a", reading: [.input(0)]), layer("a", reading: [.layer(0)])])
    }
  }

  @Test(
    "A layer reads an input of the network or a layer before it",
    arguments: [.input(1), .layer(1), .layer(2), .layer(-1)] as [TensorReference])
  func order(_ reference: TensorReference) {
    check("input-undefined", "Layer 'b' reads a tensor that no earlier layer or input gives.") {
      try network([
        layer("a", reading: [.input(0)]), layer("b", reading: [reference]), layer("c", reading: [.layer(0)]),
      ])
    }
  }

  @Test("An add takes two inputs, any other layer one")
  func inputCount() {
    check("input-count", "Layer 'sum' takes 2 input(s) but names 1.") {
      try network([layer("sum", operation: .add, reading: [.input(0)])])
    }
    check("input-count", "Layer 'a' takes 1 input(s) but names 2.") {
      try network([layer("a", reading: [.input(0), .input(0)])])
    }
    check("input-count", "Layer 'odd' takes 1 input(s) but names 0.") {
      let map = try FeatureMap(channels: 3, rows: 2, columns: 2)
      return try network([layer("odd", operation: .opaque("Odd", output: map), reading: [])])
    }
  }

  @Test("A layer's input has the shape that the layer says")
  func shapes() {
    let text = "Input 1 of layer 'sum' should be 1×3×2×2 but is 1×4×2×2 (N×C×H×W)."
    check("shape-mismatch", text) {
      try network([
        layer("a", filters: 4, reading: [.input(0)]),
        layer("sum", operation: .add, reading: [.input(0), .layer(0)]),
      ])
    }
  }

  @Test("Consumers, multiply-accumulates and parameters follow from the layers")
  func sums() throws {
    let found = try network([
      layer("a", filters: 5, reading: [.input(0)]), layer("b", channels: 5, reading: [.layer(0)]),
      layer("c", channels: 5, reading: [.layer(0)]),
      layer("sum", operation: .add, reading: [.layer(1), .layer(2)]),
    ])
    #expect(found.consumers(of: 0) == [1, 2])
    #expect(found.consumers(of: 3) == [])
    // 3 × 5 weights thrice, 4 pixels each.
    #expect(found.multiplyAccumulates == 180)
    #expect(found.parameterCount == 45)
  }
}
