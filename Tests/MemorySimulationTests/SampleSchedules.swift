import Hardware
import Scheduling
import TestSupport
import Workload

@testable import MemorySimulation

/// A convolution to be altered one fact at a time, and the schedule that makes it: by default one block of one
/// warp, scalar accesses, no bias, no padding.
struct Sample {
  var batch = 1
  var channels = 1
  /// Of the output; nil for as many as the input has.
  var filters: Int?
  var groups = 1
  var rows = (extent: 4, window: 1, stride: 1, padding: 0)
  var columns = (extent: 8, window: 1, stride: 1, padding: 0)
  var hasBias = false
  var precision = Precision.fp32
  /// Output tile; nil for the whole axis.
  var tile: (rows: Int?, columns: Int?, channels: Int?) = (nil, nil, nil)
  /// Input channels at a time; nil for all.
  var chunk: Int?
  var vectorWidth = 1
  var order = BlockOrder.columnFastest

  func layer(_ name: String = "layer") throws -> Layer {
    func axis(_ axis: (extent: Int, window: Int, stride: Int, padding: Int)) throws -> WindowAxis {
      try WindowAxis(
        inputExtent: axis.extent, window: axis.window, stride: axis.stride, paddingBefore: axis.padding,
        paddingAfter: axis.padding)
    }
    let shape = try ConvolutionShape(
      batch: batch, inputChannels: channels, outputChannels: filters ?? channels, groups: groups,
      rows: axis(rows), columns: axis(columns))
    return Layer(
      name: name, operation: .convolution, shape: shape, hasBias: hasBias, inputs: [.input(0)])
  }

  func schedule() throws -> Schedule {
    let chain = try Chain([try layer()], precision: precision)
    let shape = chain.last.shape
    return try Schedule(
      chain,
      tiling: Tiling(
        rows: tile.rows ?? shape.rows.outputExtent, columns: tile.columns ?? shape.columns.outputExtent,
        channels: tile.channels ?? shape.outputChannels, reduction: [chunk ?? shape.channelsPerGroup]),
      lanes: LaneMap(threads: 32, vectorWidth: vectorWidth), order: order)
  }
}

extension Schedule {
  /// The same schedule with lanes that may move `width` elements at once.
  func with(vectorWidth width: Int) throws -> Schedule {
    try Schedule(
      chain, tiling: tiling,
      lanes: LaneMap(
        threads: lanes.threads, vectorWidth: width, buffers: lanes.buffers,
        channelsPerThread: lanes.channelsPerThread, keepsSlots: lanes.keepsSlots),
      order: order)
  }

  /// The loads and stores of all blocks.
  var moves: [(operand: Operand, region: Region)] {
    blocks.flatMap { block in
      steps(of: block).compactMap { step in
        switch step {
        case .load(let operand, let region): (operand, region)
        case .store(let region): (.ofm, region)
        case .compute, .barrier: nil
        }
      }
    }
  }

  /// Offsets of the elements of a region within its tensor, worked out slot by slot.
  func offsets(of operand: Operand, _ region: Region) -> Set<Int> {
    let layout = chain.layout(of: operand)
    var all: Set<Int> = []
    for outer in region.outer {
      for channel in region.channels {
        for row in region.rows.indices where row >= 0 {
          for column in region.columns.indices where column >= 0 {
            all.insert(layout.offset(outer: outer, channel: channel, row: row, column: column))
          }
        }
      }
    }
    return all
  }
}

extension OperandTraffic {
  /// The numbers without their shares by cause.
  var withoutCauses: Self {
    var traffic = self
    traffic.causes = SectorBooks()
    return traffic
  }
}
