import Hardware
import Scheduling
import TestSupport
import Testing
import Workload

@testable import MemorySimulation

@Suite struct ComputeLaneCostTests {
  /// Wavefronts of one access, by sorting words into banks, and those beyond one.
  private func wavefronts(_ addresses: [Int]) -> (Int, Int) {
    let words = Set(addresses.map { $0 / 4 })
    let passes = Dictionary(grouping: words) { $0 % 32 }.values.map(\.count).max() ?? 0
    return (passes, max(0, passes - 1))
  }

  /// Eight bytes a lane go by halves of a warp, sixteen by quarters; two of them in one where all neighbours of the warp, or all
  /// lanes two apart, read the same.
  private func phases(_ addresses: [Int], size: Int) -> (Int, Int) {
    let lanes = 128 / size
    func pieces(_ lanes: [Int], of count: Int) -> [[Int]] {
      stride(from: 0, to: lanes.count, by: count).map { Array(lanes[$0..<min($0 + count, lanes.count)]) }
    }
    let isShared = [1, 2].contains { apart in
      addresses.indices.allSatisfy { lane in
        !addresses.indices.contains(lane ^ apart) || addresses[lane] == addresses[lane ^ apart]
      }
    }
    return pieces(addresses, of: isShared ? 2 * lanes : lanes).reduce((0, 0)) { sum, phase in
      let cost = wavefronts(phase.flatMap { first in stride(from: first, to: first + size, by: 4) })
      return (sum.0 + cost.0, sum.1 + cost.1)
    }
  }

  private func cost(_ addresses: [Int], size: Int) -> SharedMemoryTraffic {
    let passes = size > 4 ? phases(addresses, size: size) : wavefronts(addresses)
    return SharedMemoryTraffic(requests: 1, wavefronts: passes.0, bankConflicts: passes.1)
  }

  /// How NCHW filters of one tap lie: read by so many neighbouring channels at once, if by more than one in rows of their
  /// own, an odd number apart of the widest items that all of a row's ends are multiples of.
  private func filterRows(_ schedule: Schedule, stage: Int, bytes: Int) -> (pack: Int, pitch: Int) {
    let (all, chunk) = (
      schedule.chain.stages[stage].shape.inputChannels, schedule.tiling.reduction[stage]
    )
    func divides(_ count: Int) -> Bool { all % count == 0 && chunk % count == 0 }
    guard let pack = [4, 2].first(where: divides) else { return (1, 0) }
    let item = [16 / bytes, 8 / bytes, pack].first(where: divides) ?? pack
    var items = (chunk + item - 1) / item
    if items % 2 == 0 { items += 1 }
    return (pack, items * item)
  }

  /// The channels and pixels that one lane works out.
  private struct Item {
    let channels, pixels: [Int]

    /// Dealt out one after the other: all pixel groups of the first channels, then those of the next; 32 a warp. The channels
    /// of an item are neighbours, but where the stage mixes them as far apart as there are groups of them.
    static func warps(of schedule: Schedule, stage: Int, channels: Int) -> [[Item]] {
      let pixels = schedule.rows.offsets[stage + 1].count * schedule.columns.offsets[stage + 1].count
      let m = schedule.registerTile(of: stage).channels
      let p = schedule.registerTile(of: stage).pixels
      let groups = (pixels + p - 1) / p
      let channelGroups = (channels + m - 1) / m
      let mixes = schedule.chain.mixesChannels(stage)
      var items: [Item] = []
      guard !ComputeLaneCostTests.slides(schedule, stage) else {
        let (rows, columns) = (
          schedule.rows.offsets[stage + 1].count, schedule.columns.offsets[stage + 1].count
        )
        for channel in 0..<channels {
          for top in stride(from: 0, to: rows, by: p) {
            let first = min(top, rows - p)
            for column in 0..<columns {
              let pixels = (first..<first + p).map { $0 * columns + column }
              items.append(Item(channels: [channel], pixels: pixels))
            }
          }
        }
        return warps(of: items)
      }
      for channelGroup in 0..<channelGroups {
        for group in 0..<groups {
          items.append(
            Item(
              channels: (0..<m).map { mixes ? channelGroup + $0 * channelGroups : channelGroup * m + $0 }
                .map { min($0, channels - 1) },
              pixels: stride(from: group, to: group + p * groups, by: groups).map { min($0, pixels - 1) }))
        }
      }
      return warps(of: items)
    }

