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
  // A warp begins three loads, 16 instructions each. 8 · 32 values in items of 4 are 64, two requests of 23; 8 · 8 weights 16 items and
  // 8 biases 2 items, one request of 6.5 each. The item takes 21, and each of the two packs of its 2 pixels 3.7.
  // Two blocks of 142.8.
  @Test("One warp: what it takes beside what it does")
  func oneWarp() throws {
    let found = try work(chunk: 8)
    #expect(found.blocks == 2 && found.warps == 1 && found.waits == 1)
    #expect(found.overhead == 285)
  }

  // Chunks of 4: 4 · 32 values are 32 items, one request, twice; 4 · 8 weights 8 items, one request, twice; biases once: five loads
  // are begun. Two items of 21 + 2 · 3.7, and nothing for a second chunk. Two blocks of 80 + 46 + 19.5 + 56.8 = 202.3.
  @Test("Chunks load in turn and store once")
  func chunks() throws {
    let found = try work(chunk: 4)
    #expect(found.waits == 2)
    #expect(found.overhead == 404)
  }

  // 9 chunks go round a loop: 8 further ones at 91. Values and weights are loaded 9 times, one request each, biases once: 19 loads begin.
  // 9 items of 21, one by one. Two blocks of 19 · 16 + 9 · 23 + 10 · 6.5 + 9 · 21 + 8 · 91 = 1,493.
  @Test("More than eight chunks go round a loop")
  func loop() throws {
    #expect(try work(of: 9, chunk: 1).overhead == 2_986)
    // Eight do not: 17 loads, and as many fewer of the rest.
    #expect(try work(chunk: 1).overhead == 2 * (17 * 16 + 8 * 23 + 8 * 21) + 117)
  }

  // 128 threads: 2 · 16 items are fewer than half, 2 · 32 of one pixel are not: two warps with 4 channels of a pixel each, of four that
  // there are. All four begin three loads, which take as many requests as before; two have items of 21 + 2 · 3.7. Two blocks of 307.8.
  @Test("More warps share loads and items; those without an item begin loads as well")
  func fourWarps() throws {
    let found = try work(chunk: 8, threads: 128)
    #expect(found.warps == 4 && found.waits == 1)
    #expect(found.overhead == 615)
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

  // Values: 4 channels of 6 × 10 slots are 240 items, 8 requests of 23 and 5 for each axis, on both of which slots are empty. 4 channels
  // of 32 pixels are 4 warps' items, no empty slots among them.
  // Depthwise FP32: two loads begin; 36 weights are 2 requests of 6.5; items of 33.
  // INT8: three loads begin, of multipliers a request of 6.5 as well; items of 33, the zero point taken off 9 values, a result of 8.
  // A mean: one load begins; items of 23 and 9 taps of 14.4.
  @Test("Windows of one channel")
  func windows() throws {
    let values = 8 * (23 + 2 * 5)
    #expect(try windowed(.convolution, groups: 4, .fp32) == 2 * 16 + values + 13 + 4 * 33)
    // 19.5 for the three requests, half an instruction of them left out.
    #expect(try windowed(.convolution, groups: 4, .int8(.onnx)) == 3 * 16 + values + 19 + 4 * (33 + 9 + 8))
    // 4 · 152.6 = 610.4.
    #expect(try windowed(.averagePool, groups: 4, .fp32) == 16 + values + 610)
  }

  // 32 → 24 channels in INT8 and NHWC on 4 × 4 pixels, tiles of 3 rows, 4 columns and 16 channels: 2 · 2 blocks, of which two have 8
  // channels, and the last tile's rows are not full. A warp's matrices are 16 pixels × 16 filters: 2 rounds of 8 filters for one item of
  // 4 · 2 outputs a lane.
  // Three loads begin (no bias: values, weights, multipliers): 16 each, 51 more of the weights, whose filters are no constant number.
  // Values: 12 pixels of 32 B in items of 16 B, one request of 23 + 5. Weights: 16 or 8 filters of 2 items, one request of 6.5, and one of
  // multipliers. The item: 21, 25.5 as channels are no constant, 10 for its rows, 2 sums of weights; 8 results of 8.
  // All 3 · 16 + 51 + 28 + 13 + 58.5 + 64 = 262.5.
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
    #expect(found.overhead == 1_050)
  }
}
