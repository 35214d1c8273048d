import Scheduling
import Workload

/// What the lanes of one compute step read and write of shared memory.
///
/// For each input channel and tap a lane reads one staged value for each of its pixels and one weight for each of its
/// channels; where windows slide, the values of the rows that they have together once; where the stage does not mix channels, the values once for each of its channels, or values and weights of
/// neighbouring channels at once; without weights, an add, one value of each input. At the end of a reduction it reads the
/// biases and the multipliers of its channels, of those that it writes at once up to 16 B together. Then it writes its outputs
/// to the intermediate buffer, except after the last stage, whose outputs go to memory, and before an add inside a chain, which
/// finds them and its residual in registers and reads nothing here.
///
/// Packs and matrices read several input channels at once: for each pack a value of each pixel and a weight of each channel,
/// for each matrix of 32 input channels the words of its fragments. Of filter packs only the weights come so.
///
/// Buffers are `[channel][row slot][column slot]` or, NHWC, `[row slot][column slot][channel]` with a pitch of its own, and
/// filters as `FilterLayout` says. They start at multiples of 16 B.
struct ComputeLaneCost {
  private let lanes: ComputeLanes
  private let layer: Layer
  private let mixes: Bool
  private let reduced, inputs: Int
  /// Where the step's first output channel stands in its group.
  private let phase: Int
  private let element: Int
  private let constantBytes: [Int]
  private let rowTaps, columnTaps: [Int]
  private let inputColumns: Int
  /// From input channel to input channel and from slot to slot, and the same of the output's buffer.
  private let inputChannelStep, inputSlotStep, outputChannelStep, outputSlotStep: Int
  private let filters: FilterLayout
  private let path: ComputePath

  /// - Parameter phase: Outputs of the first channel's group that come before it.
  init(_ schedule: Schedule, stage: Int, channels: Int, reducing: Int, phase: Int = 0) {
    let chain = schedule.chain
    lanes = ComputeLanes(schedule, stage: stage, channels: channels)
    layer = chain.stages[stage]
    mixes = chain.mixesChannels(stage)
    reduced = mixes ? reducing : layer.shape.channelsPerGroup
    inputs = chain.isEpilogue(stage) ? 0 : stage == 0 ? layer.inputs.count : 1
    self.phase = phase
    element = chain.elementType.bytes
    constantBytes = chain.constantBytes(of: stage)
    rowTaps = schedule.rows.tapSlots(of: stage)
    columnTaps = schedule.columns.tapSlots(of: stage)
    inputColumns = schedule.columns.offsets[stage].count
    let model = schedule.footprintModel
    path = model.path(of: stage)
    filters = model.filterLayout(of: stage, reducing: reduced)
    let isLast = stage == chain.stages.count - 1
    if chain.axisOrder == .hwc {
      (inputChannelStep, inputSlotStep) = (1, model.pixelPitch(of: stage))
      (outputChannelStep, outputSlotStep) = (1, isLast ? 0 : model.pixelPitch(of: stage + 1))
    } else {
      (inputChannelStep, inputSlotStep) = (inputColumns * schedule.rows.offsets[stage].count, 1)
      (outputChannelStep, outputSlotStep) = (lanes.rows * lanes.columns, 1)
    }
  }

  private var rowWindow: Int { layer.shape.rows.window }
  private var columnWindow: Int { layer.shape.columns.window }
  private var taps: Int { rowWindow * columnWindow }

  /// Warp instructions that multiply and add; none of a stage without weights. A dp4a takes four bytes of a pack, a matrix two
  /// channels and two pixels of each lane and 32 input channels.
  var multiplyAdds: MultiplyAdds {
    var counts = MultiplyAdds()
    guard layer.hasWeights else { return counts }
    let outputs = lanes.warps * lanes.tile.channels * lanes.tile.pixels
    switch path {
    case .packs(let size) where element == 1: counts.dotProducts = outputs * (reduced / size) * (size / 4)
    case .elements where lanes.joinsTaps:
      counts.dotProducts = outputs * reduced * ComputePath.dotProducts(ofTaps: taps)
    case .elements, .packs, .filterPacks: counts.single = outputs * reduced * taps
    case .matrix:
      counts.matrices =
        lanes.warps * (lanes.tile.channels / 2) * (lanes.tile.pixels / 2)
        * (reduced / ComputePath.matrixChannels)
    }
    return counts
  }

  /// What the lanes read of the inputs' and the weights' buffers.
  func reads() -> SharedMemoryTraffic {
    var total = SharedMemoryTraffic()
    for warp in 0..<lanes.warps {
      switch path {
      case .elements: addElements(warp, &total)
      case .packs(let size): addPacks(warp, size, &total)
      case .filterPacks(let size): addFilterPacks(warp, size, &total)
      case .matrix: addFragments(warp, &total)
      }
    }
    return total
  }

  private func addElements(_ warp: Int, _ total: inout SharedMemoryTraffic) {
    // Channels that are not mixed are read one after the other, or as many at once as lie side by side.
    let together = lanes.storeWidth
    for m in stride(from: 0, to: mixes ? 1 : lanes.tile.channels, by: together) {
      for p in 0..<lanes.pixelsRead {
        for row in 0..<lanes.rowsRead(layer.shape.rows) {
          for column in 0..<columnWindow {
            for _ in 0..<inputs {
              add(reduced, apart: inputChannelStep * element, size: together * element, &total) {
                value(warp, $0, m, p, row, column).map { $0 * element }
              }
            }
          }
        }
      }
    }
    guard layer.hasWeights else { return }
    for m in stride(from: 0, to: lanes.tile.channels, by: filters.vector) {
      add(reduced * taps, apart: filters.step * element, size: filters.vector * element, &total) {
        channel(warp, $0, m).map { filters.offset(of: $0) * element }
      }
    }
  }