    private static func warps(of items: [Item]) -> [[Item]] {
      stride(from: 0, to: items.count, by: 32).map { Array(items[$0..<min($0 + 32, items.count)]) }
    }
  }

  /// Whether a lane's pixels lie in one column: with weights for groups of channels, whose neighbouring windows overlap and are no larger
  /// than 7 × 7, of tiles of several rows that follow one another since no later window leaves any out.
  fileprivate static func slides(_ schedule: Schedule, _ stage: Int) -> Bool {
    let rows = schedule.chain.stages.map(\.shape.rows)
    let shape = schedule.chain.stages[stage].shape
    return schedule.lanes.slidesWindows && schedule.chain.stages[stage].operation == .convolution
      && shape.groups > 1 && rows[stage].dilation == 1 && rows[stage].window > rows[stage].stride
      && rows[stage].window * shape.columns.window <= 7 * 7 && schedule.rows.offsets[stage + 1].count > 1
      && rows[(stage + 1)...].allSatisfy {
        $0.window == 1 ? $0.stride == 1 : $0.dilation == 1 && $0.stride <= $0.window
      }
  }

  /// Every access of a compute step worked out alone, element by element, from the items that `Item.all` lists.
  private func enumerate(_ schedule: Schedule, stage: Int, channels: Range<Int>, reducing: Int)
    -> SharedMemoryTraffic
  {
    let chain = schedule.chain
    let layer = chain.stages[stage]
    let (height, width) = (schedule.rows.offsets[stage].count, schedule.columns.offsets[stage].count)
    let (rowWindow, columnWindow) = (layer.shape.rows.window, layer.shape.columns.window)
    let rowTaps = schedule.rows.tapSlots(of: stage)
    let columnTaps = schedule.columns.tapSlots(of: stage)
    let mixes = chain.mixesChannels(stage)
    let perGroup = layer.shape.channelsPerGroup
    let reduced = mixes ? reducing : perGroup
    let inputs = stage == 0 ? layer.inputs.count : 1
    let firstInput = channels.lowerBound / layer.shape.filtersPerGroup * perGroup
    var total = SharedMemoryTraffic()
    let bytes = chain.elementType.bytes
    func add(_ indices: [Int], together: Int = 1) {
      total = total + cost(indices.map { $0 * bytes }, size: together * bytes)
    }
    /// Of a column each value that some window has, from the first one's row on.
    func addColumns(of warp: [Item], _ channel: Int) {
      let columns = schedule.columns.offsets[stage + 1].count
      let rows = warp.map { item in
        Set(
          item.pixels.flatMap { pixel in
            (0..<rowWindow).map { rowTaps[pixel / columns * rowWindow + $0] }
          }
        ).sorted()
      }
      for number in rows[0].indices {
        for tap in 0..<columnWindow {
          add(
            zip(warp, rows).map { item, rows in
              let group = (channels.lowerBound + item.channels[0]) / layer.shape.filtersPerGroup
              let plane = (group * perGroup - firstInput + channel) * height
              return (plane + rows[number]) * width
                + columnTaps[item.pixels[0] % columns * columnWindow + tap]
            })
        }
      }
    }
    let isPointwise = mixes && rowWindow * columnWindow == 1
    let (pack, pitch) = isPointwise ? filterRows(schedule, stage: stage, bytes: bytes) : (1, 0)
    let slides = Self.slides(schedule, stage)
    for warp in Item.warps(of: schedule, stage: stage, channels: channels.count) {
      for channel in 0..<reduced {
        if slides { addColumns(of: warp, channel) }
        for tap in 0..<rowWindow * columnWindow {
          func slot(_ pixel: Int, _ channel: Int) -> Int {
            let columns = schedule.columns.offsets[stage + 1].count
            let row = rowTaps[pixel / columns * rowWindow + tap / columnWindow]
            let column = columnTaps[pixel % columns * columnWindow + tap % columnWindow]
            return (channel * height + row) * width + column
          }
          for p in warp[0].pixels.indices where !slides {
            if mixes { add(warp.map { slot($0.pixels[p], channel) }) }
            for m in warp[0].channels.indices where !mixes {
              for _ in 0..<inputs {
                add(
                  warp.map {
                    let group = (channels.lowerBound + $0.channels[m]) / layer.shape.filtersPerGroup
                    return slot($0.pixels[p], group * perGroup - firstInput + channel)
                  })
              }
            }
          }
          guard layer.hasWeights, channel % pack == 0 else { continue }
          for m in warp[0].channels.indices {
            add(
              warp.map {
                pack > 1
                  ? $0.channels[m] * pitch + channel
                  : ($0.channels[m] * reduced + channel) * rowWindow * columnWindow + tap
              }, together: pack)
          }
        }
      }
    }
    return total
  }

