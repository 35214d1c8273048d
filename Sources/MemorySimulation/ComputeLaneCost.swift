import Scheduling
import Workload

/// What the lanes of one compute step read and write of shared memory.
///
/// For each input channel and tap a lane reads one staged value for each of its pixels and one weight for each of its
/// channels; where the stage does not mix channels, the values once for each of its channels; without weights, an
/// add, one value of each input. At the end of a reduction it reads the bias and the multiplier of each channel. Then
/// it writes its outputs to the intermediate buffer, except after the last stage, whose outputs go to memory.
///
/// Buffers are dense, `[channel][row slot][column slot]` and `[filter][channel][row][column]`, and start at multiples of
/// 16 B.
struct ComputeLaneCost {
  private let lanes: ComputeLanes
  private let layer: Layer
  private let mixes: Bool
  private let reduced, inputs: Int
  /// Where the step's first output channel stands in its group.
  private let phase: Int
  private let element, biasBytes, multiplierBytes: Int
  private let rowTaps, columnTaps: [Int]
  private let inputColumns, inputPlane: Int

  /// - Parameter phase: Outputs of the first channel's group that come before it.
  init(_ schedule: Schedule, stage: Int, channels: Int, reducing: Int, phase: Int = 0) {
    let chain = schedule.chain
    lanes = ComputeLanes(schedule, stage: stage, channels: channels)
    layer = chain.stages[stage]
    mixes = chain.mixesChannels(stage)
    reduced = mixes ? reducing : layer.shape.channelsPerGroup
    inputs = stage == 0 ? layer.inputs.count : 1
    self.phase = phase
    element = chain.elementType.bytes
    biasBytes = layer.hasBias ? chain.precision.biasBytes : 0
    multiplierBytes = chain.hasMultipliers(stage) ? chain.precision.multiplierBytes : 0
    rowTaps = schedule.rows.tapSlots(of: stage)
    columnTaps = schedule.columns.tapSlots(of: stage)
    inputColumns = schedule.columns.offsets[stage].count
    inputPlane = inputColumns * schedule.rows.offsets[stage].count
  }

  private var rowWindow: Int { layer.shape.rows.window }
  private var columnWindow: Int { layer.shape.columns.window }
  private var taps: Int { rowWindow * columnWindow }

  /// Warp instructions that multiply and add; none of a stage without weights.
  var multiplyAdds: Int {
    layer.hasWeights ? lanes.warps * lanes.tile.channels * lanes.tile.pixels * reduced * taps : 0
  }

  /// What the lanes read of the inputs' and the weights' buffers.
  func reads() -> SharedMemoryTraffic {
    var total = SharedMemoryTraffic()
    for warp in 0..<lanes.warps {
      for m in 0..<(mixes ? 1 : lanes.tile.channels) {
        for p in 0..<lanes.tile.pixels {
          for row in 0..<rowWindow {
            for column in 0..<columnWindow {
              for _ in 0..<inputs {
                add(reduced, apart: inputPlane, size: element, &total) { value(warp, $0, m, p, row, column) }
              }
            }
          }
        }
      }
      guard layer.hasWeights else { continue }
      // The taps of a filter lie one after the other.
      for m in 0..<lanes.tile.channels {
        add(reduced * taps, apart: 1, size: element, &total) {
          channel(warp, $0, m).map { $0 * reduced * taps }
        }
      }
    }
    return total
  }

  /// What the lanes read at the end of a reduction: biases and multipliers.
  func constantReads() -> SharedMemoryTraffic {
    var total = SharedMemoryTraffic()
    for size in [biasBytes, multiplierBytes] where size > 0 {
      for warp in 0..<lanes.warps {
        for m in 0..<lanes.tile.channels { add(1, apart: 0, size: size, &total) { channel(warp, $0, m) } }
      }
    }
    return total
  }

  /// What the lanes write to the intermediate buffer.
  func writes() -> SharedMemoryTraffic {
    var total = SharedMemoryTraffic()
    for warp in 0..<lanes.warps {
      for m in 0..<lanes.tile.channels {
        for p in 0..<lanes.tile.pixels { add(1, apart: 0, size: element, &total) { output(warp, $0, m, p) } }
      }
    }
    return total
  }

  /// Costs of `count` accesses of `size` bytes a lane that differ by `apart` elements: a multiple of 4 bytes only moves
  /// the pattern round the banks, so at most four of them differ in cost.
  /// - Parameter index: Of the first access, for each lane, in elements of `size` bytes; nil for idle lanes.
  private func add(
    _ count: Int, apart: Int, size: Int, _ total: inout SharedMemoryTraffic, _ index: (Int) -> Int?
  ) {
    withUnsafeTemporaryAllocation(of: Int.self, capacity: WarpRequest.lanes) { addresses in
      for lane in 0..<WarpRequest.lanes { addresses[lane] = index(lane).map { $0 * size } ?? -1 }
      guard addresses.contains(where: { $0 >= 0 }) else { return }
      let classes = min(count, apart * size % SharedMemoryBanks.word == 0 ? 1 : SharedMemoryBanks.word)
      for shift in 0..<classes {
        if shift > 0 {
          for lane in 0..<WarpRequest.lanes where addresses[lane] >= 0 { addresses[lane] += apart * size }
        }
        let times = (count - shift + classes - 1) / classes
        let cost = SharedMemoryBanks.cost(of: addresses, size: size)
        total =
          total
          + SharedMemoryTraffic(
            requests: times, wavefronts: times * cost.wavefronts, bankConflicts: times * cost.conflicts)
      }
    }
  }

  private func channel(_ warp: Int, _ lane: Int, _ m: Int) -> Int? {
    lanes.output(warp: warp, lane: lane, channel: m, pixel: 0)?.channel
  }

  /// Where the first reduced channel's value stands.
  private func value(_ warp: Int, _ lane: Int, _ m: Int, _ p: Int, _ row: Int, _ column: Int) -> Int? {
    guard let output = lanes.output(warp: warp, lane: lane, channel: m, pixel: p) else { return nil }
    let slot =
      rowTaps[output.row * rowWindow + row] * inputColumns + columnTaps[output.column * columnWindow + column]
    let shape = layer.shape
    let first = mixes ? 0 : (phase + output.channel) / shape.filtersPerGroup * shape.channelsPerGroup
    return first * inputPlane + slot
  }

  private func output(_ warp: Int, _ lane: Int, _ m: Int, _ p: Int) -> Int? {
    guard let output = lanes.output(warp: warp, lane: lane, channel: m, pixel: p), output.isReal else {
      return nil
    }
    return (output.channel * lanes.rows + output.row) * lanes.columns + output.column
  }
}
