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
    // 2 channels × 6 × 10 × 4 B + 2 filters × 9 × 4 B.
    #expect(found.sharedMemory == Bytes(480 + 72))
    // 2 × 4 × 8 outputs on 64 threads.
    #expect(found.registersPerThread == 24 + 1)
    #expect(found.threads == 64)
  }

  @Test("INT8 constants start at a multiple of 4 B: bias 4 B a channel, TFLite's multiplier and shift 8 B")
  func constants() throws {
    let layer = try dw(channels: 4, extent: 8, hasBias: true)
    let tflite = try footprint([layer], .int8(.tflite), rows: 4, columns: 8, channels: 2, reduction: [1])
    // 120 B of input and 18 B of filters make 138 B, held as 140.
    #expect(tflite.sharedMemory == Bytes(140 + 2 * (4 + 8)))
    let onnx = try footprint([layer], .int8(.onnx), rows: 4, columns: 8, channels: 2, reduction: [1])
    #expect(onnx.sharedMemory == Bytes(140 + 2 * (4 + 4)))
  }

  @Test("DWPW: input, filters and intermediate of one PW chunk", arguments: [1, 2])
  func depthwisePointwise(buffers: Int) throws {
    let layers = try [dw(channels: 8, extent: 8), pw(channels: 8, filters: 6, extent: 8)]
    let found = try footprint(
      layers, rows: 4, columns: 4, channels: 3, reduction: [1, 2], buffers: buffers)
    // Loaded: 2 × 6 × 6 × 4 B of input, 2 × 9 × 4 B and 3 × 2 × 4 B of filters; made: 2 × 4 × 4 × 4 B.
    #expect(found.sharedMemory == Bytes(buffers * (288 + 72 + 24) + 128))
    // 32 outputs of DW and 48 of PW on 32 threads.
    #expect(found.registersPerThread == 24 + 1 + 2)
  }

  @Test("PWPW: only what is loaded more than once has a second buffer")
  func twoPointwise() throws {
    let layers = try [pw(channels: 4, filters: 6, extent: 4), pw(channels: 6, filters: 5, extent: 4)]
    let both = try footprint(layers, rows: 2, columns: 4, channels: 5, reduction: [2, 3], buffers: 2)
    // 2 × 8 × 4 B, 3 × 2 × 4 B, 5 × 3 × 4 B; intermediate 3 × 8 × 4 B.
    #expect(both.sharedMemory == Bytes(2 * (64 + 24 + 60) + 96))
    #expect(both.registersPerThread == 24 + 1 + 2)
    let first = try footprint(layers, rows: 2, columns: 4, channels: 5, reduction: [2, 6], buffers: 2)
    // The second stage takes the whole intermediate at once, so its filters are loaded once.
    #expect(first.sharedMemory == Bytes(2 * (64 + 48) + 192 + 120))
  }

  @Test("A thread that reduces at once keeps no more accumulators than it computes together")
  func accumulators() throws {
    let whole = try pw(channels: 4, filters: 6, extent: 8)
    func registers(_ chunk: Int) throws -> Int {
      try footprint([whole], rows: 8, columns: 8, channels: 6, reduction: [chunk]).registersPerThread
    }
    // 6 × 64 outputs on 32 threads: 12 a thread, 4 at a time.
    #expect(try registers(4) == 24 + 4)
    #expect(try registers(3) == 24 + 12)
  }
}
