import Hardware
import Scheduling
import Workload

/// The closed form of one operand's accesses with the numbers of a schedule put in, for people.
public struct AccessTerm: Hashable, Sendable {
  public let operand: Operand
  /// E.g. `batch 1 × channels 64·2 × rows 114 × columns 114 × 4 B`.
  public let formula: String
  public let bytes: Bytes

  /// The terms of all operands; their bytes add up to `AnalyticTraffic`'s total.
  public static func terms(of schedule: Schedule) -> [AccessTerm] {
    let chain = schedule.chain
    let (rows, columns) = (AxisSums(schedule.rows), AxisSums(schedule.columns))
    let channels = ChannelSums(chain: chain, tiling: schedule.tiling)
    let batch = chain.last.shape.batch
    let tiles = "batch \(batch) × row tiles \(rows.tiles.grouped) × column tiles \(columns.tiles.grouped)"
    return chain.operands.map { operand in
      let size = chain.elementBytes(of: operand)
      let formula: String
      let elements: Int
      switch operand {
      case .ifm:
        formula =
          "batch \(batch) × Σ channels \(channels.input.asked.grouped) × Σ rows \(rows.totals[0].grouped) "
          + "× Σ columns \(columns.totals[0].grouped) × \(size) B"
        elements = batch * channels.input.asked * rows.totals[0] * columns.totals[0]
      case .weights(let stage):
        let taps = chain.stages[stage].shape.taps
        formula =
          "\(tiles) × Σ filters \(channels.outputs[stage].asked.grouped) × taps \(taps.grouped) × \(size) B"
        elements = batch * rows.tiles * columns.tiles * channels.outputs[stage].asked * taps
      case .bias(let stage), .multipliers(let stage):
        formula = "\(tiles) × Σ channels \(channels.outputs[stage].asked.grouped) × \(size) B"
        elements = batch * rows.tiles * columns.tiles * channels.outputs[stage].asked
      case .residual(let stage):
        let (sumOfRows, sumOfColumns) = (rows.totals[stage + 1], columns.totals[stage + 1])
        formula =
          "batch \(batch) × Σ channels \(channels.outputs[stage].asked.grouped) × Σ rows \(sumOfRows.grouped) "
          + "× Σ columns \(sumOfColumns.grouped) × \(size) B"
        elements = batch * channels.outputs[stage].asked * sumOfRows * sumOfColumns
      case .ofm:
        let map = chain.last.outputMap
        formula = "\(map.text) × \(size) B"
        elements = map.elements
      }
      return AccessTerm(operand: operand, formula: formula, bytes: Bytes(elements * size))
    }
  }
}
