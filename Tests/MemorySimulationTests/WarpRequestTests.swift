import Hardware
import Scheduling
import TestSupport
import Testing
import Workload

@testable import MemorySimulation

private let chains: [[RandomStage]] = [
  [.dw], [.pw], [.conv], [.grouped], [.pool], [.add], [.dw, .pw], [.pw, .dw], [.pw, .dw, .pw],
]

@Suite struct WarpRequestTests {
  /// The elements that active lanes touch are those of the region, each once, at addresses that are multiples of the
  /// access; and slots are numbered without gaps.
  private func check(_ schedule: Schedule, _ operand: Operand, _ region: Region, width: Int) throws {
    var touched: [Int] = []
    var slots: [Int] = []
    schedule.forEachWarpRequest(of: operand, region, width: width) { lanes, slot in
      slots.append(slot)
      for lane in lanes where lane >= 0 { touched += lane..<lane + width }
      if lanes.count != 32 || lanes.contains(where: { $0 >= 0 && $0 % width != 0 }) { touched.append(-1) }
    }
    let expected = schedule.offsets(of: operand, region)
    try #require(touched.count == expected.count && Set(touched) == expected)
    try #require(region.elements.count == expected.count)
    try #require(slots == firsts(schedule, operand, region, width: width).map { $0 * width })
    try #require(expected.allSatisfy { $0 < schedule.chain.elements(of: operand) })
  }

  /// The first item of each request: every 32nd, but where threads keep their slots only of so many as make whole planes or else rows of
  /// a tile, if those are three quarters of the block.
  private func firsts(_ schedule: Schedule, _ operand: Operand, _ region: Region, width: Int) -> [Int] {
    let threads = schedule.lanes.threads
    var dealt = threads
    let (rows, row) = (region.rows.indices.count, region.columns.indices.count / width)
    if case .ifm = operand, schedule.chain.axisOrder == .chw, schedule.lanes.keepsSlots,
      !schedule.laneWalk(of: operand).takesWholePlanes
    {
      for unit in [rows * row, row] where dealt == threads && 4 * (threads - threads % unit) >= 3 * threads {
        dealt = threads - threads % unit
        if dealt == threads { break }
      }
    }
    let channels = region.outer.count * region.channels.count
    let elements = channels * rows * region.columns.indices.count
    return (0..<(elements + width - 1) / width).filter { $0 % dealt % 32 == 0 }
  }

  @Test("Active lanes touch each element of each region once, at every width", arguments: chains)
  func exact(_ chain: [RandomStage]) throws {
    var widths: Set<Int> = []
    var leavesThreadsOut = false
    for seed in 0..<60 {
      var generator = RandomCaseGenerator(seed: UInt64(seed * 977 + chain.count))
      let drawn = try generator.draw(chain)
      let wide = try drawn.schedule.with(vectorWidth: 16)
      for (operand, region) in wide.moves {
        let width = wide.vectorWidth(of: operand)
        widths.insert(width)
        if wide.laneWalk(of: operand).rounds.threads % 32 != 0 { leavesThreadsOut = true }
        for width in Set([1, width, drawn.schedule.vectorWidth(of: operand)]) {
          do { try check(wide, operand, region, width: width) } catch {
            Issue.record("\(operand) at width \(width): \(drawn.description)")
            return
          }
        }
      }
    }
    #expect(widths.contains { $0 > 1 })
    #expect(leavesThreadsOut)
  }

  @Test(
    "Channels, filters and widths that are powers of two are moved exactly as well", arguments: [4, 8, 16])
  func exactWide(_ extent: Int) throws {
    for precision in [Precision.fp32, .int8(.onnx), .int8(.tflite)] {
      var sample = Sample(
        batch: 2, channels: extent, filters: 2 * extent, hasBias: true, precision: precision)
      sample.columns.extent = 2 * extent
      sample.vectorWidth = 16
      for tile in [1, 2, 4, extent, extent + 1] {
        sample.tile = (3, tile, tile)
        sample.chunk = min(tile, extent)
        let schedule = try sample.schedule()
        for (operand, region) in schedule.moves {
          try check(schedule, operand, region, width: schedule.vectorWidth(of: operand))
        }
      }
    }
  }
}

