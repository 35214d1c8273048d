import Scheduling
import Workload

/// Bank conflicts of the first warps of a compute step at its first tap: how often shared memory is passed over beyond
/// once. The replay has every warp and tap; this is what a plan can afford.
struct BankPasses {
  private let chain: Chain
  private let stage: Int
  private let lanes: ComputeLanes
  private let model: FootprintModel
  private let mixes: Bool
  private let element: Int
  /// Slots between neighbouring outputs, and slots of a row of the input's buffer.
  private let rowStep, columnStep, inputColumns: Int
  /// Elements from slot to slot of the input's buffer and from channel to channel.
  private let slotStep, channelStep: Int

  private static let banks = 32, word = 4
  /// The most words that a lane reads at once.
  private static let widest = 4
  /// Warps that stand for all: the first may have one group of channels where the next straddles two.
  private static let sampledWarps = 3

  init(_ costs: StepCosts, _ stage: Int, _ lanes: ComputeLanes) {
    chain = costs.chain
    self.stage = stage
    self.lanes = lanes
    model = costs.model
    mixes = costs.chain.mixesChannels(stage)
    element = costs.chain.elementType.bytes
    let shape = costs.chain.stages[stage].shape
    rowStep = Self.step(shape.rows)
    columnStep = Self.step(shape.columns)
    inputColumns = costs.schedule.columns.offsets[stage].count
    let isChannelsFirst = costs.chain.axisOrder == .hwc
    slotStep = isChannelsFirst ? model.pixelPitch(of: stage) : 1
    channelStep = isChannelsFirst ? 1 : inputColumns * costs.schedule.rows.offsets[stage].count
  }

  /// Gaps that no tap reads have no slots.
  private static func step(_ axis: WindowAxis) -> Int {
    min(axis.stride, (axis.window - 1) * axis.dilation + 1)
  }

  /// Conflicts of the values of one input channel, or pack of them, and tap, summed over the pixels of an item and, where
  /// channels are not mixed, its channels.
  func valueConflicts(pack: Int = 1) -> Double {
    let shape = chain.stages[stage].shape
    let width = mixes ? pack : lanes.storeWidth
    var conflicts = 0.0
    for member in stride(from: 0, to: mixes ? 1 : lanes.tile.channels, by: lanes.storeWidth) {
      for pixel in 0..<lanes.tile.pixels {
        conflicts += meanExtraPasses(width: width) { warp, lane in
          guard let output = lanes.output(warp: warp, lane: lane, channel: member, pixel: pixel) else {
            return nil
          }
          let first = mixes ? 0 : output.channel / shape.filtersPerGroup * shape.channelsPerGroup
          let slot = output.row * rowStep * inputColumns + output.column * columnStep
          return first * channelStep + slot * slotStep
        }
      }
    }
    return conflicts
  }

  /// Conflicts of the weights of one input channel, or pack of them, and tap, summed over the channels of an item.
  func weightConflicts(reduced: Int, pack: Int = 1) -> Double {
    let filters = model.filterLayout(of: stage, reducing: reduced)
    var conflicts = 0.0
    for member in stride(from: 0, to: lanes.tile.channels, by: filters.vector) {
      conflicts += meanExtraPasses(width: max(pack, filters.vector)) { warp, lane in
        lanes.output(warp: warp, lane: lane, channel: member, pixel: 0).map { filters.offset(of: $0.channel) }
      }
    }
    return conflicts
  }

  private func meanExtraPasses(width: Int, _ index: (Int, Int) -> Int?) -> Double {
    let warps = max(1, min(lanes.warps, Self.sampledWarps))
    let words = min(Self.widest, max(1, width * element / Self.word))
    var passes = 0
    for warp in 0..<warps { passes += extraPasses(words) { index(warp, $0) } }
    return Double(passes) / Double(warps)
  }

  /// Distinct words of the fullest bank, less one. Lanes that read one word share a pass. Of wide reads the fewest: as if the
  /// warp's phases could share passes, which those of all banks do not and those of one place do in pairs.
  private func extraPasses(_ perLane: Int, _ index: (Int) -> Int?) -> Int {
    let most = WarpRequest.lanes * Self.widest
    return withUnsafeTemporaryAllocation(of: Int.self, capacity: most + Self.banks) { scratch in
      // Distinct words, then how many of them each bank has.
      var words = 0
      for bank in 0..<Self.banks { scratch[most + bank] = 0 }
      var passes = 1
      for lane in 0..<WarpRequest.lanes {
        guard let first = index(lane).map({ $0 * element / Self.word }) else { continue }
        for word in first..<first + perLane where !scratch[..<words].reversed().contains(word) {
          scratch[words] = word
          words += 1
          let bank = most + word % Self.banks
          scratch[bank] += 1
          passes = max(passes, scratch[bank])
        }
      }
      return passes - 1
    }
  }
}
