import Scheduling
import Workload

/// Which slots of its input each output of a stage reads, within one block.
struct StageTaps {
  /// For each window row, then each filled output row: the row slot read.
  let rows: [[Int]]
  let columns: [[Int]]
  /// Whether that row slot lies in the padding.
  let rowIsPadding: [[Bool]]
  let columnIsPadding: [[Bool]]

  /// Outputs of one channel.
  var outputs: Int { outputRows * outputColumns }
  let outputRows, outputColumns: Int

  init(_ executor: ScheduleExecutor, stage: Int, rows: [AxisSlots], columns: [AxisSlots]) {
    func table(_ all: [Int], _ window: Int, _ slots: [AxisSlots]) -> ([[Int]], [[Bool]]) {
      let reads = (0..<window).map { tap in slots[stage + 1].filled.map { all[$0 * window + tap] } }
      return (reads, reads.map { $0.map { slots[stage].indices[$0] == AxisSlots.padding } })
    }
    let shape = executor.schedule.chain.stages[stage].shape
    (self.rows, rowIsPadding) = table(executor.rowTapSlots[stage], shape.rows.window, rows)
    (self.columns, columnIsPadding) = table(
      executor.columnTapSlots[stage], shape.columns.window, columns)
    outputRows = rows[stage + 1].count
    outputColumns = columns[stage + 1].count
  }
}
