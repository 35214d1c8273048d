import Scheduling
import Workload

/// One product of a reduction: the input channel, counted in its group, and the tap of the window.
private struct Product {
  let channel, row, column: Int
  let startsChain: Bool
}

extension BlockInterpreter {
  /// Adds the products of input channels `reducing` to the sums of `channels`, in the algorithm's order.
  mutating func accumulate(_ stage: Int, _ channels: Range<Int>, _ reducing: Range<Int>) {
    let shape = schedule.chain.stages[stage].shape
    let mixes = schedule.chain.mixesChannels(stage)
    let reduced = mixes ? reducing : 0..<shape.channelsPerGroup
    let products = products(of: stage, reduced: reduced)
    let inputs = mixes ? reducing : schedule.chain.inputChannels(of: stage, for: channels)
    let source = sources(of: stage, holding: inputs)[0]
    let weights = weights[stage].first {
      $0.filters.isSuperset(of: channels) && $0.channels.isSuperset(of: reduced)
    }
    let width = source.columns.indices.count
    let outputs = taps[stage].outputs
    let window = shape.columns.window
    for channel in channels {
      let group = channel / shape.filtersPerGroup * shape.channelsPerGroup
      let start = (channel - channels.lowerBound) * outputs
      for product in products {
        if product.startsChain {
          for output in start..<start + outputs { arithmetic.restart(&accumulators[stage][output]) }
        }
        let input = group + product.channel
        let staged = source.channels.contains(input)
        let weight =
          weights.offset(filter: channel, channel: product.channel)
          .map { weights.elements[$0 + product.row * window + product.column] }
          ?? arithmetic.weightTrap
        multiplyAdd(
          stage, arithmetic.centred(weight, stage: stage, channel: channel), source.elements,
          plane: staged ? source.offset(of: input) : nil, width,
          product, from: start)
      }
    }
  }

  /// One tap of one filter for all outputs of its channel.
  private mutating func multiplyAdd(
    _ stage: Int, _ weight: A.Staged, _ source: [A.Staged], plane: Int?, _ width: Int,
    _ product: Product, from start: Int
  ) {
    let rows = taps[stage].rows[product.row]
    let columns = taps[stage].columns[product.column]
    let arithmetic = arithmetic
    accumulators[stage].withUnsafeMutableBufferPointer { sums in
      source.withUnsafeBufferPointer { source in
        var output = start
        for row in rows {
          for column in columns {
            let element = plane.map { source[$0 + row * width + column] } ?? A.trap
            arithmetic.multiplyAdd(&sums[output], weight, element)
            output += 1
          }
        }
      }
    }
  }

  private func products(of stage: Int, reduced: Range<Int>) -> [Product] {
    let shape = schedule.chain.stages[stage].shape
    let order = arithmetic.executor.orders[stage]
    let size = order.restart ?? shape.channelsPerGroup
    var window: [(row: Int, column: Int)] = []
    for row in 0..<shape.rows.window {
      for column in 0..<shape.columns.window { window.append((row, column)) }
    }
    if order.taps == .columnMajor {
      window.sort { ($0.column, $0.row) < ($1.column, $1.row) }
    }
    func product(_ channel: Int, _ tap: Int, first: Bool) -> Product {
      Product(
        channel: channel, row: window[tap].row, column: window[tap].column,
        startsChain: first && channel > 0 && channel % size == 0)
    }
    switch order.innermost {
    case .window:
      return reduced.flatMap { channel in window.indices.map { product(channel, $0, first: $0 == 0) } }
    case .channel:
      return stride(from: reduced.lowerBound, to: reduced.upperBound, by: size).flatMap { start in
        window.indices.flatMap { tap in
          (start..<min(start + size, reduced.upperBound)).map {
            product($0, tap, first: tap == 0 && $0 == start)
          }
        }
      }
    }
  }

  /// A layer without weights: each output from the taps of its own channel that lie inside the map.
  func combined(_ stage: Int, _ channels: Range<Int>) -> [A.Stored] {
    let sources = sources(
      of: stage, holding: schedule.chain.inputChannels(of: stage, for: channels))
    let width = sources[0].columns.indices.count
    let table = taps[stage]
    var values: [A.Stored] = []
    values.reserveCapacity(channels.count * table.outputs)
    var window: [A.Staged] = []
    for channel in channels {
      for row in 0..<table.outputRows {
        for column in 0..<table.outputColumns {
          window.removeAll(keepingCapacity: true)
          for source in sources {
            let plane = source.offset(of: channel)
            for (rowTap, rows) in table.rows.enumerated() where !table.rowIsPadding[rowTap][row] {
              for (columnTap, columns) in table.columns.enumerated()
              where !table.columnIsPadding[columnTap][column] {
                window.append(source.elements[plane + rows[row] * width + columns[column]])
              }
            }
          }
          values.append(arithmetic.combine(window, stage: stage))
        }
      }
    }
    return values
  }
}
