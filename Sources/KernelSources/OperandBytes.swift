import Hardware
import Scheduling
import Workload

/// The tensors of a chain as they lie in a GPU's memory.
public enum OperandBytes {
  /// The bytes of every operand but the output, in this machine's order.
  /// - Throws: `KernelError.operandsDoNotFit` where a tensor has another size or number format than its layer.
  public static func inputs(
    of chain: Chain, parameters: [LayerParameters], inputs: [TensorValues]
  ) throws(KernelError) -> [Operand: [UInt8]] {
    guard parameters.count == chain.stages.count, inputs.count == chain.inputs.count else {
      throw .operandsDoNotFit(layer: chain.stages[0].name)
    }
    var all: [Operand: [UInt8]] = [:]
    for (operand, input) in zip(chain.inputs, inputs) {
      guard input.count == chain.elements(of: operand) else {
        throw .operandsDoNotFit(layer: chain.stages[0].name)
      }
      all[operand] = bytes(of: input, as: operand, of: chain)
    }
    for (stage, layer) in chain.stages.enumerated() {
      switch parameters[stage] {
      case .fp32(let weights, let bias):
        all[.weights(stage: stage)] = raw(weights)
        all[.bias(stage: stage)] = raw(bias)
      case .int8(let quantized):
        all[.weights(stage: stage)] = raw(quantized.weights)
        all[.bias(stage: stage)] = raw(biases(of: layer, quantized))
        if layer.hasWeights { all[.multipliers(stage: stage)] = multipliers(of: layer, quantized) }
      }
    }
    for operand in chain.operands where operand != .ofm {
      let expected = chain.elements(of: operand) * chain.elementBytes(of: operand)
      guard all[operand]?.count == expected else {
        throw .operandsDoNotFit(layer: layer(of: operand, in: chain))
      }
    }
    let wanted = Set(chain.operands)
    return all.filter { wanted.contains($0.key) }
  }

  /// The values of a feature map as they lie in the memory of the chain's kernel.
  public static func bytes(of values: TensorValues, as operand: Operand, of chain: Chain) -> [UInt8] {
    let (logical, physical) = (chain.valueLayout(of: operand), chain.layout(of: operand))
    guard logical != physical else { return bytes(of: values) }
    return switch values {
    case .fp32(let values): raw(moved(values, from: logical, to: physical))
    case .int8(let values): raw(moved(values, from: logical, to: physical))
    }
  }

  /// The values of the output that the chain's kernel left in its memory.
  public static func output(_ bytes: [UInt8], of chain: Chain) -> TensorValues {
    let (logical, physical) = (chain.valueLayout(of: .ofm), chain.layout(of: .ofm))
    return switch values(bytes, chain.elementType) {
    case .fp32(let values): .fp32(moved(values, from: physical, to: logical))
    case .int8(let values): .int8(moved(values, from: physical, to: logical))
    }
  }

  private static func moved<T>(_ values: [T], from old: TensorLayout, to new: TensorLayout) -> [T] {
    guard old != new else { return values }
    var moved = values
    let image = old.channels * old.rows * old.columns
    for outer in 0..<values.count / image {
      for channel in 0..<old.channels {
        for row in 0..<old.rows {
          for column in 0..<old.columns {
            moved[new.offset(outer: outer, channel: channel, row: row, column: column)] =
              values[old.offset(outer: outer, channel: channel, row: row, column: column)]
          }
        }
      }
    }
    return moved
  }

  /// The values in `bytes`, in their order.
  public static func values(_ bytes: [UInt8], _ type: ElementType) -> TensorValues {
    bytes.withUnsafeBytes { raw in
      switch type {
      case .fp32: .fp32((0..<raw.count / 4).map { raw.loadUnaligned(fromByteOffset: 4 * $0, as: Float.self) })
      case .int8: .int8(raw.map { Int8(bitPattern: $0) })
      }
    }
  }

  private static func layer(of operand: Operand, in chain: Chain) -> String {
    switch operand {
    case .ifm, .ofm: chain.stages[0].name
    case .weights(let stage), .bias(let stage), .multipliers(let stage), .residual(let stage):
      chain.stages[stage].name
    }
  }

  /// The values as a GPU has them in memory: little-endian, in their own order.
  public static func bytes(of values: TensorValues) -> [UInt8] {
    switch values {
    case .fp32(let values): raw(values)
    case .int8(let values): raw(values)
    }
  }

  /// `b − zx · Σ(w − zw)` of each output channel, modulo 2³²: with it sums of stored values are sums of what they stand for, those
  /// of padding too, which is stored as `zx`. Empty where the layer has no bias.
  private static func biases(of layer: Layer, _ parameters: QuantizedParameters) -> [Int32] {
    let taps = parameters.bias.isEmpty ? 0 : parameters.weights.count / parameters.bias.count
    let inputZero = Int32(parameters.inputs[0].zeroPoint)
    guard layer.hasWeights, layer.hasBias, inputZero != 0, parameters.bias.count == layer.shape.outputChannels
    else { return parameters.bias }
    return parameters.bias.enumerated().map { channel, bias in
      let weightZero = Int32(parameters.weightZeroPoint(of: channel))
      let sum = parameters.weights[channel * taps..<(channel + 1) * taps].reduce(0) {
        $0 &+ Int32($1) &- weightZero
      }
      return bias &- inputZero &* sum
    }
  }

  /// The float32 multiplier of each output channel, or TensorFlow Lite's multiplier and shift.
  private static func multipliers(of layer: Layer, _ parameters: QuantizedParameters) -> [UInt8] {
    (0..<layer.shape.outputChannels).flatMap { channel -> [UInt8] in
      switch Requantization(parameters, channel: channel, activation: layer.activation) {
      case .onnx(let multiplier, _, _): raw([multiplier])
      case .tflite(let multiplier, let shift, _, _): raw([multiplier, Int32(shift)])
      }
    }
  }

  private static func raw<T: BitwiseCopyable>(_ values: [T]) -> [UInt8] {
    values.withUnsafeBytes { Array($0) }
  }
}
