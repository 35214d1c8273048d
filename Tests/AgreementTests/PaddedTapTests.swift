import Reference
import ScheduleExecution
import Scheduling
import Testing
import Workload

@Suite struct PaddedTapTests {
  /// One channel of 2 × 3 under a 1 × 3 window with a column of padding on each side.
  private func layer(hasBias: Bool) throws -> Layer {
    let rows = try WindowAxis(inputExtent: 2)
    let columns = try WindowAxis(inputExtent: 3, window: 3, paddingBefore: 1, paddingAfter: 1)
    let shape = try ConvolutionShape(inputChannels: 1, outputChannels: 1, rows: rows, columns: columns)
    return Layer(name: "dw", operation: .convolution, shape: shape, hasBias: hasBias, inputs: [.input(0)])
  }

  private func executed(
    _ layer: Layer, _ parameters: LayerParameters, _ input: TensorValues, _ order: ReductionOrder
  ) throws -> TensorValues {
    let schedule = try Schedule(
      Chain([layer], precision: .fp32), tiling: Tiling(rows: 1, columns: 2, channels: 1, reduction: [1]))
    return try ScheduleExecutor(schedule, parameters: [parameters], orders: [order]).output(of: [input])
  }

  private func bits(_ values: TensorValues) -> [UInt32] {
    if case .fp32(let floats) = values { floats.map(\.bitPattern) } else { [] }
  }

  @Test("A padded tap is a real +0: in the executor, too, it turns a sum of −0 into +0")
  func negativeZero() throws {
    let layer = try layer(hasBias: true)
    let parameters = LayerParameters.fp32(weights: [1, 1, 1], bias: [-0.0])
    let input = TensorValues.fp32(Array(repeating: -0.0, count: 6))
    let order = ReductionOrder(bias: .first)
    let found = try executed(layer, parameters, input, order)
    // Only the middle column reads no padding.
    let row: [Float] = [0.0, -0.0, 0.0]
    #expect(bits(found) == (row + row).map(\.bitPattern))
    let expected = try DirectEvaluation.evaluate(layer, parameters: parameters, inputs: [input], order: order)
    #expect(bits(found) == bits(expected))
  }

  @Test("An infinite weight on a padded tap gives NaN")
  func infiniteWeight() throws {
    let layer = try layer(hasBias: false)
    let parameters = LayerParameters.fp32(weights: [.infinity, 1, 1], bias: [])
    let input = TensorValues.fp32(Array(repeating: 1, count: 6))
    guard case .fp32(let found) = try executed(layer, parameters, input, .chain) else { return }
    #expect(found.map(\.isNaN) == [true, false, false, true, false, false])
    #expect(found[1] == .infinity)
  }
}
