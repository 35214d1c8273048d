import KernelEmulator
import KernelSources
import Scheduling
import TestSupport
import Testing
import Workload

/// The kernel works out its tile from its block's number, the schedule by a collection: block by block they must agree.
@Suite(.enabled(if: EmulatedKernel.isSupported, "skipped: no AVX2 and FMA"))
struct BlockOrderTests {
  /// 3 channels of 13 × 7 outputs of a 1 × 1 DW in tiles of 2 × 3 × 2: 7 × 3 × 2 tiles of 2 images.
  private func schedule(_ order: BlockOrder) throws -> Schedule {
    let shape = try ConvolutionShape(
      batch: 2, inputChannels: 3, outputChannels: 3, groups: 3,
      rows: WindowAxis(inputExtent: 13, window: 1, stride: 1),
      columns: WindowAxis(inputExtent: 7, window: 1, stride: 1))
    let layer = Layer(
      name: "dw", operation: .convolution, shape: shape, hasBias: false, inputs: [.input(0)])
    return try Schedule(
      Chain([layer], precision: .fp32),
      tiling: Tiling(rows: 2, columns: 3, channels: 2, reduction: [1]),
      lanes: LaneMap(threads: 32), order: order)
  }

  @Test(
    "Each block of the kernel writes the tile of the schedule's block of that number",
    arguments: BlockOrder.allCases)
  func tiles(_ order: BlockOrder) throws {
    let schedule = try schedule(order)
    let layout = schedule.chain.layout(of: .ofm)
    let count = schedule.chain.elements(of: .ofm)
    // Every output is 1, which no memory holds before the launch.
    let kernel = try EmulatedKernel(
      schedule, parameters: [LayerParameters.fp32(weights: [1, 1, 1], bias: [])])
    let input = TensorValues.fp32(Array(repeating: 1, count: schedule.chain.elements(of: .ifm(0))))
    var before = Set<Int>()
    for block in schedule.blocks {
      let output = try kernel.run(on: [input], blocks: block.index + 1).output
      guard case .fp32(let values) = output else { return }
      let written = Set((0..<count).filter { values[$0] == 1 })
      let region = schedule.outputRegion(of: block)
      var tile = Set<Int>()
      for channel in region.channels {
        for row in region.rows.indices where row >= 0 {
          for column in region.columns.indices where column >= 0 {
            tile.insert(layout.offset(outer: block.image, channel: channel, row: row, column: column))
          }
        }
      }
      try #require(written.subtracting(before) == tile, "block \(block.index)")
      before = written
    }
    #expect(before.count == count)
  }
}
