import Hardware
import Scheduling
import Workload

/// Stores of the elements outside the map beside asynchronous copies, which can fill with zeros and nothing else: the zero point
/// of a map of bytes, taken to be none. A warp that copies for some lanes stores for the others.
struct SharedMemoryFills {
  private let schedule: Schedule
  /// Over the tiles of one image.
  private(set) var total = SharedMemoryTraffic()
  private let rows, columns: [[Bool]: Int]
  private var known: [SharedMemorySteps.Staging: [Int: SharedMemoryTraffic]] = [:]

  init(_ schedule: Schedule) {
    self.schedule = schedule
    func patterns(_ slots: [[AxisSlots]]) -> [[Bool]: Int] {
      Dictionary(slots.map { ($0[0].indices.map { $0 >= 0 }, 1) }, uniquingKeysWith: +)
    }
    rows = patterns(schedule.rows.slots)
    columns = patterns(schedule.columns.slots)
  }

  /// A load of `channels` channels of an input, by each block of a channel tile.
  mutating func add(_ layout: SharedMemorySteps.Staging, _ channels: Int) {
    guard schedule.chain.elementType == .int8, CopyPath.asynchronousBytes.contains(layout.bytes) else {
      return
    }
    let cost = known[layout]?[channels] ?? cost(of: layout, channels)
    known[layout, default: [:]][channels] = cost
    total = total + cost
  }

  private func cost(of layout: SharedMemorySteps.Staging, _ channels: Int) -> SharedMemoryTraffic {
    var total = SharedMemoryTraffic()
    for (row, rowCount) in rows {
      for (column, columnCount) in columns where row.contains(false) || column.contains(false) {
        total = total + cost(of: layout, isHeld: isHeld(row, column, channels)) * (rowCount * columnCount)
      }
    }
    return total
  }

  /// For each item, in the order of the lane map, whether the map has it.
  private func isHeld(_ rows: [Bool], _ columns: [Bool], _ channels: Int) -> [Bool] {
    let width = schedule.vectorWidth(of: .ifm(0))
    if schedule.chain.axisOrder == .hwc {
      return rows.flatMap { row in
        columns.flatMap { Array(repeating: row && $0, count: channels / width) }
      }
    }
    let plane = rows.flatMap { row in
      stride(from: 0, to: columns.count, by: width).map { row && columns[$0] }
    }
    return (0..<channels).flatMap { _ in plane }
  }

  private func cost(of layout: SharedMemorySteps.Staging, isHeld: [Bool]) -> SharedMemoryTraffic {
    var total = SharedMemoryTraffic()
    withUnsafeTemporaryAllocation(of: Int.self, capacity: WarpRequest.lanes) { addresses in
      layout.rounds.forEachRequest(of: layout.items) { first, lanes in
        for lane in addresses.indices {
          addresses[lane] = lane < lanes && !isHeld[first + lane] ? layout.address(of: first + lane) : -1
        }
        guard addresses.contains(where: { $0 >= 0 }) else { return }
        let cost = SharedMemoryBanks.cost(of: addresses, size: layout.bytes, .write)
        total =
          total
          + SharedMemoryTraffic(requests: 1, wavefronts: cost.wavefronts, bankConflicts: cost.conflicts)
      }
    }
    return total
  }
}
