import Workload

/// INT8: exact integer sums of centred values, `(x − zx)(w − zw)`, checked against int32 at the end; what was not
/// staged is so large that no sum that reads it fits.
struct IntegerArithmetic: BlockArithmetic {
  let executor: ScheduleExecutor
  private let parameters: [QuantizedParameters]
  private let requantizations: [[Requantization]]

  init(_ executor: ScheduleExecutor) {
    self.executor = executor
    let parameters = executor.parameters.compactMap { if case .int8(let q) = $0 { q } else { nil } }
    self.parameters = parameters
    requantizations = zip(executor.schedule.chain.stages, parameters).map { layer, parameters in
      guard layer.hasWeights else { return [] }
      return (0..<layer.shape.outputChannels).map {
        Requantization(parameters, channel: $0, activation: layer.activation)
      }
    }
  }

  static var unwritten: Int8 { .min }
  static var padding: Int { 0 }
  static var trap: Int { 1 << 40 }
  var weightTrap: Int { 1 << 40 }

  func stage(_ element: Int8, input: Int, of stage: Int) -> Int {
    Int(element) - Int(parameters[stage].inputs[input].zeroPoint)
  }

  /// The weight as stored: its zero point belongs to the output channel and is taken off at the product.
  func weight(_ index: Int, of stage: Int) -> Int { Int(parameters[stage].weights[index]) }

  func centred(_ weight: Int, stage: Int, channel: Int) -> Int {
    weight - Int(parameters[stage].weightZeroPoint(of: channel))
  }

  func start(stage: Int, channel: Int) -> Int {
    parameters[stage].bias.isEmpty ? 0 : Int(parameters[stage].bias[channel])
  }

  func restart(_ accumulator: inout Int) {}

  @inline(__always) func multiplyAdd(
    _ accumulator: inout Int, _ weight: Int, _ element: Int
  ) {
    accumulator &+= weight &* element
  }

  func finish(_ accumulator: Int, stage: Int, channel: Int) -> Int8? {
    Int32(exactly: accumulator).map { requantizations[stage][channel]($0) }
  }

  func combine(_ taps: [Int], stage: Int) -> Int8 {
    let layer = executor.schedule.chain.stages[stage]
    let parameters = parameters[stage]
    func stored(_ index: Int) -> Int8 {
      Int8(clamping: taps[index] + Int(parameters.inputs[layer.operation == .add ? index : 0].zeroPoint))
    }
    switch layer.operation {
    case .averagePool:
      let sum = taps.reduce(0, +) + taps.count * Int(parameters.inputs[0].zeroPoint)
      return QuantizedMean(parameters, activation: layer.activation)(sum: sum, count: taps.count)
    case .add: return QuantizedAddition(parameters, activation: layer.activation)(stored(0), stored(1))
    case .maxPool:
      let largest = taps.indices.reduce(Int8.min) { max($0, stored($1)) }
      return QuantizedActivation(parameters, activation: layer.activation)(largest)
    default: return QuantizedActivation(parameters, activation: layer.activation)(stored(0))
    }
  }
}
