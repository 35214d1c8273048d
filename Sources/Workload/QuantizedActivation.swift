/// The INT8 activation of a layer that only moves values about: an activation alone, or a maximum pool.
public enum QuantizedActivation: Hashable, Sendable {
  /// Input and output share their quantization: a clamp in the quantized domain.
  case clamp(ClosedRange<Int8>)
  /// They differ: Dequantize, the activation in float32, Quantize (half to even), as runtimes do where nothing
  /// is folded.
  case float(input: Quantization, activation: Activation, output: Quantization)

  /// From `parameters.inputs[0]` to `parameters.output`; the mode does not matter.
  public init(_ parameters: QuantizedParameters, activation: Activation) {
    self.init(from: parameters.inputs[0], to: parameters.output, activation: activation)
  }

  public init(from input: Quantization, to output: Quantization, activation: Activation) {
    if input == output {
      self = .clamp(Requantization.clamp(activation, output))
    } else {
      self = .float(input: input, activation: activation, output: output)
    }
  }

  /// The activation of `q`, in the output's quantization.
  public func callAsFunction(_ q: Int8) -> Int8 {
    switch self {
    case .clamp(let range): min(max(q, range.lowerBound), range.upperBound)
    case .float(let input, let activation, let output):
      output.quantize(activation(input.dequantize(q)))
    }
  }
}
