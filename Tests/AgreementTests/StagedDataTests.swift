import Hardware
import Scheduling
import TestSupport
import Testing
import Workload

@testable import ScheduleExecution

@Suite struct StagedDataTests {
  /// 2 × 2 × 3 through 1 × 1 to 3 channels, with biases and the multipliers of INT8.
  private func executor() throws -> ScheduleExecutor {
    let shape = try ConvolutionShape(
      inputChannels: 2, outputChannels: 3, rows: WindowAxis(inputExtent: 2),
      columns: WindowAxis(inputExtent: 3))
    let layer = Layer(
      name: "pw", operation: .convolution, shape: shape, hasBias: true, inputs: [.input(0)])
    let schedule = try Schedule(
      Chain([layer], precision: .int8(.onnx)),
      tiling: Tiling(rows: 1, columns: 2, channels: 2, reduction: [1]))
    let parameters = QuantizedParameters(
      mode: .onnx, weights: [1, 2, 3, 4, 5, 6], weightScales: [0.5], weightZeroPoints: [0],
      bias: [1, 2, 3], inputs: [Quantization(scale: 0.5, zeroPoint: 0)],
      output: Quantization(scale: 1, zeroPoint: 0))
    return try ScheduleExecutor(schedule, parameters: [.int8(parameters)])
  }

  /// What the first block's steps give that `isKept` keeps.
  private func run(
    _ isKept: (TileStep) -> Bool
  ) throws -> Result<[StoredTile<Int8>], ExecutionError> {
    let executor = try executor()
    let block = executor.schedule.blocks[0]
    var interpreter = BlockInterpreter(
      IntegerArithmetic(executor), block: block, inputs: [Array(1...12)])
    return interpreter.run(executor.schedule.steps(of: block).filter(isKept))
  }

  @Test(
    "A block that loads no bias, or no multipliers, fails",
    arguments: [
      Operand.bias(stage: 0), .multipliers(stage: 0),
    ])
  func constants(_ operand: Operand) throws {
    let result = try run { if case .load(operand, _) = $0 { false } else { true } }
    #expect(throws: ExecutionError.notStaged(layer: "pw", operand: operand)) { try result.get() }
  }

  @Test(
    "A block that loads no input, or no weights, overflows",
    arguments: [
      Operand.ifm(0), .weights(stage: 0),
    ])
  func operands(_ operand: Operand) throws {
    let result = try run { if case .load(operand, _) = $0 { false } else { true } }
    #expect(throws: ExecutionError.accumulatorOverflow(layer: "pw", channel: 0)) { try result.get() }
  }

  @Test("Only what a step stores comes out")
  func stores() throws {
    #expect(try run { if case .store = $0 { false } else { true } }.get().isEmpty)
    #expect(try run { _ in true }.get().map(\.values.count) == [4])
  }
}
