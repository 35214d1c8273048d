import CostModel
import Hardware
import Scheduling
import Workload

/// DRAM traffic of one schedule in closed form, the `dram` objective.
///
/// Compulsory: the distinct 32-byte sectors of every tensor, each tensor starting on a sector. A repeat reaches DRAM
/// only where more distinct bytes than the L2 holds lie between two uses, with channel tiles outermost:
/// - input again for the next channel tile: the input of one image, a channel tile's constants and its output;
/// - every other repeat (halo, constants for the next spatial tile, a second pass of a block): what a wave of one
///   block a multiprocessor accesses. More resident blocks would touch more, but what is resident depends on lanes
///   and registers, and the objective is to depend on tiles alone.
public struct DRAMEstimate: Hashable, Sendable {
  public let compulsory: Bytes
  public let capacity: Bytes
  public var total: Bytes { compulsory + capacity }

  public init(_ schedule: Schedule, on gpu: GPU) {
    let channels = ChannelSums(chain: schedule.chain, tiling: schedule.tiling)
    let formula = AccessFormula(chain: schedule.chain, channels: channels)
    let (rows, columns) = (AxisSums(schedule.rows), AxisSums(schedule.columns))
    let model = DRAMModel(schedule.chain, on: gpu)
    compulsory = model.compulsory
    let blocks = schedule.blocks.count
    capacity =
      formula.total(rows: rows, columns: columns).map { accesses in
        model.capacity(
          accesses: accesses, swept: formula.swept(rows: rows, columns: columns), blocks: blocks,
          channelTiles: schedule.channelTiles)
      } ?? Bytes(AccessFormula.limit)
  }
}

/// What is the same for every tiling of a chain on a GPU.
struct DRAMModel {
  /// Distinct sectors of every operand. They do not depend on the tiling, only on what the chain touches.
  let compulsory: Bytes
  /// Distinct bytes of every operand.
  private let distinct: Int
  /// Bytes of one image's input, of all constants, and of one image's output with the residuals added on the way to it.
  private let image, constants, output: Int
  private let l2: Int
  private let multiprocessors: Int

  init(_ chain: Chain, on gpu: GPU) {
    let (rows, columns) = (Self.touched(chain, \.rows, of: 0), Self.touched(chain, \.columns, of: 0))
    let map = chain.stages[0].inputMap
    let element = chain.elementType.bytes
    var sectors = 0
    var (constants, added) = (0, 0)
    for operand in chain.operands {
      let bytes = chain.elements(of: operand) * chain.elementBytes(of: operand)
      switch operand {
      case .ifm: sectors += Self.sectors(of: map, rows: rows, columns: columns, element: element)
      case .weights, .bias, .multipliers:
        sectors += (bytes + 31) / 32
        constants += bytes
      case .residual(let stage):
        sectors += Self.sectors(
          of: chain.stages[stage].outputMap, rows: Self.touched(chain, \.rows, of: stage + 1),
          columns: Self.touched(chain, \.columns, of: stage + 1), element: element)
        added += bytes
      case .ofm: sectors += (bytes + 31) / 32
      }
    }
    compulsory = Bytes(sectors * 32)
    image = chain.stages[0].inputs.count * map.channels * rows.count * columns.count * element
    output = (chain.elements(of: .ofm) * element + added) / map.batch
    self.constants = constants
    distinct = (image + output) * map.batch + constants
    l2 = gpu.l2.capacity.count
    multiprocessors = gpu.multiprocessors
  }

  /// Bytes of repeats that reach DRAM. They never fall with the accesses or what is swept, all else being equal.
  /// - Parameters:
  ///   - accesses: All accesses of the schedule.
  ///   - swept: Those of the input that blocks of later channel tiles repeat.
  func capacity(
    accesses: Bytes, swept: Bytes, blocks: Int, channelTiles: Int
  ) -> Bytes {
    let wave = accesses.count / blocks * min(blocks, multiprocessors)
    let sweep = image + (constants + output) / channelTiles
    let repeated = accesses.count - distinct
    return Bytes((sweep > l2 ? swept.count : 0) + (wave > l2 ? repeated - swept.count : 0))
  }

  /// Sectors of the input that some tap reads; strides and dilations may skip rows and columns.
  private static func sectors(of map: FeatureMap, rows: [Int], columns: [Int], element: Int) -> Int {
    if rows.count == map.rows, columns.count == map.columns { return (map.elements * element + 31) / 32 }
    var last = -1
    var sectors = 0
    for plane in 0..<map.batch * map.channels {
      for row in rows {
        for column in columns {
          let sector = ((plane * map.rows + row) * map.columns + column) * element / 32
          if sector != last {
            sectors += 1
            last = sector
          }
        }
      }
    }
    return sectors
  }

  /// Indices of a map that the whole output needs along one axis.
  private static func touched(
    _ chain: Chain, _ axis: KeyPath<ConvolutionShape, WindowAxis>, of map: Int
  ) -> [Int] {
    let windows = chain.stages.map { $0.shape[keyPath: axis] }
    let whole = AxisTiling(windows: windows, tile: windows[windows.count - 1].outputExtent)
    return whole.slots[0][map].indices.filter { $0 >= 0 }
  }
}
