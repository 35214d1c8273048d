import Hardware
import Scheduling
import Testing
import Workload

@Suite struct FootprintTests {
  private func footprint(
    _ layers: [Layer], _ precision: Precision = .fp32, rows: Int, columns: Int, channels: Int,
    reduction: [Int], threads: Int = 32, buffers: Int = 1
  ) throws -> BlockFootprint {
    try schedule(
      layers, precision, rows: rows, columns: columns, channels: channels, reduction: reduction,
      lanes: LaneMap(threads: threads, buffers: buffers)
    ).footprint
  }

  @Test("DW: the tile with its halo and the filters of its channels")
  func depthwise() throws {
    let layer = try dw(channels: 4, extent: 8)
    let found = try footprint([layer], rows: 4, columns: 8, channels: 2, reduction: [1], threads: 64)
    // 2 channels × 6 × 10 × 4 B + 2 filters × 9 × 4 B, 72 B held as 80.
    #expect(found.sharedMemory == Bytes(480 + 80))
    // 27, for no channels are mixed, two for a pixel, and one accumulator with its quarter.
    #expect(found.registersPerThread == 27 + 2 + 1 + 1)
    #expect(found.threads == 64)
  }

  @Test("Buffers start at multiples of 16 B: bias 4 B a channel, TFLite's multiplier and shift 8 B")
  func constants() throws {
    let layer = try dw(channels: 4, extent: 8, hasBias: true)
    let tflite = try footprint([layer], .int8(.tflite), rows: 4, columns: 8, channels: 2, reduction: [1])
    // 120 B of input, 18 B of filters, 2 × 4 B of bias and 2 × 8 B of multipliers and shifts.
    #expect(tflite.sharedMemory == Bytes(128 + 32 + 16 + 16))
    let wider = try footprint([layer], .int8(.tflite), rows: 4, columns: 8, channels: 4, reduction: [1])
    // 240, 36, 16 and 32 B.
    #expect(wider.sharedMemory == Bytes(240 + 48 + 16 + 32))
    let onnx = try footprint([layer], .int8(.onnx), rows: 4, columns: 8, channels: 4, reduction: [1])
    #expect(onnx.sharedMemory == Bytes(240 + 48 + 16 + 16))
  }

  @Test("DWPW: input, filters and intermediate of one PW chunk", arguments: [1, 2])
  func depthwisePointwise(buffers: Int) throws {
    let layers = try [dw(channels: 8, extent: 8), pw(channels: 8, filters: 6, extent: 8)]
    let found = try footprint(
      layers, rows: 4, columns: 4, channels: 3, reduction: [1, 2], buffers: buffers)
    // Loaded: 2 × 6 × 6 × 4 B of input, 2 × 9 × 4 B (80) and 3 × 2 × 4 B (32) of filters; made: 2 × 4 × 4 × 4 B.
    #expect(found.sharedMemory == Bytes(buffers * (288 + 80 + 32) + 128))
    // DW: one output at a time; PW: 3 channels of 16 pixels, one pixel a thread: 16 items, half of the threads. It reads its
    // filters 2 channels at once: packs of a pixel and of a filter, and a place for each of 3 filters.
    let packs = (1 + 1) * 2 + 3
    #expect(found.registersPerThread == 72 + 2 + packs + 4 + 1)
  }

  @Test("PWPW: only what is loaded more than once has a second buffer")
  func twoPointwise() throws {
    let layers = try [pw(channels: 4, filters: 6, extent: 4), pw(channels: 6, filters: 5, extent: 4)]
    let both = try footprint(layers, rows: 2, columns: 4, channels: 5, reduction: [2, 3], buffers: 2)
    // 2 × 8 × 4 B, 3 × 2 × 4 B (32), 5 × 3 × 4 B (64); intermediate 3 × 8 × 4 B.
    #expect(both.sharedMemory == Bytes(2 * (64 + 32 + 64) + 96))
    // First 3 channels of 8 pixels: together they are 8 items, less than half of 32, so each is an item by itself, read in
    // packs of 2. Then 5 channels in groups of 4 make 16 items, whose chunk of 3 is no packs. One item a thread each.
    let packs = (1 + 1) * 2 + 1
    #expect(both.registersPerThread == 72 + 2 + packs + (1 + 4) + 2)
    let first = try footprint(layers, rows: 2, columns: 4, channels: 5, reduction: [2, 6], buffers: 2)
    // The second stage takes the whole intermediate at once, so its filters are loaded once.
    #expect(first.sharedMemory == Bytes(2 * (64 + 48) + 192 + 128))
  }

