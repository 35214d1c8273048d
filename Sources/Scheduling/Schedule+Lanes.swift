import Hardware
import Workload

/// One warp-wide memory instruction.
public enum WarpRequest {
  public static let lanes = 32
}

/// The lane map of the loads of one operand: which lane of which warp moves which element of a region.
///
/// The slots of a region are numbered outer, channel, row, column, the column fastest. `vectorWidth` neighbouring
/// slots of a *run* make one item; item `i` of a step belongs to thread `i mod threads` of those that take part in the load's rounds.
/// Where these are all of the block, which are a multiple of 32, it belongs to lane `i mod 32` of the step's warp request
/// `⌊i / 32⌋`. A lane is active when its slots hold elements.
///
/// NHWC: row, column, channel, the channel fastest, and a run is the channels of one slot. NCHW: a run is one row of slots; where every tile takes whole planes, the planes of all channels of the step; where
/// all channels are taken too, the whole region. So what lies in one piece in memory is moved in one piece.
///
/// Nominal sizes: the slots along rows and columns are as many for every tile of the schedule, edge tiles included;
/// the channels and filters are those of the step, fewer in a last chunk or a last channel tile.
public struct LaneWalk: Hashable, Sendable {
  public let layout: TensorLayout
  /// Elements that a lane moves at once.
  public let vectorWidth: Int
  /// Whether every tile takes all rows and columns of the tensor, and nothing but them.
  public let takesWholePlanes: Bool
  public let rounds: LoadRounds

  public init(layout: TensorLayout, vectorWidth: Int, takesWholePlanes: Bool, rounds: LoadRounds) {
    self.layout = layout
    self.vectorWidth = vectorWidth
    self.takesWholePlanes = takesWholePlanes
    self.rounds = rounds
  }

  /// Calls `body` with each warp request of a step in turn: the offsets in elements of the 32 lanes' first elements,
  /// −1 for inactive lanes, and the number of the first lane's first slot. `body` may overwrite the offsets.
  public func forEachRequest(
    of region: Region, _ body: (UnsafeMutableBufferPointer<Int>, Int) -> Void
  ) {
    withUnsafeTemporaryAllocation(of: Int.self, capacity: WarpRequest.lanes) { lanes in
      var buffer = RequestBuffer(lanes: lanes, width: vectorWidth, threads: rounds.threads)
      if layout.order == .hwc {
        walkPixels(of: region, &buffer, body)
      } else if takesWholePlanes {
        walkRuns(of: region, &buffer, body)
      } else {
        walkRows(of: region, &buffer, body)
      }
      buffer.finish(body)
    }
  }

  private func walkRuns(
    of region: Region, _ buffer: inout RequestBuffer, _ body: (UnsafeMutableBufferPointer<Int>, Int) -> Void
  ) {
    let perOuter = region.channels.count * layout.rows * layout.columns
    let isOneRun = region.channels.count == layout.channels
    let length = isOneRun ? perOuter * region.outer.count : perOuter
    for outer in isOneRun ? region.outer.prefix(1) : region.outer {
      let start = layout.offset(outer: outer, channel: region.channels.lowerBound, row: 0, column: 0)
      for first in stride(from: 0, to: length, by: vectorWidth) { buffer.append(start + first, body) }
    }
  }

  private func walkPixels(
    of region: Region, _ buffer: inout RequestBuffer, _ body: (UnsafeMutableBufferPointer<Int>, Int) -> Void
  ) {
    let channels = region.channels
    for outer in region.outer {
      for row in region.rows.indices {
        for column in region.columns.indices {
          let isHeld = row >= 0 && column >= 0
          let start = isHeld ? layout.offset(outer: outer, channel: 0, row: row, column: column) : -1
          for first in stride(from: channels.lowerBound, to: channels.upperBound, by: vectorWidth) {
            buffer.append(isHeld ? start + first : -1, body)
          }
        }
      }
    }
  }

  private func walkRows(
    of region: Region, _ buffer: inout RequestBuffer, _ body: (UnsafeMutableBufferPointer<Int>, Int) -> Void
  ) {
    let columns = region.columns.indices
    for outer in region.outer {
      for channel in region.channels {
        for row in region.rows.indices {
          let start = row < 0 ? 0 : layout.offset(outer: outer, channel: channel, row: row, column: 0)
          for first in stride(from: 0, to: columns.count, by: vectorWidth) {
            buffer.append(row < 0 || columns[first] < 0 ? -1 : start + columns[first], body)
          }
        }
      }
    }
  }
}

/// The lanes of the request that is being put together.
private struct RequestBuffer {
  let lanes: UnsafeMutableBufferPointer<Int>
  let width, threads: Int
  private var lane = 0
  private var item = 0
  /// Items of this round.
  private var inRound = 0

  init(lanes: UnsafeMutableBufferPointer<Int>, width: Int, threads: Int) {
    self.lanes = lanes
    self.width = width
    self.threads = threads
  }

  mutating func append(_ offset: Int, _ body: (UnsafeMutableBufferPointer<Int>, Int) -> Void) {
    lanes[lane] = offset
    lane += 1
    item += 1
    inRound += 1
    if inRound == threads {
      inRound = 0
      finish(body)
    } else if lane == WarpRequest.lanes {
      lane = 0
      body(lanes, (item - WarpRequest.lanes) * width)
    }
  }

