import Scheduling
import Workload

/// The lane map of one compute step: which lane works out which outputs and what it reads of shared memory.
///
/// Outputs are numbered channel group, row slot, column slot, the column fastest; a group is `channelsPerThread`
/// channels. Item `i` belongs to thread `i mod threads`, so 32 neighbouring items are a warp's. For each input channel
/// and tap a lane reads one staged value (an add one of each input) and a weight for each channel of its group; where the stage does not mix
/// channels, a value for each channel as well. After the last part of a reduction a lane writes its outputs to the
/// intermediate buffer, except after the last stage, whose outputs stay in registers until they are stored.
///
/// Buffers are dense, `[channel][row slot][column slot]` and `[filter][channel][row][column]`, and start at
/// multiples of 128 B. Outputs of slots beyond the map are worked out as well: a tile's size is a constant.
struct ComputeLaneMap {
  private let channels, reduced, group: Int
  /// Buffers that a value is read from: an add has two.
  private let inputs: Int
  private let mixes: Bool
  private let filtersPerGroup, channelsPerGroup: Int
  private let hasWeights: Bool
  private let element: Int
  private let rowTaps, columnTaps: [Int]
  private let rowWindow, columnWindow: Int
  private let rows, columns: Int
  private let inputColumns, inputPlane: Int

  init(_ schedule: Schedule, stage: Int, channels: Int, reducing: Int) {
    let layer = schedule.chain.stages[stage]
    let shape = layer.shape
    self.channels = channels
    inputs = stage == 0 ? layer.inputs.count : 1
    mixes = schedule.chain.mixesChannels(stage)
    reduced = mixes ? reducing : shape.channelsPerGroup
    group = min(schedule.lanes.channelsPerThread, channels)
    filtersPerGroup = shape.filtersPerGroup
    channelsPerGroup = shape.channelsPerGroup
    hasWeights = layer.hasWeights
    element = schedule.chain.elementType.bytes
    rowTaps = schedule.rows.tapSlots(of: stage)
    columnTaps = schedule.columns.tapSlots(of: stage)
    rowWindow = shape.rows.window
    columnWindow = shape.columns.window
    rows = schedule.rows.offsets[stage + 1].count
    columns = schedule.columns.offsets[stage + 1].count
    inputColumns = schedule.columns.offsets[stage].count
    inputPlane = inputColumns * schedule.rows.offsets[stage].count
  }

  private var items: Int { (channels + group - 1) / group * rows * columns }
  private var warps: Int { (items + WarpRequest.lanes - 1) / WarpRequest.lanes }

  /// Warp instructions that multiply and add; none of a stage without weights.
  var multiplyAdds: Int { hasWeights ? warps * group * reduced * rowWindow * columnWindow : 0 }

  /// What the lanes read of the input's buffer and of the weights' buffer.
  func reads() -> SharedMemoryTraffic {
    var total = SharedMemoryTraffic()
    for warp in 0..<warps {
      for member in 0..<(mixes ? 1 : group) {
        for row in 0..<rowWindow {
          for column in 0..<columnWindow {
            for _ in 0..<inputs {
              add(reduced, apart: inputPlane, &total) { value(warp, $0, member, row, column) }
            }
          }
        }
      }
      guard hasWeights else { continue }
      // The taps of a filter lie one after the other.
      for member in 0..<group {
        add(reduced * rowWindow * columnWindow, apart: 1, &total) { weight(warp, $0, member) }
      }
    }
    return total
  }

  /// What the lanes write to the intermediate buffer.
  func writes() -> SharedMemoryTraffic {
    var total = SharedMemoryTraffic()
    for warp in 0..<warps {
      for member in 0..<group { add(1, apart: 0, &total) { output(warp, $0, member) } }
    }
    return total
  }

  /// Costs of `count` accesses that differ by `apart` elements: a multiple of 4 bytes only moves the pattern round
  /// the banks, so at most four of them differ in cost.
  private func add(
    _ count: Int, apart: Int, _ total: inout SharedMemoryTraffic, _ address: (Int) -> Int
  ) {
    withUnsafeTemporaryAllocation(of: Int.self, capacity: WarpRequest.lanes) { lanes in
      for lane in 0..<WarpRequest.lanes { lanes[lane] = address(lane) }
      guard lanes.contains(where: { $0 >= 0 }) else { return }
      let classes = min(count, apart * element % SharedMemoryBanks.word == 0 ? 1 : SharedMemoryBanks.word)
      for shift in 0..<classes {
        if shift > 0 {
          for lane in 0..<WarpRequest.lanes where lanes[lane] >= 0 { lanes[lane] += apart * element }
        }
        let times = (count - shift + classes - 1) / classes
        let cost = SharedMemoryBanks.cost(of: lanes, size: element)
        total =
          total
          + SharedMemoryTraffic(
            requests: times, wavefronts: times * cost.wavefronts, bankConflicts: times * cost.conflicts)
      }
    }
  }
}

extension ComputeLaneMap {
  /// Output channel and pixel of a lane's `member`-th output; nil for idle lanes.
  private func place(_ warp: Int, _ lane: Int, _ member: Int) -> (channel: Int, row: Int, column: Int)? {
    let item = warp * WarpRequest.lanes + lane
    let pixel = item % (rows * columns)
    let channel = item / (rows * columns) * group + member
    guard item < items, channel < channels else { return nil }
    return (channel, pixel / columns, pixel % columns)
  }

  /// Byte address of the first reduced channel's value, −1 for idle lanes.
  private func value(_ warp: Int, _ lane: Int, _ member: Int, _ row: Int, _ column: Int) -> Int {
    guard let place = place(warp, lane, member) else { return -1 }
    let slot =
      rowTaps[place.row * rowWindow + row] * inputColumns + columnTaps[place.column * columnWindow + column]
    let first = mixes ? 0 : place.channel / filtersPerGroup * channelsPerGroup
    return (first * inputPlane + slot) * element
  }

  /// Byte address of the first tap's weight.
  private func weight(_ warp: Int, _ lane: Int, _ member: Int) -> Int {
    guard let place = place(warp, lane, member) else { return -1 }
    return place.channel * reduced * rowWindow * columnWindow * element
  }

  private func output(_ warp: Int, _ lane: Int, _ member: Int) -> Int {
    guard let place = place(warp, lane, member) else { return -1 }
    return ((place.channel * rows + place.row) * columns + place.column) * element
  }
}
