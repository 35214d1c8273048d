/// A directed acyclic graph of layers, in an order in which each layer follows its inputs.
public struct Network: Hashable, Sendable {
  public let name: String
  public let inputs: [FeatureMap]
  public let layers: [Layer]

  /// The most layers of a network.
  public static let layerLimit = 1 << 14

  /// - Throws: `NetworkError` where names repeat, an input is missing, or shapes do not fit together.
  public init(name: String, inputs: [FeatureMap], layers: [Layer]) throws(NetworkError) {
    self.name = name
    self.inputs = inputs
    self.layers = layers
    try checkInvariants()
  }

  /// Images at once.
  public var batch: Int { layers.first?.shape.batch ?? 1 }

  /// Layers that read the output of layer `index`, ascending.
  public func consumers(of index: Int) -> [Int] {
    layers.indices.filter { layers[$0].inputs.contains(.layer(index)) }
  }

  /// The layers of those indices, each reading the one before it, as a kernel sees them: `.layer(i)` is the i-th of them,
  /// `.input(k)` the k-th feature map that comes from memory.
  public func run(of indices: [Int]) -> [Layer] {
    var inputs = 0
    return indices.enumerated().map { position, index in
      var isJoined = false
      let references: [TensorReference] = layers[index].inputs.map { reference in
        if position > 0, !isJoined, reference == .layer(indices[position - 1]) {
          isJoined = true
          return .layer(position - 1)
        }
        defer { inputs += 1 }
        return .input(inputs)
      }
      return layers[index].reading(references)
    }
  }

  /// Where the feature maps come from that the run of those layers reads, in the order of `run(of:)`.
  public func inputs(ofRun indices: [Int]) -> [TensorReference] {
    zip(indices, run(of: indices)).flatMap { index, layer in
      zip(layers[index].inputs, layer.inputs).compactMap { reference, local in
        if case .input = local { reference } else { nil }
      }
    }
  }

  /// The map that a reference stands for.
  public func featureMap(of reference: TensorReference) -> FeatureMap {
    switch reference {
    case .input(let index): inputs[index]
    case .layer(let index): layers[index].outputMap
    }
  }

  public var multiplyAccumulates: Int { layers.reduce(0) { $0 + $1.multiplyAccumulates } }
  public var parameterCount: Int { layers.reduce(0) { $0 + $1.parameterCount } }
}

/// Why layers are no network.
public enum NetworkError: Error, Hashable, Sendable {
  case noLayers
  case tooManyLayers(limit: Int)
  case tooManyMultiplyAccumulates(limit: Int)
  case noInputs
  case duplicateName(String)
  case undefinedInput(layer: String)
  case wrongInputCount(layer: String, expected: Int, found: Int)
  case shapeMismatch(layer: String, input: Int, expected: FeatureMap, found: FeatureMap)
}

extension NetworkError {
  public var code: String {
    switch self {
    case .noLayers: "network-empty"
    case .tooManyLayers: "limit-layers"
    case .tooManyMultiplyAccumulates: "limit-macs"
    case .noInputs: "input-undefined"
    case .duplicateName: "not-ssa"
    case .undefinedInput: "input-undefined"
    case .wrongInputCount: "input-count"
    case .shapeMismatch: "shape-mismatch"
    }
  }
}

extension NetworkError: CustomStringConvertible {
  public var description: String {
    switch self {
    case .noLayers: return "The network has no layers."
    case .tooManyLayers(let limit): return "The network has more than \(limit) layers, the most supported."
    case .noInputs: return "The network has no input feature map."
    case .tooManyMultiplyAccumulates(let limit):
      return
        "The network needs more than \(limit) multiply-accumulates, the most that JSON readers keep exactly."
    case .duplicateName(let name): return "Two layers are named '\(name)'; each name must be unique."
    case .undefinedInput(let layer):
      return "Layer '\(layer)' reads a tensor that no earlier layer or input gives."
    case .wrongInputCount(let layer, let expected, let found):
      return "Layer '\(layer)' takes \(expected) input(s) but names \(found)."
    case .shapeMismatch(let layer, let input, let expected, let found):
      return
        "Input \(input) of layer '\(layer)' should be \(expected.text) but is \(found.text) (N×C×H×W)."
    }
  }
}

extension FeatureMap {
  /// `1×32×112×112`, batch first.
  public var text: String { "\(batch)×\(channels)×\(rows)×\(columns)" }
}

extension Network {
  func checkInvariants() throws(NetworkError) {
    guard !layers.isEmpty else { throw .noLayers }
    guard layers.count <= Self.layerLimit else { throw .tooManyLayers(limit: Self.layerLimit) }
    guard !inputs.isEmpty else { throw .noInputs }
    // Each layer has at most 2⁵⁰, so no sum on the way overflows.
    let limit = (1 << 53) - 1
    var work = 0
    for layer in layers {
      work += layer.multiplyAccumulates
      if work > limit { throw .tooManyMultiplyAccumulates(limit: limit) }
    }
    var names: Set<String> = []
    for (index, layer) in layers.enumerated() {
      guard names.insert(layer.name).inserted else { throw .duplicateName(layer.name) }
      try checkInputs(of: layer, at: index)
    }
  }

  private func checkInputs(of layer: Layer, at index: Int) throws(NetworkError) {
    let expected = layer.operation == .add ? 2 : 1
    guard layer.isOpaque ? !layer.inputs.isEmpty : layer.inputs.count == expected else {
      throw .wrongInputCount(layer: layer.name, expected: expected, found: layer.inputs.count)
    }
    for (position, reference) in layer.inputs.enumerated() {
      switch reference {
      case .input(let input):
        guard inputs.indices.contains(input) else { throw .undefinedInput(layer: layer.name) }
      case .layer(let producer):
        guard (0..<index).contains(producer) else { throw .undefinedInput(layer: layer.name) }
      }
      let found = featureMap(of: reference)
      if !layer.isOpaque, found != layer.shape.inputMap {
        throw .shapeMismatch(
          layer: layer.name, input: position, expected: layer.shape.inputMap, found: found)
      }
    }
  }
}
