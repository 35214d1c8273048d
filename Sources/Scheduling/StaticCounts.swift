import Workload

/// How often an instruction stands in a kernel's machine code, however often it runs: what follows from the schedule where
/// the kernel's text is unrolled by its constants. `Tests/machine-code` holds it against the disassembly.
///
/// A stage's items are one loop, of which each pass makes `channels × pixels` outputs; but where a thread keeps the sums of
/// all its items from chunk to chunk, each of these is code of its own. A load is one loop over the items of a step. Where no
/// stage goes through chunks the code runs through the steps of a block once, each of which stands there once.
public struct StaticCounts: Hashable, Sendable {
  /// Stores of outputs.
  public let stores: Int
  /// Loads of residuals.
  public let residualLoads: Int
  /// Whether each step of a block stands in the code once. Elsewhere a load stands there at least once.
  public let hasStepsOnce: Bool
  /// Barriers that a block meets; how many the code has of them only `hasStepsOnce` says.
  public let barriers: Int
  /// Of each stage, what its inner loop multiplies and reads at once.
  public let products: [Products]

  /// The smallest piece of a stage's inner loop: one input channel, or pack or matrix of them, and one tap, or all taps of windows that
  /// slide.
  public struct Products: Hashable, Sendable {
    /// The machine instruction that multiplies, by the disassembly's name.
    public enum Instruction: String, Hashable, Sendable {
      /// `fmaf`
      case multiplyAdd = "FFMA"
      /// `dp4a`
      case dotProduct = "IDP"
      case matrix = "IMMA"
      /// The compiler chooses.
      case any
    }

    public let instruction: Instruction
    /// Instructions. A matrix is one from sm_80 on, and four quarters before.
    public let count: Int
    /// Bytes of values and weights that a lane reads of shared memory.
    public let bytes: Int
    /// Bytes of biases and multipliers that a lane reads at an item's end.
    public let constantBytes: Int
    /// Pieces of the code that have such a loop each.
    public let copies: Int
  }
}

extension Schedule {
  public var staticCounts: StaticCounts {
    let stages = chain.stages.indices
    let barriers = blocks.first.map { steps(of: $0).filter { $0 == .barrier }.count } ?? 0
    return StaticCounts(
      stores: resultInstructions(of: chain.stages.count - 1),
      residualLoads: stages.filter(chain.isEpilogue).reduce(0) { $0 + resultInstructions(of: $1) },
      hasStepsOnce: !stages.contains { tiling.isChunked($0, in: chain) }, barriers: barriers,
      products: stages.compactMap { products(of: $0) })
  }

  /// Instructions that move the results of `stage` between registers and global memory.
  private func resultInstructions(of stage: Int) -> Int {
    let maker = chain.maker(of: stage)
    // Pools, and adds that begin a chain, take one output after the other.
    guard chain.stages[maker].hasWeights else { return 1 }
    let lanes = ComputeLanes(self, stage: maker, channels: footprintModel.producedChannels(of: maker))
    return codeCopies(of: maker) * lanes.channelsKept / lanes.storeWidth * lanes.tile.pixels
  }

  private func codeCopies(of stage: Int) -> Int {
    tiling.isChunked(stage, in: chain) ? itemsPerThread(of: stage) : 1
  }

  private func products(of stage: Int) -> StaticCounts.Products? {
    guard chain.stages[stage].hasWeights else { return nil }
    let (tile, element) = (registerTile(of: stage), chain.elementType.bytes)
    let isFP32 = chain.precision == .fp32
    // Unmixed channels have each their own values.
    let values = chain.mixesChannels(stage) ? tile.pixels : tile.pixels * tile.channels
    let lanes = ComputeLanes(self, stage: stage, channels: footprintModel.producedChannels(of: stage))
    let instruction: StaticCounts.Products.Instruction
    let (count, read): (Int, Int)
    switch footprintModel.path(of: stage) {
    case .elements where footprintModel.slidesWindows(of: stage):
      let (rows, columns) = (chain.stages[stage].shape.rows, chain.stages[stage].shape.columns)
      let taps = rows.window * columns.window
      (instruction, count) = (isFP32 ? .multiplyAdd : .any, tile.channels * tile.pixels * taps)
      read = tile.channels * (lanes.rowsRead(rows) * columns.window + taps) * element
    case .elements:
      (instruction, count) = (isFP32 ? .multiplyAdd : .any, tile.channels * tile.pixels)
      read = (values + tile.channels) * element
    case .packs(let size):
      instruction = isFP32 ? .multiplyAdd : .dotProduct
      count = tile.channels * tile.pixels * (isFP32 ? size : size / 4)
      read = (values + tile.channels) * size * element
    case .filterPacks(let size):
      (instruction, count) = (isFP32 ? .multiplyAdd : .any, tile.channels * tile.pixels * size)
      read = (values + tile.channels) * size * element
    case .matrix:
      (instruction, count) = (.matrix, tile.channels / 2 * tile.pixels / 2)
      read = (2 * lanes.pixelsRead + tile.channels) * 4
    }
    let constants = chain.constantBytes(of: stage).reduce(0, +)
    return StaticCounts.Products(
      instruction: instruction, count: count, bytes: read, constantBytes: lanes.channelsKept * constants,
      copies: codeCopies(of: stage))
  }
}
