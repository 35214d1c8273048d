import Workload

extension LayerSpecification {
  /// The layer on an input of shape `input`.
  func layer(input: FeatureMap, references: [TensorReference]) throws(ShapeError) -> Layer {
    let shape = try shape(input: input)
    let operation: Operation =
      switch op {
      case .conv, .depthwise, .pointwise, .fullyConnected: .convolution
      case .averagePool, .globalAveragePool: .averagePool
      case .maxPool: .maxPool
      case .add: .add
      case .relu, .relu6, .identity: .activation
      case .opaque: .opaque(operatorName ?? "", output: output ?? input)
      }
    let activation: Activation =
      switch op {
      case .relu: .relu
      case .relu6: .relu6
      default: self.activation
      }
    return Layer(
      name: name, operation: operation, shape: shape, hasBias: hasBias, activation: activation,
      inputs: references)
  }

  private func shape(input: FeatureMap) throws(ShapeError) -> ConvolutionShape {
    let channels = input.channels
    switch op {
    case .fullyConnected, .globalAveragePool:
      let isPool = op == .globalAveragePool
      return try ConvolutionShape(
        batch: input.batch, inputChannels: channels, outputChannels: filters ?? channels,
        groups: isPool ? channels : 1, rows: WindowAxis(inputExtent: input.rows, window: input.rows),
        columns: WindowAxis(inputExtent: input.columns, window: input.columns, name: "columns"))
    case .conv, .pointwise, .depthwise, .averagePool, .maxPool:
      let perChannel = op != .conv && op != .pointwise
      let outputs = try outputChannels(input: channels)
      return try ConvolutionShape(
        batch: input.batch, inputChannels: channels, outputChannels: outputs,
        groups: perChannel ? channels : groups,
        rows: axis(input.rows, kernel.rows, stride.rows, dilation.rows, rows: true),
        columns: axis(input.columns, kernel.columns, stride.columns, dilation.columns, rows: false))
    case .add, .relu, .relu6, .identity, .opaque:
      return try ConvolutionShape(elementwise: input)
    }
  }

  private func outputChannels(input channels: Int) throws(ShapeError) -> Int {
    guard op == .depthwise else { return filters ?? channels }
    let multiplier = try Extent.check(multiplier, "the multiplier")
    let (outputs, overflow) = channels.multipliedReportingOverflow(by: multiplier)
    if overflow { throw .overflow("the output feature map") }
    return outputs
  }

  private func axis(
    _ extent: Int, _ window: Int, _ stride: Int, _ dilation: Int, rows: Bool
  ) throws(ShapeError) -> WindowAxis {
    let name = rows ? "rows" : "columns"
    switch padding {
    case .same:
      return try .same(inputExtent: extent, window: window, stride: stride, dilation: dilation, name: name)
    case .valid:
      return try WindowAxis(
        inputExtent: extent, window: window, stride: stride, dilation: dilation, name: name)
    case .explicit(let top, let left, let bottom, let right):
      return try WindowAxis(
        inputExtent: extent, window: window, stride: stride, dilation: dilation,
        paddingBefore: rows ? top : left, paddingAfter: rows ? bottom : right, name: name)
    }
  }

  /// The key that an error of the shape is most likely about.
  func key(of error: ShapeError) -> String? {
    let name: String? =
      switch error {
      case .zeroStride: "stride"
      case .negativePadding: "padding"
      case .groupMismatch: "groups"
      case .emptyOutput: "kernel"
      case .zeroDimension(let what), .negativeDimension(let what, _), .dimensionTooLarge(let what, _):
        ["stride", "dilation", "padding", "groups", "multiplier"].first { what.contains($0) }
          ?? (what.contains("window") ? "kernel" : what.contains("channels") ? "filters" : nil)
      default: nil
      }
    return name.flatMap { mapping.has($0) ? $0 : nil }
  }
}

extension ConvolutionShape {
  /// The shape of a layer that gives one output for each input element.
  init(elementwise map: FeatureMap) throws(ShapeError) {
    try self.init(
      batch: map.batch, inputChannels: map.channels, outputChannels: map.channels, groups: map.channels,
      rows: WindowAxis(inputExtent: map.rows), columns: WindowAxis(inputExtent: map.columns, name: "columns"))
  }
}