  /// Biases and multipliers, each channel's own.
  private func enumerateConstants(_ schedule: Schedule, stage: Int, channels: Int) -> SharedMemoryTraffic {
    let chain = schedule.chain
    let sizes =
      (chain.stages[stage].hasBias ? [4] : [])
      + (chain.hasMultipliers(stage) ? [chain.precision.multiplierBytes] : [])
    var total = SharedMemoryTraffic()
    for warp in Item.warps(of: schedule, stage: stage, channels: channels) {
      for m in warp[0].channels.indices {
        for size in sizes {
          total = total + cost(warp.map { $0.channels[m] * size }, size: size)
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
      // NHWC is held against recorded kernels.
      let example = try generator.draw(kinds, layout: .chw)
      var seen: Set<TileStep> = []
      for case .compute(let stage, let channels, let reducing)
        in example.schedule.blocks.prefix(5).flatMap(example.schedule.steps)
      where seen.insert(.compute(stage: stage, channels: 0..<channels.count, reducing: 0..<reducing.count))
        .inserted
      {
        let perGroup = example.schedule.chain.stages[stage].shape.filtersPerGroup
        let map = ComputeLaneCost(
          example.schedule, stage: stage, channels: channels.count, reducing: reducing.count,
          phase: channels.lowerBound % perGroup)
        let expected = enumerate(example.schedule, stage: stage, channels: channels, reducing: reducing.count)
        try #require(map.reads() == expected, "stage \(stage): \(example.description)")
        let constants = enumerateConstants(example.schedule, stage: stage, channels: channels.count)
        try #require(map.constantReads() == constants, "stage \(stage): \(example.description)")
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
        let map = ComputeLaneCost(schedule, stage: 0, channels: 5, reducing: 5)
        #expect(
          map.reads() == enumerate(schedule, stage: 0, channels: 0..<5, reducing: 5), "\(width), \(window)")
      }
    }
  }

  // 4 channels of 4×8 outputs, two a thread: 64 items, two warps. Each input channel is 32 words, so a warp's values
  // are one wavefront. A filter's 4 channels are one pack of 16 B, which all lanes of a warp read: two wavefronts, one for
  // each half of the warp.
  @Test("A pointwise tile of a warp's width has no conflicts")
  func pointwise() throws {
    let schedule = try Schedule(
      Chain([Sample(channels: 4).layer()], precision: .fp32),
      tiling: Tiling(rows: 4, columns: 8, channels: 4, reduction: [4]),
      lanes: LaneMap(threads: 32, channelsPerThread: 2))
    let map = ComputeLaneCost(schedule, stage: 0, channels: 4, reducing: 4)
    // Two warps · (4 values + 2 filters · 1 pack).
    #expect(map.reads() == SharedMemoryTraffic(requests: 2 * (4 + 2), wavefronts: 2 * (4 + 2 * 2)))
    #expect(map.writes() == SharedMemoryTraffic(requests: 4, wavefronts: 4))
    #expect(map.multiplyAdds.single == 2 * 4 * 2)
  }

  /// 32 filters over `channels` × `taps` at one pixel of a map of several, one filter a thread.
  private func onePixel(
    channels: Int, taps: Int = 1, _ precision: Precision = .fp32
  ) throws -> SharedMemoryTraffic {
    let sample = Sample(
      channels: channels, filters: 32, rows: (1, 1, 1, 0), columns: (taps + 1, taps, 1, 0))
    let schedule = try Schedule(
      Chain([sample.layer()], precision: precision),
      tiling: Tiling(rows: 1, columns: 1, channels: 32, reduction: [channels]),
      lanes: LaneMap(threads: 32, channelsPerThread: 1))
    return ComputeLaneCost(schedule, stage: 0, channels: 32, reducing: channels).reads()
  }

  // 16 channels × 2 taps: lane c reads weight c · 32, all in one bank. Filters of more than one tap are not read in packs.
  @Test("32 filters of 32 weights at one pixel conflict in every weight")
  func conflicts() throws {
    #expect(
      try onePixel(channels: 16, taps: 2)
        == SharedMemoryTraffic(requests: 64, wavefronts: 32 + 32 * 32, bankConflicts: 32 * 31))
  }

