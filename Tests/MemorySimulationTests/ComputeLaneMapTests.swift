import Hardware
import Scheduling
import TestSupport
import Testing
import Workload

@testable import MemorySimulation

@Suite struct ComputeLaneMapTests {
  /// Wavefronts of one access, by sorting words into banks.
  private func wavefronts(_ addresses: [Int]) -> Int {
    let words = Set(addresses.map { $0 / 4 })
    return Dictionary(grouping: words) { $0 % 32 }.values.map(\.count).max() ?? 0
  }

  /// Every access of a compute step worked out alone: for each warp, channel of the group, input channel and tap.
  private func enumerate(_ schedule: Schedule, stage: Int, channels: Int, reducing: Int)
    -> SharedMemoryTraffic
  {
    let layer = schedule.chain.stages[stage]
    let (rows, columns) = (schedule.rows.offsets[stage + 1].count, schedule.columns.offsets[stage + 1].count)
    let (height, width) = (schedule.rows.offsets[stage].count, schedule.columns.offsets[stage].count)
    let (rowWindow, columnWindow) = (layer.shape.rows.window, layer.shape.columns.window)
    let rowTaps = schedule.rows.tapSlots(of: stage)
    let columnTaps = schedule.columns.tapSlots(of: stage)
    let mixes = schedule.chain.mixesChannels(stage)
    let reduced = mixes ? reducing : layer.shape.channelsPerGroup
    let group = min(schedule.lanes.channelsPerThread, channels)
    let bytes = schedule.chain.elementType.bytes
    var total = SharedMemoryTraffic()
    let inputs = stage == 0 ? layer.inputs.count : 1
    func add(_ addresses: [Int]) {
      guard !addresses.isEmpty else { return }
      let passes = wavefronts(addresses.map { $0 * bytes })
      total = total + SharedMemoryTraffic(requests: 1, wavefronts: passes, bankConflicts: passes - 1)
    }
    /// Output channel, row and column of each item, 32 a warp.
    let items = stride(from: 0, to: channels, by: group).flatMap { first in
      (0..<rows).flatMap { row in (0..<columns).map { (first: first, row: row, column: $0) } }
    }
    for start in stride(from: 0, to: items.count, by: 32) {
      let warp = items[start..<min(start + 32, items.count)]
      for channel in 0..<reduced {
        for tap in 0..<rowWindow * columnWindow {
          func slot(_ item: (first: Int, row: Int, column: Int), _ channel: Int) -> Int {
            let row = rowTaps[item.row * rowWindow + tap / columnWindow]
            let column = columnTaps[item.column * columnWindow + tap % columnWindow]
            return (channel * height + row) * width + column
          }
          if mixes { add(warp.map { slot($0, channel) }) }
          for member in 0..<group {
            let active = warp.filter { $0.first + member < channels }
            let perGroup = layer.shape.channelsPerGroup
            for _ in 0..<(mixes ? 0 : inputs) {
              add(
                active.map {
                  slot($0, ($0.first + member) / layer.shape.filtersPerGroup * perGroup + channel)
                })
            }
            guard layer.hasWeights else { continue }
            add(active.map { (($0.first + member) * reduced + channel) * rowWindow * columnWindow + tap })
          }
        }
      }
    }
    return total
  }

  @Test(
    "Costs are those of every access alone",
    arguments: [[RandomStage.dw], [.pw], [.conv], [.grouped], [.pool], [.add], [.pw, .dw], [.dw, .pw]])
  func enumerated(_ kinds: [RandomStage]) throws {
    for seed in 0..<25 {
      var generator = RandomCaseGenerator(seed: UInt64(9_000 + seed))
      let example = try generator.draw(kinds)
      var seen: Set<TileStep> = []
      for case .compute(let stage, let channels, let reducing)
        in example.schedule.steps(of: example.schedule.blocks[0])
      where seen.insert(.compute(stage: stage, channels: 0..<channels.count, reducing: 0..<reducing.count))
        .inserted
      {
        let map = ComputeLaneMap(
          example.schedule, stage: stage, channels: channels.count, reducing: reducing.count)
        let expected = enumerate(
          example.schedule, stage: stage, channels: channels.count, reducing: reducing.count)
        try #require(map.reads() == expected, "stage \(stage): \(example.description)")
      }
    }
  }