@Suite struct VectorWidthTests {
  /// Whether every item of `width` elements of every step is whole, contiguous and aligned, by looking at each.
  private func splits(_ schedule: Schedule, _ operand: Operand, _ width: Int) -> Bool {
    let layout = schedule.chain.layout(of: operand)
    let whole = schedule.laneWalk(of: operand).takesWholePlanes
    return schedule.moves.filter { $0.operand == operand }.allSatisfy { _, region in
      if layout.order == .hwc { return splits(pixels(of: region, layout), width) }
      let rows = region.rows.indices.map { row in
        region.columns.indices.map { row < 0 || $0 < 0 ? -1 : row * layout.columns + $0 }
      }
      let planes = region.outer.map { outer in
        region.channels.flatMap { channel in
          let start = (outer * layout.channels + channel) * layout.rows * layout.columns
          return rows.map { $0.map { $0 < 0 ? -1 : start + $0 } }
        }
      }
      // Filters that are read in packs have each a row of its own in shared memory.
      var isPacked = false
      if case .weights(let stage) = operand {
        isPacked = schedule.footprintModel.path(of: stage).isPacked
        // Where they lie by tap there, what is side by side in memory is not.
        if schedule.footprintModel.filterLayout(of: stage, reducing: 1).vector > 1 { return width == 1 }
      }
      let takesAll = region.channels.count == layout.channels && !isPacked
      let runs: [[Int]] =
        !whole
        ? planes.flatMap { $0 }
        : takesAll ? [planes.flatMap { $0.flatMap { $0 } }] : planes.map { $0.flatMap { $0 } }
      return splits(runs, width)
    }
  }

  private func splits(_ runs: [[Int]], _ width: Int) -> Bool {
    runs.allSatisfy { run in
      run.count % width == 0
        && stride(from: 0, to: run.count, by: width).allSatisfy { first in
          let item = run[first..<first + width]
          return item.allSatisfy { $0 < 0 }
            || run[first] % width == 0
              && item.enumerated().allSatisfy { $0.element == run[first] + $0.offset }
        }
    }
  }

  /// The channels of each slot, NHWC.
  private func pixels(of region: Region, _ layout: TensorLayout) -> [[Int]] {
    region.outer.flatMap { image in
      region.rows.indices.flatMap { row in
        region.columns.indices.map { column in
          region.channels.map { channel in
            row < 0 || column < 0
              ? -1 : ((image * layout.rows + row) * layout.columns + column) * layout.channels + channel
          }
        }
      }
    }
  }

