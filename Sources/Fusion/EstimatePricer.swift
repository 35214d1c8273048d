import CostModel
import Hardware
import Scheduling
import Workload

/// Prices the tiles of one chain by `time` or `energy`: the estimate of the closed form's work, and before it a lower
/// bound that needs no lanes.
struct EstimatePricer {
  private let chain: Chain
  private let gpu: GPU
  private let objective: Objective
  private let rows, columns: [Int: (tiling: AxisTiling, sums: AxisSums)]

  init(_ chain: Chain, _ explorer: TileExplorer, rows: [AxisTiling], columns: [AxisTiling]) {
    self.chain = chain
    gpu = explorer.gpu
    objective = explorer.objective
    func index(_ tilings: [AxisTiling]) -> [Int: (tiling: AxisTiling, sums: AxisSums)] {
      Dictionary(tilings.map { ($0.tile, ($0, AxisSums($0))) }) { first, _ in first }
    }
    self.rows = index(rows)
    self.columns = index(columns)
  }

  /// What a tile costs with the cheapest of some lane maps, of equals the first, or nil where it is of no use with any. Bank
  /// conflicts, which only add to an estimate, are looked for where it is of use without them.
  /// - Parameter lanes: Legal ones.
  func price(
    _ tiling: Tiling, _ lanes: [LaneMap], dram: Bytes, gma: Bytes, isOfUse: (Cost) -> Bool
  ) -> (cost: Cost, lanes: LaneMap)? {
    guard let row = rows[tiling.rows], let column = columns[tiling.columns] else {
      preconditionFailure("the tile is none of the search's")
    }
    let accesses = AnalyticTraffic(
      chain: chain, rows: row.sums, columns: column.sums,
      channels: ChannelSums(chain: chain, tiling: tiling)
    ).accesses
    func cost(_ lanes: LaneMap, countsConflicts: Bool) -> Cost {
      let schedule = Schedule(
        unchecked: chain, tiling: tiling, lanes: lanes, order: .columnFastest, rows: row.tiling,
        columns: column.tiling)
      let work = KernelWork(
        schedule, on: gpu, accesses: accesses, dram: dram, countsConflicts: countsConflicts)
      return Cost(primary: objective.estimate(of: work, on: gpu), gma: gma)
    }
    let bounded = lanes.enumerated().map {
      (number: $0, cost: cost($1, countsConflicts: false), lanes: $1)
    }
    var cheapest: (number: Int, cost: Cost, lanes: LaneMap)?
    for (number, bound, lanes) in bounded.sorted(by: { ($0.cost, $0.number) < ($1.cost, $1.number) }) {
      if !isOfUse(bound) { break }
      if let cheapest, cheapest.cost < bound { break }
      let cost = cost(lanes, countsConflicts: true)
      if cheapest.map({ (cost, number) < ($0.cost, $0.number) }) ?? true { cheapest = (number, cost, lanes) }
    }
    return cheapest.flatMap { isOfUse($0.cost) ? ($0.cost, $0.lanes) : nil }
  }

  /// No more than `price`, whatever the lanes: the bytes of every access as if sectors were always whole, the
  /// multiply-accumulates in full warps, and the fewest shared-memory reads that a register tile allows.
  func bound(
    _ channels: ChannelSums, _ rows: AxisSums, _ columns: AxisSums, blocks: Int, accesses: Bytes, dram: Bytes
  ) -> ObjectiveValue {
    let tiles = rows.tiles * columns.tiles
    return bound(
      channels, blocks: blocks, warps: blocks, isDistributed: true, accesses: accesses, dram: dram
    ) { map in
      Double(tiles) * Double(rows.slots[map] * columns.slots[map])
    }
  }

  /// No more than `bound` of any tile: each output that is needed is computed once, and the blocks fill the GPU.
  func leastBound(
    _ channels: ChannelSums, _ rows: AxisSums, _ columns: AxisSums, accesses: Bytes, dram: Bytes
  ) -> ObjectiveValue {
    let blocks = gpu.multiprocessors * gpu.blocksPerMultiprocessor
    // The busiest multiprocessor has a block at least, and in all there may be no more than one for each.
    return bound(
      channels, blocks: blocks, warps: gpu.multiprocessors, isDistributed: false, accesses: accesses,
      dram: dram
    ) { map in
      Double(rows.distinct[map] * columns.distinct[map])
    }
  }

