import Hardware
import Scheduling
import TestSupport
import Testing
import Workload

@testable import MemorySimulation

@Suite struct ComputeLaneCostTests {
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