  private func addPacks(_ warp: Int, _ size: Int, _ total: inout SharedMemoryTraffic) {
    let (packs, bytes) = (reduced / size, size * element)
    for p in 0..<lanes.tile.pixels {
      add(packs, apart: bytes, size: bytes, &total) { value(warp, $0, 0, p, 0, 0).map { $0 * element } }
    }
    for m in 0..<lanes.tile.channels {
      add(packs, apart: bytes, size: bytes, &total) {
        channel(warp, $0, m).map { filters.offset(of: $0) * element }
      }
    }
  }

  private func addFilterPacks(_ warp: Int, _ size: Int, _ total: inout SharedMemoryTraffic) {
    let bytes = size * element
    for p in 0..<lanes.tile.pixels {
      add(reduced, apart: inputChannelStep * element, size: element, &total) {
        value(warp, $0, 0, p, 0, 0).map { $0 * element }
      }
    }
    for m in 0..<lanes.tile.channels {
      add(reduced / size, apart: bytes, size: bytes, &total) {
        channel(warp, $0, m).map { filters.offset(of: $0) * element }
      }
    }
  }

  /// Of 16 pixels a lane holds four words, of 8 filters two: word `lane mod 4` and the fourth after it of the rows
  /// `⌊lane / 4⌋` and, of pixels, `⌊lane / 4⌋ + 8`, which are those that its own outputs have.
  private func addFragments(_ warp: Int, _ total: inout SharedMemoryTraffic) {
    let steps = reduced / ComputePath.matrixChannels
    let origin = lanes.matrixOrigin(warp: warp)
    for half in 0..<2 {
      for p in 0..<lanes.pixelsRead {
        add(steps, apart: ComputePath.matrixChannels, size: 4, &total) { lane in
          value(warp, lane, 0, p, 0, 0).map { $0 + 16 * half + 4 * (lane % 4) }
        }
      }
      for matrix in 0..<lanes.tile.channels / 2 {
        add(steps, apart: ComputePath.matrixChannels, size: 4, &total) { lane in
          let filter = lanes.output(channel: origin.channel + 8 * matrix + lane / 4, pixel: 0).channel
          return filters.offset(of: filter) + 16 * half + 4 * (lane % 4)
        }
      }
    }
  }

  /// What the lanes read at the end of a reduction: biases and multipliers.
  func constantReads() -> SharedMemoryTraffic {
    var total = SharedMemoryTraffic()
    for size in constantBytes {
      let (together, run) = (lanes.constantsRead(of: size), lanes.storeWidth)
      for warp in 0..<lanes.warps {
        for m in stride(from: 0, to: lanes.channelsKept, by: together) {
          add(1, apart: 0, size: together * size, &total) {
            // A run beyond the tile is the last one again.
            channel(warp, $0, m).map { ($0 / run * run + m % run) * size }
          }
        }
      }
    }
    return total
  }

  /// What the lanes write to the intermediate buffer.
  func writes() -> SharedMemoryTraffic {
    var total = SharedMemoryTraffic()
    for warp in 0..<lanes.warps {
      for m in stride(from: 0, to: lanes.channelsKept, by: lanes.storeWidth) {
        for p in 0..<lanes.tile.pixels {
          add(1, apart: 0, size: lanes.storeWidth * element, as: .write, &total) {
            output(warp, $0, m, p).map { $0 * element }
          }
        }
      }
    }
    return total
  }

  /// Costs of `count` accesses of `size` bytes a lane that differ by `apart` bytes: a multiple of 4 only moves the pattern
  /// round the banks, so at most four of them differ in cost.
  /// - Parameter address: Of the first access, in bytes, for each lane; nil for idle lanes.
  private func add(
    _ count: Int, apart: Int, size: Int, as direction: SharedMemoryBanks.Direction = .read,
    _ total: inout SharedMemoryTraffic, _ address: (Int) -> Int?
  ) {
    withUnsafeTemporaryAllocation(of: Int.self, capacity: WarpRequest.lanes) { addresses in
      for lane in 0..<WarpRequest.lanes { addresses[lane] = address(lane) ?? -1 }
      guard addresses.contains(where: { $0 >= 0 }) else { return }
      let classes = min(count, apart % SharedMemoryBanks.word == 0 ? 1 : SharedMemoryBanks.word)
      for shift in 0..<classes {
        if shift > 0 {
          for lane in 0..<WarpRequest.lanes where addresses[lane] >= 0 { addresses[lane] += apart }
        }
        let times = (count - shift + classes - 1) / classes
        let cost = SharedMemoryBanks.cost(of: addresses, size: size, direction)
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
    // A row below the window is one of those of the outputs below.
    let below = min(row / layer.shape.rows.stride, lanes.rows - 1 - output.row)
    let tap =
      row < rowWindow ? (output.row, row) : (output.row + below, row - below * layer.shape.rows.stride)
    let slot =
      rowTaps[tap.0 * rowWindow + tap.1] * inputColumns + columnTaps[output.column * columnWindow + column]
    let shape = layer.shape
    let first = mixes ? 0 : (phase + output.channel) / shape.filtersPerGroup * shape.channelsPerGroup
    return first * inputChannelStep + slot * inputSlotStep
  }

  private func output(_ warp: Int, _ lane: Int, _ m: Int, _ p: Int) -> Int? {
    guard let output = lanes.output(warp: warp, lane: lane, channel: m, pixel: p), output.isReal else {
      return nil
    }
    return output.channel * outputChannelStep + (output.row * lanes.columns + output.column) * outputSlotStep
  }
}