  /// Passes on a round's last request, which may have fewer than 32 items.
  mutating func finish(_ body: (UnsafeMutableBufferPointer<Int>, Int) -> Void) {
    guard lane > 0 else { return }
    let first = (item - lane) * width
    for idle in lane..<WarpRequest.lanes { lanes[idle] = -1 }
    lane = 0
    body(lanes, first)
  }
}

extension Schedule {
  /// The lane map of `operand`, the same for all steps. Its vector width is the largest power of two up to the one
  /// asked for, at most 16 bytes, for which every item of every tile is whole, contiguous and aligned to its own
  /// size. Tensors start at multiples of 256 B.
  public func laneWalk(of operand: Operand) -> LaneWalk {
    let whole = takesWholePlanes(of: operand)
    // Outputs are stored from registers, and residuals come to them, in the lane map of those that make them.
    if let stage = resultStage(of: operand) {
      return laneWalk(of: operand, width: footprintModel.storeWidth(of: stage), whole: whole)
    }
    var width = max(1, min(lanes.vectorWidth, 16 / chain.elementBytes(of: operand)))
    while width > 1, !isSplit(operand, width, whole: whole) {
      width /= 2
    }
    return laneWalk(of: operand, width: width, whole: whole)
  }

  private func laneWalk(of operand: Operand, width: Int, whole: Bool) -> LaneWalk {
    LaneWalk(
      layout: chain.layout(of: operand), vectorWidth: width, takesWholePlanes: whole,
      rounds: loadRounds(of: operand, width: width, whole: whole))
  }

  /// The stage whose results `operand` holds or is added to; nil of what is staged.
  private func resultStage(of operand: Operand) -> Int? {
    switch operand {
    case .residual(let stage): stage
    case .ofm: chain.stages.count - 1
    case .ifm, .weights, .bias, .multipliers: nil
    }
  }

  /// Elements that a lane moves at once of `operand`.
  public func vectorWidth(of operand: Operand) -> Int { laneWalk(of: operand).vectorWidth }

  /// Calls `body` with each warp request of a step that moves `region`, `width` elements a lane.
  public func forEachWarpRequest(
    of operand: Operand, _ region: Region, width: Int, _ body: (UnsafeMutableBufferPointer<Int>, Int) -> Void
  ) {
    laneWalk(of: operand, width: width, whole: takesWholePlanes(of: operand))
      .forEachRequest(of: region, body)
  }

  /// Index of `operand` among the chain's maps; nil for constants.
  private func map(of operand: Operand) -> Int? {
    switch operand {
    case .ifm: 0
    case .ofm: chain.stages.count
    case .residual(let stage): stage + 1
    case .weights, .bias, .multipliers: nil
    }
  }

  func takesWholePlanes(of operand: Operand) -> Bool {
    guard let map = map(of: operand) else { return true }
    let layout = chain.layout(of: operand)
    // Indices ascend, so as many of them as the map has are all of them.
    func isWhole(_ slots: AxisSlots, _ extent: Int) -> Bool {
      slots.count == extent && slots.indices.count == extent
    }
    return rows.slots.allSatisfy { isWhole($0[map], layout.rows) }
      && columns.slots.allSatisfy { isWhole($0[map], layout.columns) }
  }

  private func isSplit(_ operand: Operand, _ width: Int, whole: Bool) -> Bool {
    if chain.layout(of: operand).order == .hwc { return tiling.inputGrain(of: 0, in: chain) % width == 0 }
    return whole ? runs(of: operand, split: width) : rows(of: operand, split: width)
  }

  /// Whether runs of whole planes start and end at multiples of `width` in every step.
  private func runs(of operand: Operand, split width: Int) -> Bool {
    let layout = chain.layout(of: operand)
    let plane = layout.rows * layout.columns
    switch operand {
    case .ifm: return tiling.inputGrain(of: 0, in: chain) * plane % width == 0
    case .residual(let stage): return tiling.outputGrain(of: stage, in: chain) * plane % width == 0
    case .ofm: return tiling.outputGrain(of: chain.stages.count - 1, in: chain) * plane % width == 0
    case .bias(let stage), .multipliers(let stage):
      return tiling.outputGrain(of: stage, in: chain) % width == 0
    case .weights(let stage): return footprintModel.loadsFilters(of: stage, by: width)
    }
  }

  /// Whether each row of slots splits into whole, aligned items in every tile.
  private func rows(of operand: Operand, split width: Int) -> Bool {
    guard let map = map(of: operand), chain.layout(of: operand).columns % width == 0 else { return false }
    return columns.slots.allSatisfy { tile in
      let indices = tile[map].indices
      guard indices.count % width == 0 else { return false }
      return stride(from: 0, to: indices.count, by: width).allSatisfy { first in
        let item = indices[first..<first + width]
        if item.allSatisfy({ $0 < 0 }) { return true }
        return indices[first] >= 0 && indices[first] % width == 0
          && item.enumerated().allSatisfy { $0.element == indices[first] + $0.offset }
      }
    }
  }
}
