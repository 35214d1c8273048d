import ConcurrentMap
import Hardware
import Scheduling
import Workload

/// Runs a schedule step by step on staged data only: the witness that its tiles, halos and order are right.
///
/// Blocks are independent, so the result does not depend on `threads`; the algorithm's reduction order is kept
/// whatever the chunks, so the bits are those of the reference.
public struct ScheduleExecutor: Sendable {
  public let schedule: Schedule
  /// One a stage.
  public let parameters: [LayerParameters]
  /// Of FP32 convolutions, one a stage.
  public let orders: [ReductionOrder]
  /// The slot that each output slot of each stage reads through each tap.
  let rowTapSlots, columnTapSlots: [[Int]]

  /// - Throws: `ExecutionError` where parameters do not fit or an order cannot be kept by the schedule's chunks.
  public init(
    _ schedule: Schedule, parameters: [LayerParameters], orders: [ReductionOrder]? = nil
  ) throws(ExecutionError) {
    let stages = schedule.chain.stages
    self.schedule = schedule
    self.parameters = parameters
    rowTapSlots = stages.indices.map { schedule.rows.tapSlots(of: $0) }
    columnTapSlots = stages.indices.map { schedule.columns.tapSlots(of: $0) }
    self.orders = orders ?? Array(repeating: .chain, count: stages.count)
    guard parameters.count == stages.count, self.orders.count == stages.count else {
      throw .operandsDoNotFit(layer: stages[0].name)
    }
    for (stage, layer) in stages.enumerated() {
      guard Self.fits(parameters[stage], layer, schedule.chain.elementType) else {
        throw .operandsDoNotFit(layer: layer.name)
      }
      try checkOrder(of: stage)
    }
  }

  /// The output feature map, `[batch][channels][rows][columns]`.
  /// - Parameter inputs: In the order of `Chain.inputs`.
  public func output(of inputs: [TensorValues], threads: Int = 1) throws(ExecutionError) -> TensorValues {
    let chain = schedule.chain
    guard
      inputs.count == chain.inputs.count,
      zip(inputs, chain.inputs).allSatisfy({
        $0.count == chain.elements(of: $1) && $0.elementType == chain.elementType
      })
    else { throw .operandsDoNotFit(layer: chain.stages[0].name) }
    switch schedule.chain.elementType {
    case .fp32:
      let arithmetic = FloatArithmetic(self)
      let operands = inputs.map { if case .fp32(let values) = $0 { values } else { [Float]() } }
      return .fp32(try assemble(arithmetic, operands, threads: threads))
    case .int8:
      let arithmetic = IntegerArithmetic(self)
      let operands = inputs.map { if case .int8(let values) = $0 { values } else { [Int8]() } }
      return .int8(try assemble(arithmetic, operands, threads: threads))
    }
  }

  private func assemble<A: BlockArithmetic>(
    _ arithmetic: A, _ inputs: [[A.Stored]], threads: Int
  ) throws(ExecutionError) -> [A.Stored] {
    let blocks = schedule.blocks
    // A few hundred blocks at a time, so that results are put in place while they are fresh.
    var output = [A.Stored](repeating: A.unwritten, count: schedule.chain.last.outputMap.elements)
    for first in stride(from: 0, to: blocks.count, by: 256) {
      let group = first..<min(first + 256, blocks.count)
      let tiles = concurrentMap(count: group.count, threads: threads) { index in
        var interpreter = BlockInterpreter(arithmetic, block: blocks[first + index], inputs: inputs)
        return interpreter.run(schedule.steps(of: blocks[first + index]))
      }
      for stored in tiles {
        for tile in try stored.get() { try place(tile, in: &output) }
      }
    }
    return output
  }

  private func place<Stored>(
    _ tile: StoredTile<Stored>, in output: inout [Stored]
  ) throws(ExecutionError) {
    let region = tile.region
    guard tile.values.count == region.elements.count else {
      throw .storeDoesNotFit(layer: schedule.chain.last.name)
    }
    let layout = schedule.chain.valueLayout(of: .ofm)
    var next = 0
    for channel in region.channels {
      for row in region.rows.indices where row >= 0 {
        for column in region.columns.indices where column >= 0 {
          output[layout.offset(outer: region.outer.lowerBound, channel: channel, row: row, column: column)] =
            tile.values[next]
          next += 1
        }
      }
    }
  }

  private static func fits(_ parameters: LayerParameters, _ layer: Layer, _ type: ElementType) -> Bool {
    let weights = layer.hasWeights ? layer.shape.filterElements : 0
    let biases = layer.hasBias ? layer.shape.outputChannels : 0
    switch parameters {
    case .fp32(let w, let b): return type == .fp32 && w.count == weights && b.count == biases
    case .int8(let q):
      let scales = q.weightScales.count
      return type == .int8 && q.weights.count == weights && q.bias.count == biases
        && q.inputs.count == layer.inputs.count
        && (!layer.hasWeights || scales == 1 || scales == layer.shape.outputChannels)
    }
  }

  private func checkOrder(of stage: Int) throws(ExecutionError) {
    guard schedule.chain.mixesChannels(stage), schedule.chain.elementType == .fp32 else { return }
    let layer = schedule.chain.stages[stage]
    let chunk = schedule.tiling.reduction[stage]
    guard orders[stage].innermost == .channel, chunk < layer.shape.inputChannels else { return }
    let block = orders[stage].restart ?? layer.shape.inputChannels
    if chunk % block != 0 { throw .chunkCutsBlock(layer: layer.name, chunk: chunk, block: block) }
  }
}
