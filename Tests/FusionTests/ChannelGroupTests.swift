import CostModel
import Hardware
import Scheduling
import TestSupport
import Testing
import Workload

@testable import Fusion

/// Where several filters read one group of channels, tiles and chunks that cut a group ask for its channels twice.
@Suite struct ChannelGroupTests {
  private func layer(
    _ name: String, channels: Int, filters: Int, groups: Int = 1, extent: Int, window: Int = 1, batch: Int = 1
  ) throws -> Layer {
    func axis() throws -> WindowAxis { try .same(inputExtent: extent, window: window, stride: 1) }
    let shape = try ConvolutionShape(
      batch: batch, inputChannels: channels, outputChannels: filters, groups: groups, rows: axis(),
      columns: axis())
    return Layer(name: name, operation: .convolution, shape: shape, inputs: [.input(0)])
  }

  private func least(_ chain: Chain, _ gpu: GPU, channels: [Int], chunks: [[Int]]) throws -> Bytes? {
    var least: Bytes?
    let extent = chain.last.shape.rows.outputExtent
    for rows in 1...extent {
      for columns in 1...extent {
        for channels in channels {
          for chunk in chunks {
            let tiling = Tiling(rows: rows, columns: columns, channels: channels, reduction: chunk)
            let schedule = try Schedule(
              chain, tiling: tiling, lanes: LaneMap(threads: 512, vectorWidth: 4))
            guard schedule.footprint.violation(on: gpu) == nil else { continue }
            let bytes = AnalyticTraffic(schedule).accesses.total
            least = min(least ?? bytes, bytes)
          }
        }
      }
    }
    return least
  }

  @Test("The largest channel counts are searched in little memory")
  func largest() throws {
    let wide = try layer("pw", channels: Int(Int32.max), filters: 1, extent: 1)
    let pair = [
      try layer("dw", channels: 1 << 20, filters: 1 << 21, groups: 1 << 20, extent: 1),
      try layer("pw", channels: 1 << 21, filters: 1, extent: 1),
    ]
    for layers in [[wide], pair] {
      let groups = ReductionOptions(try Chain(layers, precision: .fp32)).groups(ofTile: 1)
      #expect(groups.reduce(0) { $0 + $1.options.count } < 100_000)
    }
  }

  @Test("A PW behind a DW of two filters a channel takes chunks that cut no channel's pair")
  func chunks() throws {
    let chain = try Chain(
      [
        layer("dw", channels: 30, filters: 60, groups: 30, extent: 6, window: 3),
        layer("pw", channels: 60, filters: 4, extent: 6),
      ], precision: .fp32)
    for bytes in [2_048, 3_072, 4_096, 6_144, 8_192] {
      var draft = GPUDraft()
      draft.sharedMemoryPerBlock = bytes
      let gpu = try draft.gpu()
      let found = try TileExplorer(gpu: gpu, minBlocks: 1).best(of: chain)
      let chunks = (1...60).map { [1, $0] }
      #expect(try found.cost.gma == least(chain, gpu, channels: Array(1...4), chunks: chunks))
    }
  }

  @Test("Tiles of a grouped convolution with more than 512 filters do not cut its groups")
  func tiles() throws {
    let chain = try Chain(
      [layer("grouped", channels: 80, filters: 640, groups: 20, extent: 2)], precision: .fp32)
    for bytes in [4_096, 6_144, 8_192] {
      var draft = GPUDraft()
      draft.sharedMemoryPerBlock = bytes
      let gpu = try draft.gpu()
      let found = try TileExplorer(gpu: gpu, minBlocks: 1).best(of: chain)
      #expect(try found.cost.gma == least(chain, gpu, channels: Array(1...640), chunks: [[4]]))
    }
  }

  @Test("A kernel with more accesses than 64 bits count is left out")
  func uncountable() throws {
    let wide = 1 << 24
    let layers = try [
      layer("a", channels: wide, filters: 1024, extent: 2, batch: 16),
      layer("b", channels: 1024, filters: wide, extent: 2, batch: 16),
    ]
    let chain = try Chain(layers, precision: .fp32)
    let tiling = Tiling(rows: 1, columns: 1, channels: 1, reduction: [1, 1])
    let formula = AccessFormula(chain: chain, channels: ChannelSums(chain: chain, tiling: tiling))
    #expect(formula.total(held: 1, tiles: 1) == nil)
  }
}