  @Test(
    "The width is the largest that every step allows",
    arguments: [[RandomStage.dw], [.pw], [.conv], [.dw, .pw], [.pw, .dw], [.pw, .pw]])
  func largest(_ kinds: [RandomStage]) throws {
    for seed in 0..<60 {
      var generator = RandomCaseGenerator(seed: UInt64(31_000 + seed))
      let example = try generator.draw(kinds)
      let schedule = try example.schedule.with(vectorWidth: 16)
      // An input of which all rows that are read are padding has no width to speak of.
      for operand in schedule.chain.operands
      where operand != .ofm
        && schedule.moves.contains(where: { $0.operand == operand && $0.region.elements > .zero })
      {
        var width = 16 / schedule.chain.elementBytes(of: operand)
        while width > 1, !splits(schedule, operand, width) { width /= 2 }
        try #require(
          schedule.vectorWidth(of: operand) == width, "\(operand), \(width): \(example.description)")
      }
    }
  }

  private func width(_ operand: Operand, _ sample: Sample) throws -> Int {
    var sample = sample
    sample.vectorWidth = 16
    return try sample.schedule().vectorWidth(of: operand)
  }

  @Test("An aligned NCHW tile moves 16 B a lane: 4 fp32 or 16 INT8")
  func aligned() throws {
    var sample = Sample(channels: 3, columns: (32, 1, 1, 0))
    sample.tile.columns = 16
    #expect(try width(.ifm(0), sample) == 4)
    sample.precision = .int8(.onnx)
    #expect(try width(.ifm(0), sample) == 16)
    // Results come from registers one at a time.
    #expect(try width(.ofm, sample) == 1)
  }

  @Test("The lane map's width is the most")
  func narrower() throws {
    var sample = Sample(columns: (32, 1, 1, 0))
    sample.vectorWidth = 2
    #expect(try sample.schedule().vectorWidth(of: .ifm(0)) == 2)
  }

  // Pitch 14 is 2 · 7: row 1 begins at element 14, which no 16 B access may. Tiles of 2 of 4 rows are not whole planes.
  @Test("A pitch of 14 allows 8 B, one of 7 only 4 B")
  func pitch() throws {
    for (pitch, expected) in [(14, 2), (7, 1)] {
      var sample = Sample(columns: (pitch, 1, 1, 0))
      sample.tile.rows = 2
      #expect(try width(.ifm(0), sample) == expected)
    }
  }

  // 7 × 7 = 49 elements a plane: 4 channels begin at multiples of 196 = 4 · 49, 2 channels at multiples of 98.
  @Test("Whole planes are one piece, whatever their pitch: channel chunks decide")
  func planes() throws {
    var sample = Sample(channels: 8, rows: (7, 1, 1, 0), columns: (7, 1, 1, 0))
    for (channels, expected) in [(8, 4), (4, 4), (2, 2), (3, 1)] {
      sample.chunk = channels
      sample.tile.channels = channels
      #expect(try width(.ifm(0), sample) == expected)
    }
  }

  // Tiles of 8 outputs with a padding of 1 read slots −1 … 8 and 7 … 16: pairs straddle the edge.
  @Test("A tile with a halo and padding is scalar")
  func halo() throws {
    var sample = Sample(columns: (16, 3, 1, 1))
    sample.tile.columns = 8
    #expect(try width(.ifm(0), sample) == 1)
  }

  // Without padding tiles of 6 outputs read 0 … 7, 6 … 13: whole pairs, but the second begins at 6.
  @Test("A halo without padding keeps pairs where tiles begin at even columns")
  func evenHalo() throws {
    var sample = Sample(columns: (20, 3, 1, 0))
    sample.tile.columns = 6
    #expect(try width(.ifm(0), sample) == 2)
  }

  // 18 outputs in tiles of 16: the second holds 2, and 14 unused slots.
  @Test("An edge tile that ends inside an item makes the axis narrower")
  func edge() throws {
    var sample = Sample(columns: (18, 1, 1, 0))
    sample.tile.columns = 16
    #expect(try width(.ifm(0), sample) == 2)
    sample.columns.extent = 20
    #expect(try width(.ifm(0), sample) == 4)
  }

  // Window 1, stride 2: the slots are columns 0, 2, 4, …
  @Test("A stride that leaves gaps is scalar")
  func strided() throws { #expect(try width(.ifm(0), Sample(columns: (16, 1, 2, 0))) == 1) }

  // 3×3 filters of 8 channels are one piece of 72 elements, in tiles of 6 channels of 54, of 3 channels of 27.
  @Test("Weights: chunks of 4 of 8 channels allow 4, of 6 only 2; 3×3 DW filters depend on the channel tile")
  func weights() throws {
    var sample = Sample(channels: 8, filters: 5)
    for (chunk, expected) in [(4, 4), (6, 2), (8, 4), (1, 1)] {
      sample.chunk = chunk
      #expect(try width(.weights(stage: 0), sample) == expected)
    }
    var depthwise = Sample(channels: 8, groups: 8, rows: (8, 3, 1, 0), columns: (8, 3, 1, 0))
    for (tile, expected) in [(8, 4), (4, 4), (6, 2), (3, 1)] {
      depthwise.tile.channels = tile
      #expect(try width(.weights(stage: 0), depthwise) == expected)
    }
    sample.precision = .int8(.onnx)
    sample.chunk = 8
    #expect(try width(.weights(stage: 0), sample) == 8)
  }

  @Test("Biases and multipliers follow the channel tile; a multiplier with its shift has 8 B, so at most 2")
  func constants() throws {
    var sample = Sample(channels: 8, hasBias: true, precision: .int8(.tflite))
    for (tile, expected) in [(8, 4), (4, 4), (6, 2), (3, 1)] {
      sample.tile.channels = tile
      #expect(try width(.bias(stage: 0), sample) == expected)
      #expect(try width(.multipliers(stage: 0), sample) == min(2, expected))
    }
    sample.filters = 7
    sample.tile.channels = 4
    #expect(try width(.bias(stage: 0), sample) == 1)
  }
}
