/// Affine quantization of a tensor: `real = scale · (q − zeroPoint)`.
public struct Quantization: Hashable, Sendable {
  public let scale: Float
  public let zeroPoint: Int8

  public init(scale: Float, zeroPoint: Int8) {
    self.scale = scale
    self.zeroPoint = zeroPoint
  }

  /// `real ÷ scale`, rounded half to even, plus the zero point, saturated to int8 (ONNX `QuantizeLinear`).
  public func quantize(_ real: Float) -> Int8 {
    let q = (real / scale).rounded(.toNearestOrEven)
    return saturatedInt8(q + Float(zeroPoint))
  }

  /// The real number that `q` stands for.
  public func dequantize(_ q: Int8) -> Float { Float(Int32(q) - Int32(zeroPoint)) * scale }
}

/// Which deployed arithmetic turns an int32 accumulator into int8.
public enum RequantizationMode: String, Hashable, Sendable, CaseIterable {
  /// ONNX Runtime's QLinearConv and XNNPACK: float32 multiplier, round half to even.
  case onnx
  /// TensorFlow Lite's reference kernels: int32 fixed-point multiplier and shift.
  case tflite
}

/// Everything an INT8 layer needs beside its input.
public struct QuantizedParameters: Hashable, Sendable {
  public let mode: RequantizationMode
  /// `[outputChannels][channelsPerGroup][window rows][window columns]`; empty for layers without weights.
  public let weights: [Int8]
  /// One scale, or one an output channel.
  public let weightScales: [Float]
  /// Same count as `weightScales`.
  public let weightZeroPoints: [Int8]
  /// In units of `input scale · weight scale`; empty without bias.
  public let bias: [Int32]
  /// One per input: two for an add, one otherwise.
  public let inputs: [Quantization]
  public let output: Quantization

  public init(
    mode: RequantizationMode, weights: [Int8] = [], weightScales: [Float] = [],
    weightZeroPoints: [Int8] = [], bias: [Int32] = [], inputs: [Quantization], output: Quantization
  ) {
    precondition(weightScales.count == weightZeroPoints.count)
    self.mode = mode
    self.weights = weights
    self.weightScales = weightScales
    self.weightZeroPoints = weightZeroPoints
    self.bias = bias
    self.inputs = inputs
    self.output = output
  }

  /// The scale of the filter of an output channel.
  public func weightScale(of channel: Int) -> Float {
    weightScales.count == 1 ? weightScales[0] : weightScales[channel]
  }

  /// The zero point of the filter of an output channel.
  public func weightZeroPoint(of channel: Int) -> Int8 {
    weightZeroPoints.count == 1 ? weightZeroPoints[0] : weightZeroPoints[channel]
  }
}

/// The constants of one layer.
public enum LayerParameters: Hashable, Sendable {
  /// Weights as in `QuantizedParameters`; either may be empty.
  case fp32(weights: [Float], bias: [Float])
  case int8(QuantizedParameters)

  public var elementType: ElementType {
    switch self {
    case .fp32: .fp32
    case .int8: .int8
    }
  }
}

/// `q`, an integral float, saturated to int8. NaN gives 0.
func saturatedInt8(_ q: Float) -> Int8 {
  q >= 127 ? 127 : q <= -128 ? -128 : q.isNaN ? 0 : Int8(q)
}
