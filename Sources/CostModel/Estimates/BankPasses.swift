import Scheduling
import Workload

/// Bank conflicts of a few warps of a compute step at its first tap: how often shared memory is passed over beyond
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
  /// Warps that stand for all, from all over the step and so far apart that not every one has the same place in a group of channels:
  /// the first may have one group where the next straddles two.
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

  /// Conflicts of the values of one input channel, or pack of them, and tap, summed over the pixels of an item of which values are
  /// read and, where channels are not mixed, its channels.
  func valueConflicts(pack: Int = 1) -> Double {
    let shape = chain.stages[stage].shape
    let width = mixes ? pack : lanes.storeWidth
    var conflicts = 0.0
    for member in stride(from: 0, to: mixes ? 1 : lanes.tile.channels, by: lanes.storeWidth) {
      for pixel in 0..<lanes.pixelsRead {
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

  /// Conflicts of a read of constants of `bytes` each, as all reads of an item have them.
  func constantConflicts(_ bytes: Int) -> Double {
    let together = lanes.constantsRead(of: bytes)
    return meanExtraPasses(bytes: together * bytes) { warp, lane in
      lanes.output(warp: warp, lane: lane, channel: 0, pixel: 0).map {
        $0.channel / lanes.storeWidth * lanes.storeWidth * bytes
      }
    }
  }

  /// Conflicts of a write of results to the next stage's buffer, as all writes of an item have them.
  func writeConflicts() -> Double {
    let isChannelsFirst = chain.axisOrder == .hwc
    let pitch = isChannelsFirst ? model.pixelPitch(of: stage + 1) : 1
    let channelStep = isChannelsFirst ? 1 : lanes.rows * lanes.columns
    return meanExtraPasses(bytes: lanes.storeWidth * element, isRead: false) { warp, lane in
      guard let output = lanes.output(warp: warp, lane: lane, channel: 0, pixel: 0), output.isReal else {
        return nil
      }
      return (output.channel * channelStep + (output.row * lanes.columns + output.column) * pitch) * element
    }
  }

  private func meanExtraPasses(width: Int, _ index: (Int, Int) -> Int?) -> Double {
    meanExtraPasses(bytes: width * element) { warp, lane in index(warp, lane).map { $0 * element } }
  }

  /// - Parameter address: The first byte of a lane's.
  private func meanExtraPasses(bytes: Int, isRead: Bool = true, _ address: (Int, Int) -> Int?) -> Double {
    let warps = max(1, min(lanes.warps, Self.sampledWarps))
    // A lane reads 1, 2 or 4 words at once.
    let words = bytes >= 4 * Self.word ? 4 : bytes >= 2 * Self.word ? 2 : 1
    var passes = 0
    let apart = lanes.warps > warps ? lanes.warps / warps + 1 : 1
    for sample in 0..<warps {
      let warp = min(sample * apart, lanes.warps - 1)
      passes += Self.extraPasses(words, isRead: isRead) { lane in address(warp, lane).map { $0 / Self.word } }
    }
    return Double(passes) / Double(warps)
  }

  /// Passes beyond one for an access of `perLane` words a lane. Those of 2 and 4 words go in as many phases, halves and quarters
  /// of the warp, or half as many where lanes read their places in pairs (decision 0023); a phase takes as many passes as its fullest
  /// bank has distinct words. Lanes that ask for one word share a pass.
  /// - Parameter place: The first word of a lane, a multiple of `perLane`; nil where it takes no part.
  static func extraPasses(_ perLane: Int, isRead: Bool = true, _ place: (Int) -> Int?) -> Int {
    let lanes = WarpRequest.lanes
    return withUnsafeTemporaryAllocation(of: Int.self, capacity: lanes + banks + banks) { scratch in
      // First the place of each lane, then the words of a phase and how many of them each bank has.
      let none = -1
      for lane in 0..<lanes { scratch[lane] = place(lane) ?? none }
      func isPaired(_ apart: Int) -> Bool {
        for lane in 0..<lanes {
          let (own, other) = (scratch[lane], scratch[lane ^ apart])
          if own != none, other != none, own != other { return false }
        }
        return true
      }
      let words = UnsafeMutableBufferPointer(rebasing: scratch[lanes..<lanes + banks])
      let perBank = UnsafeMutableBufferPointer(rebasing: scratch[(lanes + banks)...])
      let phase = lanes / perLane * (perLane > 1 && isRead && (isPaired(1) || isPaired(2)) ? 2 : 1)
      var all = 0
      for first in stride(from: 0, to: lanes, by: phase) {
        var (count, passes) = (0, 0)
        perBank.update(repeating: 0)
        for lane in first..<first + phase where scratch[lane] != none {
          for word in scratch[lane]..<scratch[lane] + perLane
          where !words[..<count].reversed().contains(word) {
            words[count] = word
            count += 1
            perBank[word % banks] += 1
            passes = max(passes, perBank[word % banks])
          }
        }
        all += passes
      }
      return max(0, all - 1)
    }
  }
}
