/// What a layer computes.
public enum Operation: Hashable, Sendable {
  /// Standard, grouped, depthwise or pointwise convolution; a fully connected layer is a convolution whose
  /// window is its whole input map.
  case convolution
  /// Mean over the taps inside the map; padding is not counted (ONNX `count_include_pad = 0`).
  case averagePool
  /// Maximum over the taps inside the map.
  case maxPool
  /// Elementwise sum of two feature maps of one shape.
  case add
  /// The activation alone.
  case activation
  /// Something FuseLab does not compute: a boundary that nothing is fused across. Carries the operator's name
  /// and the map it gives.
  case opaque(String, output: FeatureMap)
}

/// The function applied to each output after the bias; in INT8 a clamp in the quantized domain.
public enum Activation: String, Hashable, Sendable, CaseIterable {
  case none
  case relu
  case relu6

  /// ReLU is `x < 0 ? +0 : x`, so −0 and NaN pass; ReLU6 also caps at 6.
  @inlinable public func callAsFunction(_ x: Float) -> Float {
    switch self {
    case .none: x
    case .relu: x < 0 ? 0 : x
    case .relu6: x < 0 ? 0 : (x > 6 ? 6 : x)
    }
  }
}

/// Where a layer's operand comes from.
public enum TensorReference: Hashable, Sendable {
  /// The network's input of that index.
  case input(Int)
  /// The output of the layer of that index.
  case layer(Int)
}

/// One node of a network: an operation, its sizes, and where its inputs come from.
public struct Layer: Hashable, Sendable {
  public let name: String
  public let operation: Operation
  /// Sizes and window. For pools, adds and activations `groups == inputChannels == outputChannels`.
  /// For opaque layers only the input map means anything.
  public let shape: ConvolutionShape
  public let hasBias: Bool
  public let activation: Activation
  public let inputs: [TensorReference]

  public init(
    name: String, operation: Operation, shape: ConvolutionShape, hasBias: Bool = false,
    activation: Activation = .none, inputs: [TensorReference]
  ) {
    self.name = name
    self.operation = operation
    self.shape = shape
    self.hasBias = hasBias
    self.activation = activation
    self.inputs = inputs
  }

  /// The same layer with other operands.
  public func reading(_ inputs: [TensorReference]) -> Layer {
    Layer(
      name: name, operation: operation, shape: shape, hasBias: hasBias, activation: activation, inputs: inputs
    )
  }

  public var inputMap: FeatureMap { shape.inputMap }
  public var outputMap: FeatureMap {
    if case .opaque(_, let output) = operation { output } else { shape.outputMap }
  }

  public var hasWeights: Bool { operation == .convolution }

  public var isOpaque: Bool {
    if case .opaque = operation { true } else { false }
  }

  /// The field's short name of the layer's kind: `dw`, `pw`, `conv`, `grouped`, `fc`, `avgpool`, …
  public var kind: LayerKind {
    switch operation {
    case .convolution:
      if shape.isDepthwise { return .dw }
      let wholeMap =
        shape.outputMap.plane == 1 && shape.groups == 1
        && shape.rows.window == shape.rows.inputExtent && shape.columns.window == shape.columns.inputExtent
      if wholeMap { return .fc }
      if shape.isPointwise { return .pw }
      return shape.groups == 1 ? .conv : .grouped
    case .averagePool: return .avgpool
    case .maxPool: return .maxpool
    case .add: return .add
    case .activation: return .act
    case .opaque: return .opaque
    }
  }

  /// Multiply-accumulates of a convolution; 0 for layers without weights.
  public var multiplyAccumulates: Int { hasWeights ? shape.multiplyAccumulates : 0 }
  /// Weights and biases.
  public var parameterCount: Int {
    (hasWeights ? shape.filterElements : 0) + (hasBias ? shape.outputChannels : 0)
  }
}

/// What a layer is, for the names of kernels and for which of them exist; derived from operation and shape.
public enum LayerKind: String, Hashable, Sendable, CaseIterable, CustomStringConvertible {
  public var description: String { rawValue }

  case dw, pw, conv, grouped, fc, avgpool, maxpool, add, act, opaque
}
