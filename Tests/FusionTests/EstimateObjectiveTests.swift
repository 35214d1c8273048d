import CostModel
import Hardware
import ModelFiles
import Scheduling
import TestSupport
import Testing
import Workload

@testable import Fusion

/// Plans by `time` and `energy`.
@Suite struct EstimateObjectiveTests {
  private func smallGPU(_ seed: Int, _ change: (inout GPUDraft) -> Void = { _ in }) throws -> GPU {
    var draft = GPUDraft()
    draft.sharedMemoryPerBlock = [640, 2048, 4096][seed % 3]
    draft.reserved = 0
    draft.carveOuts = [8 << 10]
    draft.multiprocessors = [2, 7, 48][seed % 3]
    change(&draft)
    return try draft.gpu()
  }

  /// Lanes that a price may choose from, those of equal register tiles among them.
  private func lanes(_ chain: Chain, around found: LaneMap) -> [LaneMap] {
    var all = [found]
    // Four channels that lie side by side are read at once.
    let readsRuns = chain.stages.contains { layer in
      layer.hasWeights && layer.shape.isDepthwise && layer.shape.filtersPerGroup == 1
    }
    let least = chain.axisOrder == .chw ? 1 : readsRuns ? 4 : 2
    for threads in [found.threads / 2, found.threads, 2 * found.threads] where (32...1024).contains(threads) {
      for (channels, mostPixels) in [(1, 16), (2, 16), (4, 8), (8, 4)]
      where channels >= least {
        for pixels in [1, 2, 4, 8, 16] where pixels <= mostPixels {
          all.append(
            LaneMap(
              threads: threads, vectorWidth: found.vectorWidth, buffers: found.buffers,
              channelsPerThread: channels, pixelsPerThread: pixels, usesTensorCores: found.usesTensorCores,
              slidesWindows: found.slidesWindows, keepsSlots: found.keepsSlots))
        }
      }
    }
    return all
  }

  /// The least price of every tile that the search considers with all lanes, one after the other, without bounds.
  private func leastCost(_ chain: Chain, _ explorer: TileExplorer) throws -> Cost? {
    let rows = AxisCandidates(windows: chain.stages.map(\.shape.rows)).sums
    let columns = AxisCandidates(windows: chain.stages.map(\.shape.columns)).sums
    let legality = LaneLegality(chain: chain, gpu: explorer.gpu)
    var best: [Int: Cost] = [:]
    for tile in ChannelOptions(chain).tiles {
      let channels = tile.channels
      for group in tile.groups {
        for row in rows {
          for column in columns {
            guard let found = legality.realise(group, channels, row, column) else { continue }
            for lanes in lanes(chain, around: found.lanes) {
              let schedule = try Schedule(chain, tiling: found.tiling, lanes: lanes)
              if schedule.footprint.violation(on: explorer.gpu) != nil { continue }
              let accesses = AnalyticTraffic(schedule).accesses
              let cost = Cost(
                primary: explorer.objective.value(of: schedule, on: explorer.gpu, accesses: accesses),
                gma: accesses.total)
              let blocks = schedule.blocks.count
              best[blocks] = min(best[blocks] ?? cost, cost)
            }
          }
        }
      }
    }
    guard let most = best.keys.max() else { return nil }
    return best.filter { $0.key >= min(explorer.minBlocks, most) }.values.min()
  }

  @Test(
    "The best kernel equals a walk over every tile, for each layer and each pair that may be fused",
    arguments: [Objective.time, .energy], 0..<12)
  func bruteForce(_ objective: Objective, _ seed: Int) throws {
    var small = SmallNetwork(seed: UInt64(seed) + 900)
    let network = try small.network()
    let gpu = try smallGPU(seed)
    let explorer = TileExplorer(gpu: gpu, objective: objective, minBlocks: [1, 6, 1000][seed / 3 % 3])
    let precision: Precision = seed % 2 == 0 ? .fp32 : .int8(.onnx)
    for first in network.layers.indices {
      for last in first...min(first + 1, network.layers.count - 1) {
        for order in [TensorLayout.AxisOrder.chw, .hwc] {
          guard
            let chain = try? Chain(
              Array(network.layers[first...last]), precision: precision, axisOrder: order)
          else { continue }
          let expected = try leastCost(chain, explorer)
          #expect((try? explorer.best(of: chain).cost) == expected, "\(chain)")
        }
      }
    }
  }