  // All lanes read one pixel: a wavefront for each channel. Of filters lane c reads:
  // - FP32, 32 channels: 8 packs of 16 B, rows of 9 packs = 36 words apart: 8 lanes of a phase begin in banks 0, 4, … 28, so
  //   four phases of one pass each.
  // - FP32, 6 channels: 3 packs of 8 B, rows of 3 packs = 6 words apart: the 16 lanes of a phase begin in banks 0, 6, 12, …,
  //   each even one once, for 6 = 2 · 3 and 3 is odd: two phases of one pass each.
  // - FP32, 5 channels, no packs: 5 words apart, all banks once.
  // - INT8, 64 channels: 16 packs of 4 B, but rows of 5 items of 16 B = 20 words apart, as they are loaded: multiples of 4
  //   words, so 8 banks with 4 lanes each: 4 passes.
  // - INT8, 12 channels: 3 packs of 4 B, rows of 3 items of 4 B: 3 words apart, all banks once.
  @Test("Filters in packs lie an odd number of the items apart that they are loaded in")
  func filterPacks() throws {
    #expect(
      try onePixel(channels: 32) == SharedMemoryTraffic(requests: 32 + 8, wavefronts: 32 + 8 * 4))
    #expect(try onePixel(channels: 6) == SharedMemoryTraffic(requests: 6 + 3, wavefronts: 6 + 3 * 2))
    #expect(try onePixel(channels: 5) == SharedMemoryTraffic(requests: 5 + 5, wavefronts: 5 + 5))
    #expect(
      try onePixel(channels: 64, .int8(.onnx))
        == SharedMemoryTraffic(requests: 64 + 16, wavefronts: 64 + 16 * 4, bankConflicts: 16 * 3))
    #expect(
      try onePixel(channels: 12, .int8(.onnx)) == SharedMemoryTraffic(requests: 12 + 3, wavefronts: 12 + 3))
  }

  // NHWC, 32 filters of 32 channels, one a lane: a warp has one pixel. Its packs of 4 channels are 8 for the pixel, which all
  // lanes share, and 8 for the filters, 36 words apart: 8 lanes of a phase begin in banks 0, 4, … 28. Four phases for
  // filters; where all read one pixel, two.
  @Test("Packs of filters an odd number of packs apart have no conflicts")
  func packs() throws {
    let schedule = try Schedule(
      Chain(
        [Sample(channels: 32, rows: (1, 1, 1, 0), columns: (4, 1, 1, 0)).layer()], precision: .fp32,
        axisOrder: .hwc),
      tiling: Tiling(rows: 1, columns: 4, channels: 32, reduction: [32]),
      lanes: LaneMap(threads: 32, channelsPerThread: 1))
    let map = ComputeLaneCost(schedule, stage: 0, channels: 32, reducing: 32)
    #expect(map.reads() == SharedMemoryTraffic(requests: 4 * 16, wavefronts: 4 * 8 * (4 + 2)))
  }

  // INT8, 16 pixels and 8 filters of 32 channels: one matrix. A lane reads 2 words of each of its 2 pixels and 2 words of a
  // filter; rows are 48 B = 12 words apart, so 8 of them begin in banks 0, 12, 24, 4, 16, 28, 8, 20 with 4 words each.
  @Test("The words of a matrix have no conflicts")
  func matrix() throws {
    let layer = try Sample(channels: 32, filters: 8, rows: (4, 1, 1, 0), columns: (4, 1, 1, 0)).layer()
    let schedule = try Schedule(
      Chain([layer], precision: .int8(.onnx), axisOrder: .hwc),
      tiling: Tiling(rows: 4, columns: 4, channels: 8, reduction: [32]),
      lanes: LaneMap(threads: 32, channelsPerThread: 2, pixelsPerThread: 2, usesTensorCores: true))
    let map = ComputeLaneCost(schedule, stage: 0, channels: 8, reducing: 32)
    #expect(map.reads() == SharedMemoryTraffic(requests: 6, wavefronts: 6))
  }

  // NHWC, 128 channels, four a lane: a warp has one pixel. A tap is one read of four values and one of four weights, 512 B
  // each in a row: four phases.
  @Test("Depthwise lanes read the weights of a tap at once")
  func taps() throws {
    let layer = try Sample(channels: 128, groups: 128, rows: (1, 1, 1, 0), columns: (3, 3, 1, 0)).layer()
    let schedule = try Schedule(
      Chain([layer], precision: .fp32, axisOrder: .hwc),
      tiling: Tiling(rows: 1, columns: 1, channels: 128, reduction: [1]),
      lanes: LaneMap(threads: 32, channelsPerThread: 4))
    let map = ComputeLaneCost(schedule, stage: 0, channels: 128, reducing: 1)
    #expect(map.reads() == SharedMemoryTraffic(requests: 3 * 2, wavefronts: 3 * 2 * 4))
    #expect(schedule.vectorWidth(of: .weights(stage: 0)) == 1)
  }

  // INT8, 128 filters of 16 channels, four neighbours a lane. Groups of four filters are five packs = 20 words apart, so 8
  // lanes of a phase begin in banks 0, 20, 8, 28, 16, 4, 24, 12. All read one pixel. The warp stores four bytes a lane.
  @Test("Filters of a lane lie in groups that meet no conflicts, and its results are stored together")
  func groups() throws {
    let layer = try Sample(channels: 16, filters: 128, rows: (1, 1, 1, 0), columns: (1, 1, 1, 0)).layer()
    let schedule = try Schedule(
      Chain([layer], precision: .int8(.onnx), axisOrder: .hwc),
      tiling: Tiling(rows: 1, columns: 1, channels: 128, reduction: [16]),
      lanes: LaneMap(threads: 32, channelsPerThread: 4))
    let map = ComputeLaneCost(schedule, stage: 0, channels: 128, reducing: 16)
    #expect(map.reads() == SharedMemoryTraffic(requests: 5, wavefronts: 4 * 4 + 2))
    #expect(schedule.vectorWidth(of: .ofm) == 4)
  }

  @Test("Partial warps and wide accesses take their own phases")
  func phases() {
    func cost(_ lanes: [Int], size: Int) -> SharedMemoryBanks.Cost {
      var addresses = lanes
      return addresses.withUnsafeMutableBufferPointer { SharedMemoryBanks.cost(of: $0, size: size, .read) }
    }
    let quarter = (0..<32).map { $0 < 8 ? $0 * 16 : -1 }
    #expect(cost(quarter, size: 16) == SharedMemoryBanks.Cost(wavefronts: 1, conflicts: 0))
    let spread = (0..<32).map { $0 * 32 }
    #expect(cost(spread, size: 16) == SharedMemoryBanks.Cost(wavefronts: 8, conflicts: 4))
    #expect(cost(spread.map { $0 * 4 }, size: 4) == SharedMemoryBanks.Cost(wavefronts: 32, conflicts: 31))
  }
}
