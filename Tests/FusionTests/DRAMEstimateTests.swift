import Fusion
import Hardware
import Scheduling
import TestSupport
import Testing
import Workload

@Suite struct DRAMEstimateTests {
  /// Two pointwise layers of 4 channels over 16 × 16, FP32: each map has 4,096 B, each layer 64 B of weights.
  /// Two channel tiles; each block goes over its input twice.
  private func schedule() throws -> Schedule {
    let shape = try ConvolutionShape(
      inputChannels: 4, outputChannels: 4, rows: WindowAxis(inputExtent: 16),
      columns: WindowAxis(inputExtent: 16))
    let layers = (0..<2).map {
      Layer(name: "pw\($0)", operation: .convolution, shape: shape, inputs: [.input(0)])
    }
    return try Schedule(
      Chain(layers, precision: .fp32), tiling: Tiling(rows: 2, columns: 2, channels: 2, reduction: [2, 2]),
      lanes: LaneMap(threads: 512))
  }

  // Distance to the next channel tile: 4,096 + (128 + 4,096) ÷ 2 = 6,208 B. A block accesses 2 · 64 B of input, 96 B
  // of weights and 32 B of output; 3 multiprocessors: 768 B a wave.
  // Beyond that 512 B L2 lie 4,096 B of the next channel tile, 8,192 B of second passes, 128 · 96 − 128 B of weights.
  @Test(
    "Input for the next channel tile is a sweep apart, a second pass only a wave",
    arguments: zip([512, 1_024, 6_144, 6_400], [24_448, 4_096, 4_096, 0]))
  func distances(_ l2: Int, _ capacity: Int) throws {
    var draft = GPUDraft()
    draft.multiprocessors = 3
    draft.l2 = CacheSpec(capacity: Bytes(l2), ways: 2)
    let estimate = DRAMEstimate(try schedule(), on: try draft.gpu())
    #expect(estimate.compulsory == Bytes(4_096 + 128 + 4_096))
    #expect(estimate.capacity == Bytes(capacity))
  }
}
