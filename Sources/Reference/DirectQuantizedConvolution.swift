import ConcurrentMap
import Workload

/// INT8 convolution: exact integer accumulators, then one requantization an output.
struct DirectQuantizedConvolution {
  let layer: Layer
  let shape: ConvolutionShape
  let parameters: QuantizedParameters
  let taps: [Tap]
  let rowTaps, columnTaps: [AxisTap]

  init(_ layer: Layer, _ parameters: QuantizedParameters) {
    self.layer = layer
    shape = layer.shape
    self.parameters = parameters
    taps = TapSequence.chains(of: layer.shape, order: .chain).flatMap(\.self)
    rowTaps = (0..<layer.shape.rows.window).map { AxisTap(layer.shape.rows, tap: $0) }
    columnTaps = (0..<layer.shape.columns.window).map { AxisTap(layer.shape.columns, tap: $0) }
  }

  func output(of input: [Int8], threads: Int) throws(ReferenceError) -> [Int8] {
    let requantizations = (0..<shape.outputChannels).map {
      Requantization(parameters, channel: $0, activation: layer.activation)
    }
    return try planes(of: input, threads: threads) { filter, accumulators in
      let requantize = requantizations[filter]
      return accumulators.map { requantize($0) }
    }
  }

  func accumulators(of input: [Int8], threads: Int) throws(ReferenceError) -> [Int32] {
    try planes(of: input, threads: threads) { _, accumulators in accumulators }
  }

  private func planes<Element: Sendable>(
    of input: [Int8], threads: Int, _ transform: @Sendable (Int, [Int32]) -> [Element]
  ) throws(ReferenceError) -> [Element] {
    let zero = Int16(parameters.inputs[0].zeroPoint)
    let centred = input.map { Int16($0) - zero }
    let filters = shape.outputChannels
    let planes = concurrentMap(count: shape.batch * filters, threads: threads) {
      index -> Result<[Element], ReferenceError> in
      let filter = index % filters
      do throws(ReferenceError) {
        let accumulators = try plane(of: centred, batch: index / filters, filter: filter)
        return .success(transform(filter, accumulators))
      } catch {
        return .failure(error)
      }
    }
    var output: [Element] = []
    output.reserveCapacity(shape.outputMap.elements)
    for plane in planes { output += try plane.get() }
    return output
  }

  /// Accumulators of output channel `filter` of image `batch`. Whether a sum overflows is asked of the exact
  /// sum, so that the answer does not depend on the order of the taps.
  private func plane(of centred: [Int16], batch: Int, filter: Int) throws(ReferenceError) -> [Int32] {
    let zero = Int16(parameters.weightZeroPoint(of: filter))
    let weights = taps.map { Int16(parameters.weights[filter * shape.taps + $0.weight]) - zero }
    let bias = parameters.bias.isEmpty ? 0 : parameters.bias[filter]
    let bound = weights.reduce(Int(bias.magnitude)) { $0 + Int($1.magnitude) * 255 }
    if bound <= Int(Int32.max) {
      var sums = [Int32](repeating: bias, count: shape.outputMap.plane)
      accumulate(weights, centred, batch: batch, filter: filter, into: &sums)
      return sums
    }
    var sums = [Int](repeating: Int(bias), count: shape.outputMap.plane)
    accumulate(weights, centred, batch: batch, filter: filter, into: &sums)
    if let index = sums.firstIndex(where: { Int32(exactly: $0) == nil }) {
      let width = shape.columns.outputExtent
      throw .accumulatorOverflow(
        layer: layer.name, batch: batch, channel: filter, row: index / width, column: index % width,
        sum: sums[index])
    }
    return sums.map { Int32($0) }
  }

  /// Adds every tap inside the map; a padded tap is the zero point, so its product is 0.
  @inline(__always)
  private func accumulate<Sum: FixedWidthInteger & SignedInteger & BitwiseCopyable>(
    _ weights: [Int16], _ centred: [Int16], batch: Int, filter: Int, into sums: inout [Sum]
  ) {
    let firstChannel = batch * shape.inputChannels + filter / shape.filtersPerGroup * shape.channelsPerGroup
    let inputPlane = shape.inputMap.plane
    let width = shape.columns.outputExtent
    let source = centred.span
    var target = sums.mutableSpan
    for (tap, weight) in zip(taps, weights) {
      let (rowTap, columnTap) = (rowTaps[tap.row], columnTaps[tap.column])
      let inside = columnTap.inside
      let plane = (firstChannel + tap.channel) * inputPlane + columnTap.input(inside.lowerBound)
      for row in rowTap.inside {
        let first = plane + rowTap.input(row) * shape.columns.inputExtent
        Self.multiplyAdd(
          weight, source, from: first, step: columnTap.stride,
          row * width + inside.lowerBound..<row * width + inside.upperBound, &target)
      }
    }
  }

  @inline(__always)
  private static func multiplyAdd<Sum: FixedWidthInteger & SignedInteger & BitwiseCopyable>(
    _ weight: Int16, _ source: borrowing Span<Int16>, from first: Int, step: Int, _ outputs: Range<Int>,
    _ sums: inout MutableSpan<Sum>
  ) {
    guard !outputs.isEmpty else { return }
    precondition(first >= 0 && first + (outputs.count - 1) * step < source.count)
    precondition(outputs.upperBound <= sums.count)
    let factor = Int32(weight)
    if step == 1 {
      // Contiguous, so that it vectorises; the bounds are checked above.
      for index in 0..<outputs.count {
        let product = factor &* Int32(source[unchecked: first &+ index])
        sums[unchecked: outputs.lowerBound &+ index] &+= Sum(truncatingIfNeeded: product)
      }
    } else {
      for index in 0..<outputs.count {
        let product = factor &* Int32(source[unchecked: first &+ index &* step])
        sums[unchecked: outputs.lowerBound &+ index] &+= Sum(truncatingIfNeeded: product)
      }
    }
  }
}
