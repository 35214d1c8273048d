import Hardware
import Scheduling
import TestSupport
import Testing
import Workload

@testable import CostModel

/// Instructions beside those that load, multiply and access shared memory, and those of a block's busiest warp, by hand.
@Suite struct KernelOverheadTests {
  /// A pointwise layer of 8 channels and 8 filters with a bias on a map of 8 × 8, in tiles of 4 rows.
  private func work(chunk: Int, threads: Int = 32) throws -> KernelWork {
    let axis = try WindowAxis(inputExtent: 8)
    let shape = try ConvolutionShape(inputChannels: 8, outputChannels: 8, rows: axis, columns: axis)
    let layer = Layer(
      name: "pw", operation: .convolution, shape: shape, hasBias: true, inputs: [.input(0)])
    let schedule = try Schedule(
      Chain([layer], precision: .fp32),
      tiling: Tiling(rows: 4, columns: 8, channels: 8, reduction: [chunk]),
      lanes: LaneMap(threads: threads, vectorWidth: 4, channelsPerThread: 4, pixelsPerThread: 2))
    let accesses = AnalyticTraffic(schedule).accesses
    return KernelWork(schedule, on: try GPUDraft().gpu(), accesses: accesses, dram: accesses.total)
  }

  private let load = KernelWork.instructionsPerLoad, result = KernelWork.instructionsPerResult
  private let warp = KernelWork.instructionsPerWarp

  // A block makes 8 channels of 32 pixels: 2 groups of 4 channels × 16 of 2 pixels are 32 items, one warp's.
  // Loads: 8 · 32 values in items of 4 are 64, two requests; 8 · 8 weights 16 items and 8 biases 2 items, one request each.
  // Results: 4 · 2 a lane. Reads: 8 channels of 2 values, 2 packs of 4 channels of 4 filters. Products: 8 · 4 · 2. All of it is
  // one warp's, so overhead and serial instructions differ by the reads and products alone. Two blocks; a bias is read at a
  // reduction's end and in neither count.
  @Test("One warp: what it does and what that takes beside, from the loads on")
  func oneWarp() throws {
    let found = try work(chunk: 8)
    #expect(found.blocks == 2)
    let beside = 4 * load + 4 * 2 * result + warp
    #expect(found.overhead == 2 * beside)
    #expect(found.serial == beside + (8 * 2 + 2 * 4) + 8 * 4 * 2)
  }

  // Chunks of 4: 4 · 32 values are 32 items, one request, twice; 4 · 8 weights 8 items, one request, twice; biases once. Of reads
  // and products a chunk has half.
  @Test("Chunks load in turn and store once")
  func chunks() throws {
    let found = try work(chunk: 4)
    let beside = (2 + 2 + 1) * load + 4 * 2 * result + warp
    #expect(found.overhead == 2 * beside)
    #expect(found.serial == beside + 2 * ((4 * 2 + 4) + 4 * 4 * 2))
  }

  // 128 threads: 2 · 16 items are fewer than half, 2 · 32 of one pixel are not: two warps with 4 channels of a pixel each, of four that
  // there are. Loads take as many requests as before, but no thread has more than one of each operand.
  @Test("More warps share loads and results; those without an item begin and end as well")
  func fourWarps() throws {
    let found = try work(chunk: 8, threads: 128)
    #expect(found.overhead == 2 * (4 * load + 2 * 4 * result + 4 * warp))
    #expect(found.serial == 3 * load + 4 * result + warp + (8 * 1 + 2 * 4) + 8 * 4)
  }
}
