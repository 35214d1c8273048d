import Workload

extension Network {
  /// The same network on `batch` images at once: every map and shape gets that batch.
  /// - Throws: a `ShapeError` where the batch is no valid size or a tensor becomes too large.
  public func batched(_ batch: Int) throws(ShapeError) -> Network {
    _ = try Extent.check(batch, "the batch")
    var inputs: [FeatureMap] = []
    for input in self.inputs { inputs.append(try input.batched(batch)) }
    var layers: [Layer] = []
    for layer in self.layers { layers.append(try layer.batched(batch)) }
    do throws(NetworkError) {
      return try Network(name: name, inputs: inputs, layers: layers)
    } catch {
      if case .tooManyMultiplyAccumulates(let limit) = error {
        throw .tooManyMultiplyAccumulates(limit: limit)
      }
      preconditionFailure("a common batch keeps shapes equal: \(error)")
    }
  }
}

extension FeatureMap {
  fileprivate func batched(_ batch: Int) throws(ShapeError) -> FeatureMap {
    try FeatureMap(batch: batch, channels: channels, rows: rows, columns: columns)
  }
}

extension Layer {
  fileprivate func batched(_ batch: Int) throws(ShapeError) -> Layer {
    let shape = try ConvolutionShape(
      batch: batch, inputChannels: shape.inputChannels, outputChannels: shape.outputChannels,
      groups: shape.groups, rows: shape.rows, columns: shape.columns)
    var operation = operation
    if case .opaque(let name, let output) = operation {
      operation = .opaque(name, output: try output.batched(batch))
    }
    return Layer(
      name: name, operation: operation, shape: shape, hasBias: hasBias, activation: activation,
      inputs: inputs)
  }
}
