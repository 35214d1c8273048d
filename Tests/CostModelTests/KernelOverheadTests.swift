import Hardware
import Scheduling
import TestSupport
import Testing
import Workload

@testable import CostModel

/// Instructions beside those that load, multiply and access shared memory, by hand.
@Suite struct KernelOverheadTests {
  /// A pointwise layer of 8 filters with a bias on a map of 8 × 8, in tiles of 4 rows.
  private func work(of channels: Int = 8, chunk: Int, threads: Int = 32) throws -> KernelWork {
    let axis = try WindowAxis(inputExtent: 8)
    let shape = try ConvolutionShape(inputChannels: channels, outputChannels: 8, rows: axis, columns: axis)
    let layer = Layer(
      name: "pw", operation: .convolution, shape: shape, hasBias: true, inputs: [.input(0)])
    let schedule = try Schedule(
      Chain([layer], precision: .fp32),
      tiling: Tiling(rows: 4, columns: 8, channels: 8, reduction: [chunk]),
      lanes: LaneMap(threads: threads, vectorWidth: 4, channelsPerThread: 4, pixelsPerThread: 2))
    let accesses = AnalyticTraffic(schedule).accesses
    return KernelWork(schedule, on: try GPUDraft().gpu(), accesses: accesses, dram: accesses.total)
  }

  // A block makes 8 channels of 32 pixels: 2 groups of 4 channels × 16 of 2 pixels are 32 items, one warp's.
  // A warp begins three loads, 15.2 instructions each, and 9 more for the map's. 8 · 32 values in items of 4 are 64, two requests of 12.3, for
  // 32 threads are four planes of 8 items; 8 · 8 weights 16 items and 8 biases 2 items, one request of 11.2 each. The item takes 7.8, each
  // of the two packs of its 2 pixels 0.6, without a loop, its 8 results 12. Two blocks of 54.6 + 24.6 + 22.4 + 7.8 + 2.4 + 96 = 207.8.
  @Test("One warp: what it takes beside what it does")
  func oneWarp() throws {
    let found = try work(chunk: 8)
    #expect(found.blocks == 2 && found.warps == 1 && found.waits == 1)
    #expect(found.overhead == 415)
  }

  // Chunks of 4: 4 · 32 values are 32 items, one request, twice; 4 · 8 weights 8 items, one request, twice; biases once: five loads
  // are begun, two of them the map's. Two items of 7.8 + 2 · 0.6, and nothing for a second chunk. Two blocks of
  // 76 + 18 + 24.6 + 33.6 + 18 + 96 = 266.2.
  @Test("Chunks load in turn and store once")
  func chunks() throws {
    let found = try work(chunk: 4)
    #expect(found.waits == 2)
    #expect(found.overhead == 532)
  }

  // 9 chunks go round a loop: 8 further ones at 92.6. Values and weights are loaded 9 times, one request each, biases once: 19 loads begin.
  // 9 items of 7.8, one by one. Two blocks of 19 · 15.2 + 9 · 9 + 9 · 12.3 + 10 · 11.2 + 9 · 7.8 + 96 + 8 · 92.6 = 1,499.5.
  @Test("More than eight chunks go round a loop")
  func loop() throws {
    #expect(try work(of: 9, chunk: 1).overhead == 2_999)
    // Eight do not: 17 loads, and as many fewer of the rest; in tenths.
    #expect(try work(chunk: 1).overhead == 2 * (17 * 152 + 8 * (90 + 123) + 9 * 112 + 8 * 78 + 960) / 10)
  }

  // 128 threads: 2 · 16 items are fewer than half, 2 · 32 of one pixel are not: two warps with 4 channels of a pixel each, of four that
  // there are. All four begin three loads, which take as many requests as before; two have items of 7.8 + 2 · 0.6 and
  // four results. Two blocks of 4 · 54.6 + 24.6 + 22.4 + 18 + 96 = 379.4.
  @Test("More warps share loads and items; those without an item begin loads as well")
  func fourWarps() throws {
    let found = try work(chunk: 8, threads: 128)
    #expect(found.warps == 4 && found.waits == 1)
    #expect(found.overhead == 758)
  }

  /// One block of a layer of 4 channels on 4 × 8 pixels without a bias, its window 3 × 3 with a border of one.
  private func windowed(_ operation: Operation, groups: Int, _ precision: Precision) throws -> Int {
    let rows = try WindowAxis(inputExtent: 4, window: 3, paddingBefore: 1, paddingAfter: 1)
    let columns = try WindowAxis(inputExtent: 8, window: 3, paddingBefore: 1, paddingAfter: 1)
    let shape = try ConvolutionShape(
      inputChannels: 4, outputChannels: 4, groups: groups, rows: rows, columns: columns)
    let layer = Layer(name: "l", operation: operation, shape: shape, inputs: [.input(0)])
    let schedule = try Schedule(
      Chain([layer], precision: precision),
      tiling: Tiling(rows: 4, columns: 8, channels: 4, reduction: [1]),
      lanes: LaneMap(threads: 32, vectorWidth: 1, channelsPerThread: 1, pixelsPerThread: 1))
    let accesses = AnalyticTraffic(schedule).accesses
    return KernelWork(schedule, on: try GPUDraft().gpu(), accesses: accesses, dram: accesses.total).overhead
  }

