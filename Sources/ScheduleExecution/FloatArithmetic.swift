import Workload

/// FP32: chains of fused multiply-adds from +0; padding is +0; what was not staged is NaN.
struct FloatArithmetic: BlockArithmetic {
  struct Accumulator: Sendable {
    /// The chain in progress.
    var chain: Float
    /// The chains before it, added up; nothing where this is the first.
    var sum: Float = 0
    var hasSum = false
  }

  let executor: ScheduleExecutor
  private let weights: [[Float]]
  private let biases: [[Float]]

  init(_ executor: ScheduleExecutor) {
    self.executor = executor
    weights = executor.parameters.map { if case .fp32(let weights, _) = $0 { weights } else { [] } }
    biases = executor.parameters.map { if case .fp32(_, let bias) = $0 { bias } else { [] } }
  }

  static var unwritten: Float { .nan }
  static var padding: Float { 0 }
  static var trap: Float { .nan }
  var weightTrap: Float { .nan }

  func stage(_ element: Float, input: Int, of stage: Int) -> Float { element }
  func weight(_ index: Int, of stage: Int) -> Float { weights[stage][index] }

  func centred(_ weight: Float, stage: Int, channel: Int) -> Float { weight }

  func start(stage: Int, channel: Int) -> Accumulator {
    let first = executor.orders[stage].bias == .first && !biases[stage].isEmpty
    return Accumulator(chain: first ? biases[stage][channel] : 0)
  }

  func restart(_ accumulator: inout Accumulator) {
    accumulator.sum = total(accumulator)
    accumulator.hasSum = true
    accumulator.chain = 0
  }

  @inline(__always) func multiplyAdd(
    _ accumulator: inout Accumulator, _ weight: Float, _ element: Float
  ) {
    accumulator.chain = accumulator.chain.addingProduct(weight, element)
  }

  private func total(_ accumulator: Accumulator) -> Float {
    accumulator.hasSum ? accumulator.sum + accumulator.chain : accumulator.chain
  }

  func finish(_ accumulator: Accumulator, stage: Int, channel: Int) -> Float? {
    var sum = total(accumulator)
    if executor.orders[stage].bias == .last, !biases[stage].isEmpty { sum += biases[stage][channel] }
    return executor.schedule.chain.stages[stage].activation(sum)
  }

  func combine(_ taps: [Float], stage: Int) -> Float {
    let layer = executor.schedule.chain.stages[stage]
    switch layer.operation {
    case .maxPool: return layer.activation(taps.dropFirst().reduce(taps[0], Float.windowMaximum))
    case .averagePool: return layer.activation(taps.reduce(0, +) / Float(taps.count))
    case .add: return layer.activation(taps[0] + taps[1])
    default: return layer.activation(taps[0])
    }
  }
}
