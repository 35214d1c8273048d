import CFusedMultiplyAdd
import ConcurrentMap
import Workload

/// FP32 convolution: one output plane at a time, one tap of its filter after the other.
///
/// The taps are the outer loop and the outputs of a plane the inner one, so each output still sees its own taps
/// in order while neighbouring outputs share a weight. Outputs that read padding through a tap and those that read inside
/// the map are different ones, so which come first does not matter.
struct DirectConvolution {
  let shape: ConvolutionShape
  let weights, bias: [Float]
  let activation: Activation
  let order: ReductionOrder
  let chains: [[Tap]]
  let rowTaps, columnTaps: [AxisTap]

  init(_ layer: Layer, weights: [Float], bias: [Float], order: ReductionOrder) {
    shape = layer.shape
    self.weights = weights
    self.bias = bias
    activation = layer.activation
    self.order = order
    chains = TapSequence.chains(of: layer.shape, order: order)
    rowTaps = (0..<layer.shape.rows.window).map { AxisTap(layer.shape.rows, tap: $0) }
    columnTaps = (0..<layer.shape.columns.window).map { AxisTap(layer.shape.columns, tap: $0) }
  }

  func output(of input: [Float], threads: Int) -> [Float] {
    let filters = shape.outputChannels
    let planes = concurrentMap(count: shape.batch * filters, threads: threads) { index in
      plane(of: input, batch: index / filters, filter: index % filters)
    }
    return Array(planes.joined())
  }

  /// Output channel `filter` of image `batch`, `[rows][columns]`.
  private func plane(of input: [Float], batch: Int, filter: Int) -> [Float] {
    let count = shape.outputMap.plane
    let added = bias.isEmpty ? nil : bias[filter]
    let start = order.bias == .first ? added ?? 0 : 0
    var sums = [Float](repeating: start, count: count)
    for (index, chain) in chains.enumerated() {
      if index == 0 {
        multiplyAdd(chain, input, batch: batch, filter: filter, into: &sums)
      } else {
        var partial = [Float](repeating: 0, count: count)
        multiplyAdd(chain, input, batch: batch, filter: filter, into: &partial)
        for output in 0..<count { sums[output] += partial[output] }
      }
    }
    if order.bias == .last, let added {
      for output in 0..<count { sums[output] += added }
    }
    for output in 0..<count { sums[output] = activation(sums[output]) }
    return sums
  }

  private func multiplyAdd(
    _ chain: [Tap], _ input: [Float], batch: Int, filter: Int, into sums: inout [Float]
  ) {
    let firstChannel = batch * shape.inputChannels + filter / shape.filtersPerGroup * shape.channelsPerGroup
    let inputPlane = shape.inputMap.plane
    let width = shape.columns.outputExtent
    var target = sums.mutableSpan
    for tap in chain {
      let weight = weights[filter * shape.taps + tap.weight]
      let (rowTap, columnTap) = (rowTaps[tap.row], columnTaps[tap.column])
      let plane = (firstChannel + tap.channel) * inputPlane
      for row in 0..<shape.rows.outputExtent {
        let outputs = row * width..<(row + 1) * width
        guard rowTap.inside.contains(row) else {
          Self.multiplyAddPadding(weight, outputs, &target)
          continue
        }
        let inside = columnTap.inside
        Self.multiplyAddPadding(
          weight, outputs.lowerBound..<outputs.lowerBound + inside.lowerBound, &target)
        Self.multiplyAddPadding(
          weight, outputs.lowerBound + inside.upperBound..<outputs.upperBound, &target)
      }
      multiplyAddInside(weight, rowTap, columnTap, input, plane, &target)
    }
  }

  /// The outputs that read inside the map through a tap, those of one row after the other.
  private func multiplyAddInside(
    _ weight: Float, _ rowTap: AxisTap, _ columnTap: AxisTap, _ input: [Float], _ plane: Int,
    _ sums: inout MutableSpan<Float>
  ) {
    let (rows, columns) = (rowTap.inside, columnTap.inside)
    guard !rows.isEmpty, !columns.isEmpty else { return }
    let (width, inputWidth) = (shape.columns.outputExtent, shape.columns.inputExtent)
    let first = plane + rowTap.input(rows.lowerBound) * inputWidth + columnTap.input(columns.lowerBound)
    let last =
      plane + rowTap.input(rows.upperBound - 1) * inputWidth + columnTap.input(columns.upperBound - 1)
    let target = rows.lowerBound * width + columns.lowerBound
    precondition(
      first >= 0 && last < input.count && (rows.upperBound - 1) * width + columns.upperBound <= sums.count)
    sums.withUnsafeMutableBufferPointer { sums in
      input.withUnsafeBufferPointer { input in
        guard let sums = sums.baseAddress, let input = input.baseAddress else { return }
        fuselab_multiply_add(
          sums + target, width, input + first, rowTap.stride * inputWidth, columnTap.stride, weight,
          rows.count, columns.count)
      }
    }
  }

  /// A padded tap is a real +0: it turns −0 into +0, and an infinite weight into NaN.
  @inline(__always) private static func multiplyAddPadding(
    _ weight: Float, _ outputs: Range<Int>, _ sums: inout MutableSpan<Float>
  ) {
    for output in outputs { sums[output] = sums[output].addingProduct(weight, 0) }
  }
}