  @Test("A thread that reduces at once keeps no more accumulators than it computes together")
  func accumulators() throws {
    let whole = try pw(channels: 4, filters: 6, extent: 8)
    func registers(_ chunk: Int) throws -> Int {
      try footprint([whole], rows: 8, columns: 8, channels: 6, reduction: [chunk]).registersPerThread
    }
    // 6 channels in groups of 4, 64 pixels: 128 items on 32 threads, 4 accumulators each. A chunk of 4 is read in packs of 4:
    // one of a pixel, one of a filter, and a place for each of 4 filters.
    #expect(try registers(4) == 72 + 2 + ((1 + 1) * 4 + 4) + 4 + 1)
    #expect(try registers(3) == 72 + 2 + 16 + 4)
  }

  @Test("A thread may compute several pixels together; a tile of fewer has fewer")
  func pixels() throws {
    let layers = try [pw(channels: 4, filters: 6, extent: 8)]
    func registers(_ pixels: Int, rows: Int = 8, columns: Int = 3) throws -> Int {
      try schedule(
        layers, .fp32, rows: rows, columns: columns, channels: 6, reduction: [2],
        lanes: LaneMap(threads: 32, channelsPerThread: 3, pixelsPerThread: pixels)
      ).footprint.registersPerThread
    }
    /// Of a pack of 2 of each pixel and of a filter, and a place for each filter.
    func packs(pixels: Int, channels: Int) -> Int { (pixels + 1) * 2 + channels }
    // 2 groups of channels × ⌈64 ÷ 5⌉ = 13 groups of pixels: one item a thread of 15 outputs.
    #expect(try registers(5, columns: 8) == 72 + 2 * 5 + packs(pixels: 5, channels: 3) + 15 + 4)
    // 2 × ⌈24 ÷ 5⌉ = 10 items are fewer than 16, 2 × ⌈24 ÷ 2⌉ = 24 are not: one item a thread of 6.
    #expect(try registers(5) == 72 + 2 * 2 + packs(pixels: 2, channels: 3) + 6 + 2)
    // 2 × 24 items on 32 threads: 2 each of 3.
    #expect(try registers(1) == 72 + 2 + packs(pixels: 1, channels: 3) + 6 + 2)
    // A tile of 3 pixels: 2 × 1 items, with a pixel each 2 × 3, with a channel each 6 × 3.
    #expect(try registers(5, rows: 1) == 72 + 2 + packs(pixels: 1, channels: 1) + 1 + 1)
  }

  @Test("Buffers lie one after the other, copies of a streamed one side by side")
  func layout() throws {
    let layers = try [dw(channels: 8, extent: 8), pw(channels: 8, filters: 6, extent: 8)]
    let layout = try schedule(
      layers, .fp32, rows: 4, columns: 4, channels: 3, reduction: [1, 2],
      lanes: LaneMap(threads: 32, buffers: 2)
    ).sharedLayout
    #expect(
      layout.places.map(\.buffer) == [
        .operand(.ifm(0)), .operand(.weights(stage: 0)), .intermediate(after: 0),
        .operand(.weights(stage: 1)),
      ])
    #expect(layout.places.map(\.offset) == [0, 576, 736, 864])
    #expect(layout.places.map(\.copies) == [2, 2, 1, 2])
    #expect(layout.end == 928)
  }
}
