import Hardware
import Scheduling
import TestSupport
import Testing
import Workload

@testable import MemorySimulation

@Suite struct SharedMemoryStepsTests {
  private func wavefronts(_ lanes: [Int], size: Int) -> Int {
    var addresses = lanes
    return addresses.withUnsafeMutableBufferPointer { SharedMemoryBanks.wavefronts($0, size: size) }
  }

  private func computed(_ schedule: Schedule, _ stage: Int = 0) -> SharedMemoryTraffic {
    var steps = SharedMemorySteps(schedule)
    let shape = schedule.chain.stages[stage].shape
    steps.compute(stage, channels: 0..<shape.outputChannels, reducing: shape.channelsPerGroup)
    return steps.total
  }

  @Test(
    "Staging costs what the banks say of consecutive slots, the last request included", arguments: [1, 2, 4])
  func staging(_ width: Int) throws {
    for columns in stride(from: 4, through: 160, by: 4) {
      var sample = Sample(rows: (1, 1, 1, 0), columns: (columns, 1, 1, 0))
      sample.vectorWidth = width
      let schedule = try sample.schedule()
      for case (.ifm(0), let region) in schedule.moves {
        var expected = SharedMemoryTraffic()
        schedule.forEachWarpRequest(of: .ifm(0), region, width: width) { lanes, _ in
          let cost = wavefronts(lanes.map { $0 < 0 ? -1 : $0 * 4 }, size: 4 * width)
          expected = expected + SharedMemoryTraffic(requests: 1, wavefronts: cost)
        }
        var steps = SharedMemorySteps(schedule)
        steps.stage(.ifm(0), region, width: width)
        #expect(steps.total == expected, "\(columns) columns")
      }
    }
  }

  // 16 outputs of stride 2 and window 1 in a row: slots without gaps, so one wavefront; the weight is a broadcast.
  @Test("Columns that no output reads are not staged, so a stride alone makes no conflict")
  func packed() throws {
    let schedule = try Sample(rows: (1, 1, 1, 0), columns: (32, 1, 2, 0)).schedule()
    #expect(computed(schedule) == SharedMemoryTraffic(requests: 2, wavefronts: 2))
  }

  // 32 outputs of stride 2, window 3 (65 staged columns): lanes read every second word, so two a bank, in 3 taps;
  // 3 weights are broadcasts.
  @Test("At stride 2 two lanes meet in each bank")
  func strided() throws {
    let schedule = try Sample(rows: (1, 1, 1, 0), columns: (65, 3, 2, 0)).schedule()
    #expect(computed(schedule) == SharedMemoryTraffic(requests: 6, wavefronts: 9, bankConflicts: 3))
  }

  // One pixel, 128 filters of 16 channels × 2 taps, 4 a thread: 32 threads, each reading 32 values, a broadcast,
  // and 4 · 32 weights of neighbouring filters, 32 words apart: all in one bank.
  @Test("Filters a multiple of 32 words apart meet in one bank")
  func filters() throws {
    var sample = Sample(channels: 16, filters: 128, columns: (2, 2, 1, 0))
    sample.rows.extent = 1
    let found = computed(try sample.schedule())
    #expect(
      found
        == SharedMemoryTraffic(
          requests: 32 + 128, wavefronts: 32 + 128 * 32, bankConflicts: 128 * 31))
  }

  // The same of 32 channels and one tap: filters of 8 packs are 9 packs = 36 words apart, so the 8 lanes of a phase begin in
  // banks 0, 4, … 28. 4 filters a thread of 8 packs, four phases each; of the one pixel's 8 packs, each of which all lanes read,
  // two.
  @Test("Filters in packs an odd number of packs apart do not meet")
  func filterPacks() throws {
    var sample = Sample(channels: 32, filters: 128)
    (sample.rows.extent, sample.columns.extent) = (1, 1)
    let found = computed(try sample.schedule())
    #expect(found == SharedMemoryTraffic(requests: 8 + 4 * 8, wavefronts: 8 * 2 + 4 * 8 * 4))
  }

  // 8 pixels, 4 INT8 channels of a depthwise 1×1: one warp, 8 lanes a channel. 32 neighbouring bytes of values, 4 of
  // weights, and 4 multipliers of a word.
  @Test("INT8 values that share words are read in one wavefront")
  func int8() throws {
    let sample = Sample(
      channels: 4, groups: 4, rows: (1, 1, 1, 0), columns: (8, 1, 1, 0), precision: .int8(.onnx))
    #expect(computed(try sample.schedule()) == SharedMemoryTraffic(requests: 3, wavefronts: 3))
  }

  // Multiplier 4: 32 outputs of 8 pixels give 8 warps of 4 channels each, all of one input channel. Each warp reads 8
  // neighbouring values and 4 neighbouring weights.
  @Test("With a channel multiplier the outputs of one input read its values")
  func multiplier() throws {
    let sample = Sample(
      channels: 8, filters: 32, groups: 8, rows: (1, 1, 1, 0), columns: (8, 1, 1, 0))
    #expect(computed(try sample.schedule()) == SharedMemoryTraffic(requests: 16, wavefronts: 16))
  }

  @Test("What lies outside the map is stored beside copies of bytes, by as many warps as have a lane there")
  func fills() throws {
    var (found, mixed) = (0, 0)
    for example in try cases() where example.schedule.chain.elementType == .int8 {
      let schedule = example.schedule
      var (expected, copies) = (0, 0)
      for case (.ifm(let input), let region) in schedule.moves {
        let width = schedule.vectorWidth(of: .ifm(input))
        guard [4, 8, 16].contains(width) else { continue }
        let slots = region.channels.count * region.rows.indices.count * region.columns.indices.count
        schedule.forEachWarpRequest(of: .ifm(input), region, width: width) { lanes, first in
          let isOutside = lanes.indices.contains { first + $0 * width < slots && lanes[$0] < 0 }
          expected += isOutside ? 1 : 0
          mixed += isOutside && lanes.contains { $0 >= 0 } ? 1 : 0
          copies += 1
        }
      }
      let books = SharedMemoryBooks(schedule)
      try #require(books.fills.requests == expected, "\(example.description)")
      #expect(books.fills.wavefronts >= expected && books.fills.requests <= copies)
      found += expected
    }
    #expect(found > 100 && mixed > 10)
  }

  private func cases() throws -> [RandomCase] {
    try (0..<120).map { seed in
      var generator = RandomCaseGenerator(seed: UInt64(40 + seed))
      return try generator.draw([[RandomStage.pw], [.dw], [.pw, .dw]][seed % 3])
    }
  }

  @Test("An add reads both its inputs")
  func add() throws {
    let shape = try ConvolutionShape(
      inputChannels: 1, outputChannels: 1, rows: WindowAxis(inputExtent: 1),
      columns: WindowAxis(inputExtent: 32))
    let layer = Layer(name: "add", operation: .add, shape: shape, inputs: [.input(0), .input(1)])
    let schedule = try Schedule(
      Chain([layer], precision: .fp32), tiling: Tiling(rows: 1, columns: 32, channels: 1, reduction: [1]))
    #expect(computed(schedule) == SharedMemoryTraffic(requests: 2, wavefronts: 2))
  }
}
