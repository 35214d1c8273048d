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
    // No channels are mixed, and one accumulator.
    #expect(found.registersPerThread == 35 + 1)
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
    // PW: 3 channels of 16 pixels, one pixel a thread: 16 items, half of the threads. It reads its filters 2 channels at once: words
    // of one value and of 3 × 2 weights, 22 eighths each, and 3 sums: 48.25. DW: one sum beside those: 35 + 1 + 3.375 + 8, which
    // is less. Then 7 for chunks, 3 for the second stage, 12 for a second buffer.
    #expect(found.registersPerThread == 49 + 7 + 3 + (buffers - 1) * 12)
  }

  @Test("PWPW: only what is loaded more than once has a second buffer")
  func twoPointwise() throws {
    let layers = try [pw(channels: 4, filters: 6, extent: 4), pw(channels: 6, filters: 5, extent: 4)]
    let both = try footprint(layers, rows: 2, columns: 4, channels: 5, reduction: [2, 3], buffers: 2)
    // 2 × 8 × 4 B, 3 × 2 × 4 B (32), 5 × 3 × 4 B (64); intermediate 3 × 8 × 4 B.
    #expect(both.sharedMemory == Bytes(2 * (64 + 32 + 64) + 96))
    // First 3 channels of 8 pixels: together they are 8 items, less than half of 32, so each is an item by itself, read in
    // packs of 2: 26 + 3 × 22 ÷ 8 + 1, beside the second's sums 3 × 9 ÷ 8 + 8: 46.625. Then 5 channels are two groups, so of 3, and 16
    // items, whose chunk of 3 is no packs: 40 + 4 × 3 + 3. One item a thread each.
    #expect(both.registersPerThread == 55 + 7 + 3 + 12)
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
    // 6 channels, 4 at most in a group, are two groups of 3; 64 pixels: 128 items on 32 threads, 3 accumulators each. A chunk of 4 is
    // read in packs of 4: words of one value and 3 × 4 weights, 22 eighths each: 35.75.
    #expect(try registers(4) == 26 + 36 + 3)
    // One by one, 1 + 3 words, 3 each; and all 12 accumulators stay from chunk to chunk.
    #expect(try registers(3) == 40 + 12 + 12 + 7)
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
    /// A value of each pixel and packs of 2 weights of each filter, the accumulators, and chunks.
    func expected(pixels: Int, channels: Int, sums: Int) -> Int {
      26 + (22 * (pixels + 2 * channels) + 7) / 8 + sums + 7
    }
    // 2 groups of channels × ⌈64 ÷ 5⌉ = 13 groups of pixels: one item a thread of 15 outputs.
    #expect(try registers(5, columns: 8) == expected(pixels: 5, channels: 3, sums: 15))
    // 2 × ⌈24 ÷ 5⌉ = 10 items are fewer than 16, 2 × ⌈24 ÷ 2⌉ = 24 are not: one item a thread of 6.
    #expect(try registers(5) == expected(pixels: 2, channels: 3, sums: 6))
    // 2 × 24 items on 32 threads: 2 each of 3.
    #expect(try registers(1) == expected(pixels: 1, channels: 3, sums: 6))
    // A tile of 3 pixels: 2 × 1 items, with a pixel each 2 × 3, with a channel each 6 × 3.
    #expect(try registers(5, rows: 1) == expected(pixels: 1, channels: 1, sums: 1))
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
