import Hardware
import Workload

/// What a block of a chain takes of a multiprocessor, from tile sizes alone: cheap enough to ask for every tile.
///
/// Shared memory is exact for the staging buffers that the steps name, but where groups have several filters the
/// input's is for a run of outputs that begins at a group's last, though none may. Registers are an estimate: 24 for addresses
/// and loop state, plus the accumulators that a thread keeps: all its outputs of a stage whose reduction comes in
/// chunks, `channelsPerThread` of a stage that reduces at once.
public struct FootprintModel: Sendable {
  let chain: Chain
  let tiling: Tiling
  let lanes: LaneMap
  /// Slots along rows and columns of each map.
  let rowSlots, columnSlots: [Int]

  public static let baseRegisters = 24

  public init(chain: Chain, tiling: Tiling, lanes: LaneMap, rowSlots: [Int], columnSlots: [Int]) {
    self.chain = chain
    self.tiling = tiling
    self.lanes = lanes
    self.rowSlots = rowSlots
    self.columnSlots = columnSlots
  }

  public var footprint: BlockFootprint {
    BlockFootprint(
      threads: lanes.threads, registersPerThread: registersPerThread, sharedMemory: sharedMemory)
  }

  /// The most output channels of `stage` that are asked for at once.
  public func producedChannels(of stage: Int) -> Int {
    let last = chain.stages.count - 1
    if stage == last { return tiling.channels }
    return consumedChannels(of: stage + 1)
  }

  /// The most input channels that `stage` takes at once.
  public func consumedChannels(of stage: Int) -> Int {
    if chain.mixesChannels(stage) { return tiling.reduction[stage] }
    let shape = chain.stages[stage].shape
    let produced = producedChannels(of: stage)
    // A run of outputs may begin at the last filter of a group.
    let groups = min(shape.groups, (produced + shape.filtersPerGroup - 2) / shape.filtersPerGroup + 1)
    return groups * shape.channelsPerGroup
  }

  private func buffers(of operand: Operand) -> Int {
    tiling.isStreamed(operand, in: chain) ? lanes.buffers : 1
  }

  public var sharedMemory: Bytes {
    var bytes = 0
    let element = chain.elementType.bytes
    let inputs = chain.stages[0].inputs.count
    bytes +=
      inputs * consumedChannels(of: 0) * rowSlots[0] * columnSlots[0] * element
      * buffers(of: .ifm(0))
    for (stage, layer) in chain.stages.enumerated() {
      let produced = producedChannels(of: stage)
      if layer.hasWeights {
        let reduced = chain.mixesChannels(stage) ? tiling.reduction[stage] : layer.shape.channelsPerGroup
        bytes +=
          produced * reduced * layer.shape.rows.window * layer.shape.columns.window * element
          * buffers(of: .weights(stage: stage))
      }
      let constants =
        (layer.hasBias ? chain.precision.biasBytes : 0)
        + (chain.hasMultipliers(stage) ? chain.precision.multiplierBytes : 0)
      bytes = roundUp(bytes, to: 4)
      bytes += produced * constants * buffers(of: .bias(stage: stage))
      if stage < chain.stages.count - 1 {
        bytes += produced * rowSlots[stage + 1] * columnSlots[stage + 1] * element
      }
    }
    return Bytes(bytes)
  }

  public var registersPerThread: Int {
    var registers = Self.baseRegisters
    for stage in chain.stages.indices {
      let outputs = producedChannels(of: stage) * rowSlots[stage + 1] * columnSlots[stage + 1]
      let all = (outputs + lanes.threads - 1) / lanes.threads
      registers += tiling.isChunked(stage, in: chain) ? all : min(all, lanes.channelsPerThread)
    }
    return registers
  }

  private func roundUp(_ value: Int, to multiple: Int) -> Int {
    (value + multiple - 1) / multiple * multiple
  }
}

extension Schedule {
  public var footprint: BlockFootprint {
    FootprintModel(
      chain: chain, tiling: tiling, lanes: lanes, rowSlots: rows.offsets.map(\.count),
      columnSlots: columns.offsets.map(\.count)
    ).footprint
  }

  public func occupancy(on gpu: GPU) -> Occupancy { Occupancy(footprint, on: gpu) }
}
