import ConcurrentMap
import Workload

/// Average and maximum pools: each window's taps inside the map, row by row; padding is not counted.
struct DirectPool {
  let layer: Layer
  let shape: ConvolutionShape

  init(_ layer: Layer) {
    self.layer = layer
    shape = layer.shape
  }

  /// The mean is an ascending chain of sums from +0, divided by the count of taps.
  func output(of input: [Float], threads: Int) throws(ReferenceError) -> [Float] {
    let activation = layer.activation
    if layer.operation == .maxPool {
      return try windows(of: input, threads: threads) { values in
        activation(values.dropFirst().reduce(values[0], Float.windowMaximum))
      }
    }
    return try windows(of: input, threads: threads) { values in
      activation(values.reduce(0, +) / Float(values.count))
    }
  }

  func output(
    of input: [Int8], _ parameters: QuantizedParameters, threads: Int
  ) throws(ReferenceError) -> [Int8] {
    if layer.operation == .maxPool {
      let activate = QuantizedActivation(parameters, activation: layer.activation)
      return try windows(of: input, threads: threads) { values in
        activate(values.reduce(Int8.min) { max($0, $1) })
      }
    }
    let mean = QuantizedMean(parameters, activation: layer.activation)
    return try windows(of: input, threads: threads) { values in
      mean(sum: values.reduce(0) { $0 + Int($1) }, count: values.count)
    }
  }

  /// `result` of the values that each output's window covers, never empty.
  private func windows<Element: Sendable>(
    of input: [Element], threads: Int, _ result: @Sendable ([Element]) -> Element
  ) throws(ReferenceError) -> [Element] {
    let rows = (0..<shape.rows.outputExtent).map { Self.inputs(of: $0, shape.rows) }
    let columns = (0..<shape.columns.outputExtent).map { Self.inputs(of: $0, shape.columns) }
    if let row = rows.firstIndex(where: \.isEmpty) {
      throw .emptyWindow(layer: layer.name, row: row, column: 0)
    }
    if let column = columns.firstIndex(where: \.isEmpty) {
      throw .emptyWindow(layer: layer.name, row: 0, column: column)
    }
    let width = shape.columns.inputExtent
    let planes = concurrentMap(count: shape.batch * shape.inputChannels, threads: threads) { plane in
      let start = plane * shape.inputMap.plane
      return rows.flatMap { inputRows in
        columns.map { inputColumns in
          var values: [Element] = []
          values.reserveCapacity(inputRows.count * inputColumns.count)
          for row in inputRows {
            for column in inputColumns { values.append(input[start + row * width + column]) }
          }
          return result(values)
        }
      }
    }
    return Array(planes.joined())
  }

  /// The indices inside the map that `output` reads, tap by tap.
  private static func inputs(of output: Int, _ axis: WindowAxis) -> [Int] {
    (0..<axis.window)
      .map { output * axis.stride + $0 * axis.dilation - axis.paddingBefore }
      .filter { $0 >= 0 && $0 < axis.inputExtent }
  }
}