  // A warp's bytes lie in rows far apart, so that words meet in banks at some offsets within a word and not at others.
  @Test("Strided INT8 tiles of every width cost what every access alone costs", arguments: 2...4)
  func stridedBytes(_ stride: Int) throws {
    for width in 2...13 {
      for window in 1...3 {
        var sample = Sample(
          channels: 5, rows: (60, window, stride, 0), columns: (60, window, stride, 0),
          precision: .int8(.onnx))
        sample.tile = (8, width, 5)
        let schedule = try sample.schedule()
        let map = ComputeLaneMap(schedule, stage: 0, channels: 5, reducing: 5)
        #expect(
          map.reads() == enumerate(schedule, stage: 0, channels: 5, reducing: 5), "\(width), \(window)")
      }
    }
  }

  // 4 channels of 4×8 outputs, two a thread: 64 items, two warps. Each input channel is 32 words, so a warp's values
  // are one wavefront, and its weights one address.
  @Test("A pointwise tile of a warp's width has no conflicts")
  func pointwise() throws {
    let schedule = try Schedule(
      Chain([Sample(channels: 4).layer()], precision: .fp32),
      tiling: Tiling(rows: 4, columns: 8, channels: 4, reduction: [4]),
      lanes: LaneMap(threads: 32, channelsPerThread: 2))
    let map = ComputeLaneMap(schedule, stage: 0, channels: 4, reducing: 4)
    // Two warps · 4 channels · (1 value + 2 weights).
    #expect(map.reads() == SharedMemoryTraffic(requests: 24, wavefronts: 24))
    #expect(map.writes() == SharedMemoryTraffic(requests: 4, wavefronts: 4))
    #expect(map.multiplyAdds == 2 * 4 * 2)
  }

  // 32 channels of one pixel, one a thread: lane c reads weight c · 32, all in one bank.
  @Test("32 filters of 32 channels at one pixel conflict in every weight")
  func conflicts() throws {
    let schedule = try Schedule(
      Chain([Sample(channels: 32, rows: (1, 1, 1, 0), columns: (1, 1, 1, 0)).layer()], precision: .fp32),
      tiling: Tiling(rows: 1, columns: 1, channels: 32, reduction: [32]),
      lanes: LaneMap(threads: 32, channelsPerThread: 1))
    let map = ComputeLaneMap(schedule, stage: 0, channels: 32, reducing: 32)
    #expect(
      map.reads()
        == SharedMemoryTraffic(requests: 64, wavefronts: 32 + 32 * 32, bankConflicts: 32 * 31))
  }

  @Test("Partial warps and wide accesses take their own phases")
  func phases() {
    func cost(_ lanes: [Int], size: Int) -> SharedMemoryBanks.Cost {
      var addresses = lanes
      return addresses.withUnsafeMutableBufferPointer { SharedMemoryBanks.cost(of: $0, size: size) }
    }
    let quarter = (0..<32).map { $0 < 8 ? $0 * 16 : -1 }
    #expect(cost(quarter, size: 16) == SharedMemoryBanks.Cost(wavefronts: 1, conflicts: 0))
    let spread = (0..<32).map { $0 * 32 }
    #expect(cost(spread, size: 16) == SharedMemoryBanks.Cost(wavefronts: 8, conflicts: 4))
    #expect(cost(spread.map { $0 * 4 }, size: 4) == SharedMemoryBanks.Cost(wavefronts: 32, conflicts: 31))
  }
}