  /// - Parameters:
  ///   - warps: As many stage something, at least.
  ///   - isDistributed: Whether there are so many blocks to hand out, or only so many at once.
  ///   - pixels: Of one channel of a map that all spatial tiles compute.
  private func bound(
    _ channels: ChannelSums, blocks: Int, warps: Int, isDistributed: Bool, accesses: Bytes, dram: Bytes,
    pixels: (Int) -> Double
  ) -> ObjectiveValue {
    var multiplyAdds = 0.0
    var packed = 0.0
    var (joined, joining) = (0.0, 0.0)
    var reads = 0.0
    var perWarp: [Double] = []
    for (stage, layer) in chain.stages.enumerated() {
      let outputs = Double(chain.last.shape.batch) * Double(channels.computed(stage)) * pixels(stage + 1)
      let products = outputs * Double(layer.shape.taps) / Double(gpu.warpSize)
      perWarp.append(outputs / Double(gpu.warpSize))
      if layer.hasWeights {
        if chain.mayTakePacks(stage) {
          packed += products
        } else if chain.mayJoinTaps(stage) {
          // Four taps at once, none alone: no more products than one by one.
          joined += products / Double(ComputePath.dotChannels)
          joining +=
            outputs * KernelWork.leastDepthwiseInstructions(taps: layer.shape.taps) / Double(gpu.warpSize)
        } else {
          multiplyAdds += products
        }
      }
      reads += products * LaneLegality.leastReadsPerProduct(chain, stage)
    }
    // A little less, for sums of doubles are rounded.
    let (adds, shared) = (whole(multiplyAdds * 0.999_999), whole(reads * 0.999_999))
    // Products of packs by whatever does most of them a clock, in as few instructions as matrices take.
    let perMatrix = Double(ComputePath.matrixProducts / gpu.warpSize)
    let throughput = gpu.estimates.throughput
    let hasFastMatrices = throughput.int8MatrixProducts >= ComputePath.dotChannels * throughput.int32Lanes
    let matrices = whole(packed / perMatrix * 0.999_999)
    let dots = whole(packed / Double(ComputePath.dotChannels) * 0.999_999)
    let depthwise = whole(joined * 0.999_999)
    let sectors = accesses.count / gpu.sector.count
    // Outputs go from registers to memory. So do residuals, the other way, and by how often a tile asks for them again: where there are
    // any nothing is claimed of what is staged.
    let staged = chain.operands.reduce(accesses) { rest, operand in
      switch operand {
      case .ofm: rest - Bytes(chain.elements(of: operand) * chain.elementBytes(of: operand))
      case .residual: .zero
      case .ifm, .weights, .bias, .multipliers: rest
      }
    }
    let others = KernelWork.leastOverhead(
      chain, staged: max(.zero, staged), warps: warps, outputs: perWarp)
    // What brings bytes together is beside what multiplies them; one by one it is the other way round, and as much together.
    let work = KernelWork(
      blocks: blocks, residentBlocks: gpu.blocksPerMultiprocessor, elementType: chain.elementType,
      multiplyAdds: adds, instructions: adds + matrices + depthwise + shared, sharedWavefronts: shared,
      l1Sectors: sectors,
      l2Sectors: sectors, dramBytes: dram.count, warps: gpu.threadsPerBlock / gpu.warpSize, waits: 1,
      sectorsFromL1: 0, sectorsFromL2: 0, sectorsFromDRAM: 1,
      dotProducts: depthwise + (hasFastMatrices ? 0 : dots),
      matrices: hasFastMatrices ? matrices : 0,
      overhead: others + whole(joining * 0.999_999) - depthwise)
    return objective.estimate(of: work, on: gpu, isDistributed: isDistributed)
  }

  private func whole(_ value: Double) -> Int { Int(min(value, Double(1 << 50))) }
}

extension Chain {
  /// Whether a stage in INT8 may take several input channels at once.
  fileprivate func mayTakePacks(_ stage: Int) -> Bool {
    elementType == .int8 && mixesChannels(stage) && (axisOrder == .hwc || stages[stage].shape.isOfOnePixel)
  }

  /// Whether a stage with weights may multiply four taps at once.
  fileprivate func mayJoinTaps(_ stage: Int) -> Bool {
    elementType == .int8 && axisOrder == .hwc && isPlainDepthwise(stage)
  }
}

extension LaneLegality {
  /// Shared-memory reads for each product of a stage, at least: a register tile of `c` channels × `p` pixels reads `c + p`
  /// values for `c · p` products where channels are mixed, else a value for each product, or each row of values that windows share once, and a weight for `p`. NHWC reads
  /// values and weights of several channels at once, where they are mixed up to a matrix of them, as do maps of one pixel: nothing is claimed for
  /// those. An add inside a chain reads registers.
  static func leastReadsPerProduct(_ chain: Chain, _ stage: Int) -> Double {
    guard chain.stages[stage].hasWeights else { return chain.isEpilogue(stage) ? 0 : 1 }
    let isChannelsFirst = chain.axisOrder == .hwc
    if chain.mixesChannels(stage) {
      // Of filters several channels are read at once.
      return isChannelsFirst || chain.stages[stage].shape.isOfOnePixel
        ? 0 : 1 / Double(LaneMap.mostChannels) + 1 / Double(4 * LaneMap.mostPixels)
    }
    let rows = chain.stages[stage].shape.rows
    func reads(channels: Int) -> Double {
      let slides = FootprintModel.maySlideWindows(chain, stage, channels: channels)
      let pixels = slides ? FootprintModel.slidingPixels : FootprintModel.unmixedPixels
      let values =
        slides ? Double(rows.span(of: pixels)) / Double(rows.window) : Double(pixels)
      return (values + 1) / Double(pixels * channels)
    }
    let one = reads(channels: 1)
    return isChannelsFirst
      ? min(one, reads(channels: 2), reads(channels: FootprintModel.mostChannelsRead)) : one
  }
}
