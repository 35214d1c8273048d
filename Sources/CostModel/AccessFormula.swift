import Hardware
import Scheduling
import Workload

/// The bytes of a chain's accesses as a function of its spatial tiles, with everything about channels worked out:
/// `held · Σrows · Σcolumns + perTile · tiles + output`, and for each residual the sums of its map. For searches that ask for many tiles; equal to
/// `AnalyticTraffic`'s total.
public struct AccessFormula: Hashable, Sendable {
  /// Bytes that each element of the held input costs, all channel tiles and chunks together.
  let perHeldElement: Int
  /// The part of it that blocks of later channel tiles repeat.
  let sweptPerHeldElement: Int
  /// Bytes of constants that each spatial tile of each image loads.
  let perTile: Int
  let output: Int
  /// Bytes that each element of a residual costs that the spatial tiles hold, and the map it lies in; none of a residual
  /// of the output, which costs what the output does.
  private let residuals: [Residual]

  private struct Residual: Hashable {
    let map, perHeldElement: Int
  }

  /// The most bytes that one kernel may access, 2⁴⁸, so that the kernels of a network add up in 64 bits.
  public static let limit = 1 << 48

  public init(chain: Chain, channels: ChannelSums) {
    let batch = chain.last.shape.batch
    let element = chain.elementType.bytes
    let unit = batch * chain.stages[0].inputs.count * element
    let input = chain.stages.count == 1 ? channels.input.asked : channels.input.onceABlock
    perHeldElement = saturatingProduct(unit, channels.input.asked)
    sweptPerHeldElement = saturatingProduct(unit, input - chain.stages[0].shape.inputChannels)
    var constants = 0
    for (stage, layer) in chain.stages.enumerated() {
      let filter = layer.hasWeights ? layer.shape.taps * element : 0
      let bias = layer.hasBias ? chain.precision.biasBytes : 0
      let multiplier = chain.hasMultipliers(stage) ? chain.precision.multiplierBytes : 0
      constants = saturatingSum(
        constants, saturatingProduct(channels.outputs[stage].asked, filter + bias + multiplier))
    }
    perTile = saturatingProduct(batch, constants)
    let last = chain.stages.count - 1
    output = chain.last.outputMap.elements * element * (chain.isEpilogue(last) ? 2 : 1)
    residuals = (1..<chain.stages.count).filter { $0 < last && chain.isEpilogue($0) }.map {
      Residual(map: $0 + 1, perHeldElement: saturatingProduct(batch * element, channels.outputs[$0].asked))
    }
  }

  /// Whether no spatial tiles cost less under `other`.
  public func isNoMore(than other: Self) -> Bool {
    perHeldElement <= other.perHeldElement && sweptPerHeldElement <= other.sweptPerHeldElement
      && perTile <= other.perTile && output <= other.output
      && zip(residuals, other.residuals).allSatisfy { $0.perHeldElement <= $1.perHeldElement }
  }

  /// Nil beyond `limit`.
  public func total(rows: AxisSums, columns: AxisSums) -> Bytes? {
    var added = 0
    for residual in residuals {
      let held = rows.totals[residual.map] * columns.totals[residual.map]
      added = saturatingSum(added, saturatingProduct(residual.perHeldElement, held))
    }
    return total(held: rows.totals[0] * columns.totals[0], tiles: rows.tiles * columns.tiles, added: added)
  }

  /// Bytes of the input that blocks of a later channel tile load again: re-reads of a chain of one, recomputation
  /// of a longer one but for what tiles that overlap in an intermediate share. Meant where `total` is not nil.
  public func swept(rows: AxisSums, columns: AxisSums) -> Bytes {
    Bytes(sweptPerHeldElement * rows.totals[0] * columns.totals[0])
  }

  /// - Parameters:
  ///   - held: Input elements of one channel that the spatial tiles hold, all together.
  ///   - tiles: Spatial tiles of one image.
  ///   - added: Bytes of residuals inside the chain.
  /// - Returns: Nil beyond `limit`.
  public func total(held: Int, tiles: Int, added: Int = 0) -> Bytes? {
    let (input, inputOverflows) = perHeldElement.multipliedReportingOverflow(by: held)
    let (constants, constantsOverflow) = perTile.multipliedReportingOverflow(by: tiles)
    guard !inputOverflows, !constantsOverflow, max(input, constants, output, added) <= Self.limit / 4 else {
      return nil
    }
    return Bytes(input + constants + output + added)
  }
}