  /// A GPU that many blocks fit, on which few have little to do.
  @Test(
    "No price is below the bound of its tile, nor that below the bound of its slice",
    arguments: [Objective.time, .energy], [TensorLayout.AxisOrder.chw, .hwc])
  func bounds(_ objective: Objective, _ order: TensorLayout.AxisOrder) throws {
    for seed in 0..<12 {
      var small = SmallNetwork(seed: UInt64(seed) + 1500, size: seed % 2 == 0 ? 5 : 9)
      let gpu = try smallGPU(seed) { ($0.blocks, $0.sharedMemoryPerBlock) = ([16, 32][seed % 2], 8 << 10) }
      let explorer = TileExplorer(gpu: gpu, objective: objective, minBlocks: 1)
      for layer in try small.network().layers {
        let precision: Precision = seed % 3 == 0 ? .fp32 : .int8(.onnx)
        guard let chain = try? Chain([layer], precision: precision, axisOrder: order) else { continue }
        let rows = AxisCandidates(windows: [layer.shape.rows])
        let columns = AxisCandidates(windows: [layer.shape.columns])
        let pricer = EstimatePricer(chain, explorer, rows: rows.tilings, columns: columns.tilings)
        let legality = LaneLegality(chain: chain, gpu: gpu)
        for tile in ChannelOptions(chain).tiles {
          let channels = tile.channels
          for group in tile.groups {
            for (row, column) in rows.sums.flatMap({ row in columns.sums.map { (row, $0) } }) {
              guard let found = legality.realise(group, channels, row, column) else { continue }
              let lanes = legality.variants(of: found, row, column)
              let schedules = try lanes.map { try Schedule(chain, tiling: found.tiling, lanes: $0) }
              let schedule = schedules[0]
              let accesses = AnalyticTraffic(schedule).accesses.total
              let sums = ChannelSums(chain: chain, tiling: found.tiling)
              let dram = DRAMEstimate(schedule, on: gpu).total
              var early: Cost?
              let priced = try #require(
                pricer.price(found.tiling, lanes, dram: dram, gma: accesses) {
                  early = early ?? $0
                  return true
                })
              let price = priced.cost.primary
              let each = schedules.map {
                objective.value(of: $0, on: gpu, accesses: AnalyticTraffic($0).accesses)
              }
              // The first of the cheapest.
              try #require(price == each.min())
              try #require(each.firstIndex(of: price) == lanes.firstIndex(of: priced.lanes))
              // What is known before bank conflicts are counted is no more than the price.
              let without = try #require(early)
              try #require(without <= priced.cost)
              let bound = pricer.bound(
                sums, row, column, blocks: schedule.blocks.count, accesses: accesses, dram: .zero)
              let least = pricer.leastBound(
                sums, rows.sums[0], columns.sums[0], accesses: accesses, dram: .zero)
              try #require(bound <= price, "\(chain) \(found)")
              try #require(least <= bound, "\(chain) \(found)")
            }
          }
        }
      }
    }
  }

  /// Windows so large that reads of shared memory are most of the price.
  @Test(
    "No price is below its bound where a lane reads the weights of several channels at once, or windows slide",
    arguments: [Objective.time, .energy])
  func largeWindows(_ objective: Objective) throws {
    let gpu = try #require(BuiltIn.gpu(named: "gtx1660"))
    // In NCHW, FP32, these slide.
    for (precision, size, order) in [
      (Precision.int8(.onnx), 112, TensorLayout.AxisOrder.hwc), (.fp32, 32, .hwc), (.int8(.tflite), 32, .hwc),
      (.fp32, 32, .chw),
    ] {
      let window = try WindowAxis(
        inputExtent: size, window: 7, stride: 1, dilation: 1, paddingBefore: 3, paddingAfter: 3)
      let shape = try ConvolutionShape(
        batch: 1, inputChannels: 32, outputChannels: 32, groups: 32, rows: window, columns: window)
      let layer = Layer(
        name: "dw", operation: .convolution, shape: shape, hasBias: true, activation: .relu6,
        inputs: [.input(0)]
      )
      let chain = try Chain([layer], precision: precision, axisOrder: order)
      let explorer = TileExplorer(gpu: gpu, objective: objective, minBlocks: 1)
      _ = try explorer.best(of: chain)
    }
  }

  @Test("The certificate proves the plan: prices add up to it, and the gap is nothing")
  func certificate() throws {
    for objective in [Objective.time, .energy] {
      for seed in 0..<6 {
        var small = SmallNetwork(seed: UInt64(seed) + 700)
        let plan = FusionPlanner(
          gpu: try smallGPU(seed), precision: .fp32, objective: objective, minBlocks: 2
        ).plan(try small.network())
        #expect(plan.gap == .zero && plan.lowerBound == plan.total)
        #expect(!(plan.unfusedTotal < plan.total))
        for group in plan.groups {
          let prices = group.layers.reduce(Cost.zero) { $0 + plan.prices[$1] }
          #expect(group.cost == prices)
        }
      }
    }
  }

  @Test("No plan's estimated time rises with a bandwidth, a rate or a clock", arguments: 0..<6)
  func monotone(_ seed: Int) throws {
    var small = SmallNetwork(seed: UInt64(seed) + 1300)
    let network = try small.network()
    func time(_ change: (inout GPUDraft) -> Void) throws -> ObjectiveValue {
      FusionPlanner(gpu: try smallGPU(seed, change), precision: .fp32, objective: .time, minBlocks: 2)
        .plan(network).total.primary
    }
    let base = try time { _ in }
    #expect(try time { $0.dramGigabytesPerSecond *= 1.5 } <= base)
    #expect(try time { $0.boostMegahertz += 100 } <= base)
    for index in 0..<7 {
      let faster = try time {
        let facts = $0.estimates
        var rates = [4, 64, 128, 128, 64, 1024, 1024]
        rates[index] *= 2
        $0.estimates = EstimateFacts(
          throughput: Throughput(
            warpInstructions: rates[0], int32Lanes: rates[1], int8MatrixProducts: rates[6], l1Bytes: rates[2],
            sharedBytes: rates[3], l2BytesPerMultiprocessor: rates[4], l2Bytes: rates[5]),
          latency: facts.latency, energy: facts.energy)
      }
      #expect(faster <= base)
    }
  }

  @Test("A plan by an objective is no worse by it than plans by the others", arguments: ["mobilenet_v1"])
  func ownObjectiveWins(_ name: String) throws {
    let gpu = try #require(BuiltIn.gpu(named: "gtx1660"))
    let network = try #require(BuiltIn.network(named: name))
    func plan(_ objective: Objective) -> FusionPlan {
      FusionPlanner(gpu: gpu, precision: .fp32, objective: objective).plan(network, threads: 2)
    }
    let plans = [Objective.gma, .dram, .time, .energy].map(plan)
    for own in plans where own.objective.isEstimate {
      for other in plans {
        let value = other.groups.compactMap(\.candidate).reduce(ObjectiveValue.zero) {
          $0 + own.objective.value(of: $1.schedule, on: gpu, accesses: $1.accesses)
        }
        #expect(own.total.primary <= value, "\(own.objective) of the plan by \(other.objective)")
      }
    }
  }
}