  // Values: 4 channels of 6 × 10 slots are 240 items, 8 requests of 26.3 and 1.7 for each axis, on both of which slots are empty; no thread
  // is left out so that others keep their column of 10. 4 channels of 32 pixels are 4 warps' items, no empty slots among them.
  // Depthwise FP32: two loads begin, 9 more for the map's; 36 weights are 2 requests of 11.2; items of 22.3, a result of 12.
  // INT8: three loads begin, of multipliers a request of 11.2 as well; items of 22.3, the zero point taken off 9 values, a result of 8.4.
  // A mean: one load begins; items of 45 and 9 taps of 10.5, for the border. In tenths, what is not whole left out.
  @Test("Windows of one channel")
  func windows() throws {
    let values = 90 + 8 * (263 + 2 * 17)
    #expect(try windowed(.convolution, groups: 4, .fp32) == (2 * 152 + values + 224 + 4 * (223 + 120)) / 10)
    #expect(
      try windowed(.convolution, groups: 4, .int8(.onnx))
        == (3 * 152 + values + 336 + 4 * (223 + 90 + 84)) / 10)
    #expect(try windowed(.averagePool, groups: 4, .fp32) == (152 + values + 4 * (450 + 9 * 105)) / 10)
  }

  // 4 channels of 8 × 8 pixels, 3 × 3 with a border of one, in tiles of 4 rows: planes of 6 × 10 slots, of which 128 threads take two, 120, in a
  // round: 4 planes are 2 rounds of 4 requests of 12.3 and 1.7 for each axis. Two loads begin in 4 warps, of the map 9 more; 36 weights are
  // two requests of 11.2. Asked for 2 pixels a thread: 4 · 8 · 2 = 64 items are half of 128, two warps' items of 28.3, and 2 results of 12.
  // Two blocks of 4 · 39.4 + 8 · 15.7 + 22.4 + 2 · (28.3 + 24) = 410.2.
  @Test("Windows that slide, of threads that keep their slots")
  func sliding() throws {
    let axis = try WindowAxis(inputExtent: 8, window: 3, paddingBefore: 1, paddingAfter: 1)
    let shape = try ConvolutionShape(
      inputChannels: 4, outputChannels: 4, groups: 4, rows: axis, columns: axis)
    let layer = Layer(name: "dw", operation: .convolution, shape: shape, inputs: [.input(0)])
    let schedule = try Schedule(
      Chain([layer], precision: .fp32), tiling: Tiling(rows: 4, columns: 8, channels: 4, reduction: [1]),
      lanes: LaneMap(
        threads: 128, channelsPerThread: 1, pixelsPerThread: 2, slidesWindows: true, keepsSlots: true))
    let accesses = AnalyticTraffic(schedule).accesses
    let found = KernelWork(schedule, on: try GPUDraft().gpu(), accesses: accesses, dram: accesses.total)
    #expect(found.overhead == 820)
    // For each of 4 warps' requests: 8 of values, 2 of weights; each of two warps reads 4 rows of 3 values, 9 weights, and stores 2 results.
    #expect(found.multiplyAdds == 2 * 2 * 2 * 9)
    #expect(found.instructions == 2 * (8 + 8 + 2 + 2 + 2 * (12 + 9 + 18 + 2)))
  }

  // 32 → 24 channels in INT8 and NHWC on 4 × 4 pixels, tiles of 3 rows, 4 columns and 16 channels: 2 · 2 blocks, of which two have 8
  // channels, and the last tile's rows are not full. A warp's matrices are 16 pixels × 16 filters: 2 rounds of 8 filters for one item of
  // 4 · 2 outputs a lane.
  // Three loads begin (no bias: values, weights, multipliers): 15.2 each, 44.5 more of the weights, whose filters are no constant
  // number. Values: 12 pixels of 32 B in items of 16 B, one request of 34.6 + 1.7. Weights: 16 or 8 filters of 2 items, one request of 11.2,
  // and one of multipliers. The item: 7.8, 34.5 as channels are no constant, 8.4 for its rows, 2 sums of weights; 8 results of 8.4.
  // All 3 · 15.2 + 44.5 + 36.3 + 22.4 + 52.7 + 67.2 = 268.7.
  @Test("Matrices of ragged channels")
  func matrices() throws {
    let axis = try WindowAxis(inputExtent: 4)
    let shape = try ConvolutionShape(inputChannels: 32, outputChannels: 24, rows: axis, columns: axis)
    let layer = Layer(name: "pw", operation: .convolution, shape: shape, inputs: [.input(0)])
    let schedule = try Schedule(
      Chain([layer], precision: .int8(.onnx), axisOrder: .hwc),
      tiling: Tiling(rows: 3, columns: 4, channels: 16, reduction: [32]),
      lanes: LaneMap(
        threads: 32, vectorWidth: 16, channelsPerThread: 4, pixelsPerThread: 2, usesTensorCores: true))
    let accesses = AnalyticTraffic(schedule).accesses
    let found = KernelWork(schedule, on: try GPUDraft().gpu(), accesses: accesses, dram: accesses.total)
    #expect(found.blocks == 4 && found.waits == 1 && found.matrixSteps == 1)
    #expect(found.overhead == 1_074)
  }
}
