import Reference
import Testing
import Workload

@Suite struct ReferenceErrorTests {
  @Test("An opaque layer has no value")
  func opaque() throws {
    var fixture = LayerFixture(rows: try single(), columns: try single())
    let layer = try fixture.layer()
    fixture.operation = .opaque("Softmax", output: layer.outputMap)
    #expect(throws: ReferenceError.opaqueLayer(layer: "layer", operation: "Softmax")) {
      try fixture.fp32([1], weights: [])
    }
  }

  @Test("Operands that do not fit the layer are named")
  func operands() throws {
    let fixture = LayerFixture(rows: try single(), columns: try row(2), hasBias: true)
    let layer = try fixture.layer()
    func error(_ parameters: LayerParameters, _ inputs: [TensorValues]) -> ReferenceError? {
      do {
        _ = try DirectEvaluation.evaluate(layer, parameters: parameters, inputs: inputs)
        return nil
      } catch { return error }
    }
    let good = LayerParameters.fp32(weights: [1], bias: [1])
    #expect(error(good, [.fp32([1, 2])]) == nil)
    #expect(error(good, []) == .wrongInputCount(layer: "layer", expected: 1, found: 0))
    #expect(
      error(good, [.fp32([1])])
        == .wrongElementCount(layer: "layer", tensor: "input", expected: 2, found: 1))
    #expect(
      error(good, [.int8([1, 2])]) == .elementTypeMismatch(layer: "layer", expected: .fp32, found: .int8))
    #expect(
      error(.fp32(weights: [], bias: [1]), [.fp32([1, 2])])
        == .wrongElementCount(layer: "layer", tensor: "weights", expected: 1, found: 0))
    #expect(
      error(.fp32(weights: [1], bias: []), [.fp32([1, 2])])
        == .wrongElementCount(layer: "layer", tensor: "bias", expected: 1, found: 0))
  }

  @Test("An overflow says where, how much, and what to do")
  func message() {
    let error = ReferenceError.accumulatorOverflow(
      layer: "conv1", batch: 0, channel: 3, row: 1, column: 2, sum: 2_147_483_648)
    #expect(error.code == "acc-overflow")
    #expect(
      error.description == """
        The accumulator of layer 'conv1' at batch 0, channel 3, row 1, column 2 is 2147483648, which does not \
        fit in int32; give smaller biases or weights.
        """)
  }
}
