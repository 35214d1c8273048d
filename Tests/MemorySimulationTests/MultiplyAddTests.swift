import Scheduling
import TestSupport
import Testing
import Workload

@testable import MemorySimulation

/// Instructions that multiply and add, counted by hand.
@Suite struct MultiplyAddTests {
  /// A pointwise layer of one row of pixels, one block.
  private func schedule(
    channels: Int, filters: Int, pixels: Int, precision: Precision = .int8(.onnx), chunk: Int? = nil,
    order: TensorLayout.AxisOrder = .hwc, lanes: LaneMap
  ) throws -> Schedule {
    let sample = Sample(
      channels: channels, filters: filters, rows: (1, 1, 1, 0), columns: (pixels, 1, 1, 0))
    return try Schedule(
      Chain([sample.layer()], precision: precision, axisOrder: order),
      tiling: Tiling(rows: 1, columns: pixels, channels: filters, reduction: [chunk ?? channels]),
      lanes: lanes)
  }

  private func counts(_ schedule: Schedule) -> [Int] {
    let counts = SharedMemoryBooks(schedule).multiplyAdds
    return [counts.single, counts.dotProducts, counts.matrices]
  }

  // 4 pixels × 8 filters are 32 outputs, one a lane of one warp: 16 products each.
  @Test("A dp4a is four products: 16 input channels take 16 instructions one by one, and 4 in packs")
  func dotProducts() throws {
    let lanes = LaneMap(threads: 32, channelsPerThread: 1)
    #expect(counts(try schedule(channels: 16, filters: 8, pixels: 4, lanes: lanes)) == [0, 4, 0])
    #expect(
      counts(try schedule(channels: 16, filters: 8, pixels: 4, chunk: 8, lanes: lanes)) == [0, 4, 0])
    #expect(
      counts(try schedule(channels: 16, filters: 8, pixels: 4, order: .chw, lanes: lanes)) == [16, 0, 0])
    // FP32 reads packs, and multiplies one by one.
    #expect(
      counts(try schedule(channels: 16, filters: 8, pixels: 4, precision: .fp32, lanes: lanes)) == [16, 0, 0])
    // Channels that no pack of four divides.
    #expect(counts(try schedule(channels: 6, filters: 8, pixels: 4, lanes: lanes)) == [6, 0, 0])
    // Two outputs a lane: half the items, so half a warp, and each instruction twice.
    let pairs = LaneMap(threads: 32, channelsPerThread: 2)
    #expect(counts(try schedule(channels: 16, filters: 8, pixels: 4, lanes: pairs)) == [0, 8, 0])
  }

  // With 2 channels and 2 pixels a lane a warp makes 8 filters × 16 pixels: a matrix for each 32 input channels.
  @Test("A matrix is 16 pixels by 8 filters by 32 channels: one instruction, or four quarters on sm_75")
  func matrices() throws {
    let lanes = LaneMap(threads: 64, channelsPerThread: 2, pixelsPerThread: 2, usesTensorCores: true)
    let one = try schedule(channels: 64, filters: 8, pixels: 16, lanes: lanes)
    #expect(counts(one) == [0, 0, 2])
    // 3 groups of filters × 2 of pixels.
    #expect(counts(try schedule(channels: 64, filters: 24, pixels: 32, lanes: lanes)) == [0, 0, 12])
    // A ninth filter and a seventeenth pixel begin groups of their own.
    #expect(counts(try schedule(channels: 32, filters: 9, pixels: 17, lanes: lanes)) == [0, 0, 4])
    for (capability, instructions) in [("7.5", 8), ("8.6", 2), ("9.0", 2)] {
      let draft = try #require(GPUDraft.of(computeCapability: capability))
      let traffic = KernelReplay(one, on: try draft.gpu()).run()
      #expect(traffic.matrixInstructions == instructions)
      #expect(traffic.multiplyAddInstructions == instructions)
      #expect(
        traffic.warpInstructions == traffic.total.instructions + traffic.shared.requests + instructions)
    }
  }
}
