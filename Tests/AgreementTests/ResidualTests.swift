import CostModel
import Hardware
import Scheduling
import Testing
import Workload

@testable import ScheduleExecution

/// An add that takes the results of the stage before from the registers.
@Suite struct ResidualTests {
  /// 2 → 3 channels over 4 × 4, then the sum with a map of that shape, in tiles of 2 × 4 × 2.
  private func schedule(
    _ precision: Precision = .fp32, adding inputs: [TensorReference] = [.layer(0), .input(1)]
  ) throws -> Schedule {
    let axis = try WindowAxis(inputExtent: 4)
    let pw = Layer(
      name: "pw", operation: .convolution,
      shape: try ConvolutionShape(inputChannels: 2, outputChannels: 3, rows: axis, columns: axis),
      inputs: [.input(0)])
    let add = Layer(
      name: "add", operation: .add,
      shape: try ConvolutionShape(
        inputChannels: 3, outputChannels: 3, groups: 3, rows: axis, columns: axis), inputs: inputs)
    return try Schedule(
      Chain([pw, add], precision: precision),
      tiling: Tiling(rows: 2, columns: 4, channels: 2, reduction: [2, 1]))
  }

  @Test("Accesses of a PW with a residual, counted by hand")
  func handCount() throws {
    let accesses = AnalyticTraffic(try schedule()).accesses
    // 2 row tiles × 2 channel tiles load 2 × 2 × 4 inputs each: half of them for the second channel tile again.
    #expect(accesses[.ifm(0), .compulsory] == Bytes(4 * 32))
    #expect(accesses[.ifm(0), .recompute] == Bytes(4 * 32))
    // 3 filters of 2 for each of 2 row tiles.
    #expect(accesses[.weights(stage: 0), .compulsory] == Bytes(4 * 6))
    #expect(accesses[.weights(stage: 0), .reread] == Bytes(4 * 6))
    // Each residual once, each sum once; the PW's own output is nowhere.
    #expect(accesses[.residual(stage: 1), .compulsory] == Bytes(4 * 48))
    #expect(accesses[.ofm, .compulsory] == Bytes(4 * 48))
    #expect(accesses.total == Bytes(256 + 48 + 192 + 192))
  }

  @Test("The residual comes after the sums, without a barrier and without a buffer")
  func steps() throws {
    let schedule = try schedule()
    let steps = schedule.steps(of: schedule.blocks[0]).map { step in
      switch step {
      case .load(let operand, _): "load \(operand)"
      case .compute(let stage, _, _): "compute \(stage)"
      case .barrier: "barrier"
      case .store: "store"
      }
    }
    #expect(
      steps == ["load ifm", "load weights1", "barrier", "compute 0", "load residual2", "compute 1", "store"])
    #expect(schedule.sharedLayout.places.map(\.buffer) == [.operand(.ifm(0)), .operand(.weights(stage: 0))])
    #expect(schedule.kind.description == "pwadd")
  }

  @Test("A block that loads no residual fails")
  func notLoaded() throws {
    let schedule = try schedule()
    let executor = try ScheduleExecutor(
      schedule,
      parameters: [.fp32(weights: [1, 2, 3, 4, 5, 6], bias: []), .fp32(weights: [], bias: [])])
    let block = schedule.blocks[0]
    let inputs = [32, 48].map { (0..<$0).map(Float.init) }
    var interpreter = BlockInterpreter(FloatArithmetic(executor), block: block, inputs: inputs)
    let result = interpreter.run(
      schedule.steps(of: block).filter { if case .load(.residual, _) = $0 { false } else { true } })
    #expect(throws: ExecutionError.notStaged(layer: "add", operand: .residual(stage: 1))) {
      try result.get()
    }
  }

  @Test("Which operand the residual is matters to INT8", arguments: RequantizationMode.allCases)
  func order(_ mode: RequantizationMode) throws {
    func sum(_ inputs: [TensorReference]) throws -> TensorValues {
      let quantizations = [Quantization(scale: 1, zeroPoint: 0), Quantization(scale: 2, zeroPoint: 1)]
      let pw = QuantizedParameters(
        mode: mode, weights: [1, 0, 0, 1, 1, 1], weightScales: [1], weightZeroPoints: [0],
        inputs: [Quantization(scale: 1, zeroPoint: 0)],
        output: quantizations[inputs.firstIndex(of: .layer(0)) ?? 0])
      let add = QuantizedParameters(
        mode: mode, inputs: quantizations, output: Quantization(scale: 1, zeroPoint: 0))
      let executor = try ScheduleExecutor(
        schedule(.int8(mode), adding: inputs), parameters: [.int8(pw), .int8(add)])
      return try executor.output(
        of: [.int8((0..<32).map { Int8($0 % 8) }), .int8(Array(repeating: 3, count: 48))])
    }
    guard case .int8(let first) = try sum([.layer(0), .input(1)]),
      case .int8(let second) = try sum([.input(1), .layer(0)])
    else { return }
    // Input 2 of channel 0 at the third place: 2 + 2·(3 − 1) = 6; with the roles changed 3 + 2·(2/2) = 5.
    #expect(first[2] == 6)
    #expect(second[2] == 5)
  }
}
