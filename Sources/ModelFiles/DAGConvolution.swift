import Workload

/// A convolution of a `model_dag.json`: its sizes, checked against each other.
struct DAGConvolution {
  let node: DAGNode
  /// Of the `pad` node before it, if there is one.
  let padding: (top: Int, left: Int, bottom: Int, right: Int)?
  /// What is read, before padding.
  let input: FeatureMap

  enum Failure: Error {
    case shape(ShapeError)
    case file(DiagnosticCode, String, key: String)
  }

  func shape() throws(Failure) -> ConvolutionShape {
    let weights = try weights()
    let output = try list("ofms_shape", node.outputShape, rank: 3)
    let pad = padding ?? (0, 0, 0, 0)
    let (rows, columns) = (input.rows + pad.top + pad.bottom, input.columns + pad.left + pad.right)
    if let given = node.inputShape, given != [input.channels, rows, columns] {
      throw .file(
        .shapeMismatch,
        "'ifms_shape' is \(given), but it reads \([input.channels, rows, columns]) (channels, rows, columns)",
        key: "ifms_shape")
    }
    guard output[0] == weights.filters else {
      throw .file(
        .shapeMismatch, "'ofms_shape' has \(output[0]) channels, 'weights_shape' \(weights.filters) filters",
        key: "ofms_shape")
    }
    let groups = try groups(weights.channels)
    do {
      return try ConvolutionShape(
        batch: input.batch, inputChannels: input.channels, outputChannels: weights.filters, groups: groups,
        rows: axis(input.rows, output[1], weights.rows, (pad.top, pad.bottom), "rows"),
        columns: axis(input.columns, output[2], weights.columns, (pad.left, pad.right), "columns"))
    } catch let error as ShapeError {
      throw .shape(error)
    } catch {
      throw .file(
        .dagShape, "no stride gives 'ofms_shape' \(output) from \(rows)×\(columns)", key: "ofms_shape")
    }
  }

  private func list(_ key: String, _ sizes: [Int]?, rank: Int) throws(Failure) -> [Int] {
    guard let sizes else { throw .file(.dagMissingKey, "a convolution needs '\(key)'", key: "name") }
    guard sizes.count == rank else {
      throw .file(.rankMismatch, "'\(key)' has \(sizes.count) axes instead of \(rank)", key: key)
    }
    return sizes
  }

  /// s `[F,C,k,k]`, dw `[C,k,k]`, pw `[F,C]`.
  private func weights() throws(Failure) -> (filters: Int, channels: Int, rows: Int, columns: Int) {
    switch node.type {
    case "s":
      let sizes = try list("weights_shape", node.weightsShape, rank: 4)
      return (sizes[0], sizes[1], sizes[2], sizes[3])
    case "dw":
      let sizes = try list("weights_shape", node.weightsShape, rank: 3)
      return (sizes[0], 1, sizes[1], sizes[2])
    case "pw":
      let sizes = try list("weights_shape", node.weightsShape, rank: 2)
      return (sizes[0], sizes[1], 1, 1)
    case nil: throw .file(.dagMissingKey, "a convolution needs 'type'", key: "name")
    case .some(let type):
      throw .file(
        .dagType, "there is no type '\(sanitised(type, limit: 40))'; write s, dw or pw", key: "type")
    }
  }

  private func groups(_ channels: Int) throws(Failure) -> Int {
    guard input.channels % channels == 0, node.type != "pw" || channels == input.channels else {
      throw .file(
        node.type == "s" ? .groupMismatch : .shapeMismatch,
        "'weights_shape' has \(channels) channels, the input \(input.channels)", key: "weights_shape")
    }
    return input.channels / channels
  }

  private struct NoStride: Error {}

  private func axis(
    _ extent: Int, _ output: Int, _ window: Int, _ pad: (before: Int, after: Int), _ name: String
  ) throws -> WindowAxis {
    let found = StrideInference(
      input: extent + pad.before + pad.after, output: output, window: window, declared: node.stride,
      isPadded: padding != nil)
    guard let found else { throw NoStride() }
    guard found.usesSame else {
      return try WindowAxis(
        inputExtent: extent, window: window, stride: found.stride, paddingBefore: pad.before,
        paddingAfter: pad.after, name: name)
    }
    let same = try WindowAxis.same(
      inputExtent: extent + pad.before + pad.after, window: window, stride: found.stride, name: name)
    return try WindowAxis(
      inputExtent: extent, window: window, stride: found.stride,
      paddingBefore: pad.before + same.paddingBefore, paddingAfter: pad.after + same.paddingAfter, name: name)
  }
}
