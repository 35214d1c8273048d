import Hardware
import Scheduling
import Workload

/// Global memory accesses of a schedule in closed form: bytes per operand and cause, equal to the sum over all
/// blocks' load and store steps of the distinct elements of their regions.
///
/// The paper's equations (arXiv:2404.19331 §4) counted exactly: edge tiles clipped, padding not loaded, ⌈F ÷ tile⌉
/// channel tiles. An access has the first of these causes that applies:
/// 1. A block loads the element again: re-read; of weights, recompute, since an intermediate is made again.
/// 2. Blocks of an earlier channel tile loaded it: re-read in a chain of one, else recompute.
/// 3. Another spatial tile (for constants: or image) loaded it: of the input, halo, or recompute where tiles overlap
///    in an intermediate; of constants, re-read.
/// 4. Compulsory.
/// A residual is an input of the map that it is added to, so a block that makes the output asks for each element once.
public struct AnalyticTraffic: Hashable, Sendable {
  public let accesses: GlobalAccesses

  public init(_ schedule: Schedule) {
    self.init(
      chain: schedule.chain, rows: AxisSums(schedule.rows), columns: AxisSums(schedule.columns),
      channels: ChannelSums(chain: schedule.chain, tiling: schedule.tiling))
  }

  public init(chain: Chain, rows: AxisSums, columns: AxisSums, channels: ChannelSums) {
    var accesses = GlobalAccesses()
    let batch = chain.last.shape.batch
    let tiles = rows.tiles * columns.tiles * batch
    let single = chain.stages.count == 1
    for operand in chain.operands {
      func book(_ cause: AccessCause, _ elements: Int) {
        accesses[operand, cause] =
          accesses[operand, cause] + Bytes(elements * chain.elementBytes(of: operand))
      }
      switch operand {
      case .ifm:
        let distinct = rows.distinct[0] * columns.distinct[0]
        let held = rows.totals[0] * columns.totals[0]
        let all = chain.stages[0].shape.inputChannels
        book(.compulsory, batch * distinct * all)
        book(rows.recomputes || columns.recomputes ? .recompute : .halo, batch * (held - distinct) * all)
        book(single ? .reread : .recompute, batch * held * (channels.input.onceABlock - all))
        book(.reread, batch * held * (channels.input.asked - channels.input.onceABlock))
      case .residual(let stage):
        let map = stage + 1
        let held = rows.totals[map] * columns.totals[map]
        let all = chain.stages[stage].shape.outputChannels
        let count = channels.outputs[stage]
        book(.compulsory, batch * rows.distinct[map] * columns.distinct[map] * all)
        book(.recompute, batch * (held * count.onceABlock - rows.distinct[map] * columns.distinct[map] * all))
        book(.reread, batch * held * (count.asked - count.onceABlock))
      case .weights(let stage), .bias(let stage), .multipliers(let stage):
        let size = chain.elements(of: operand) / chain.stages[stage].shape.outputChannels
        let all = chain.stages[stage].shape.outputChannels
        let count = channels.outputs[stage]
        book(.compulsory, size * all)
        book(.reread, size * all * (tiles - 1))
        book(.recompute, size * (count.asked - all) * tiles)
      case .ofm:
        book(.compulsory, chain.elements(of: operand))
      }
    }
    self.accesses = accesses
  }
}
