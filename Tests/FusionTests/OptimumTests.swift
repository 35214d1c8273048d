import CostModel
import Fusion
import Hardware
import Scheduling
import TestSupport
import Testing
import Workload

/// A chain of layers small enough that every partition and every tile can be tried.
struct SmallNetwork {
  var random: SeededGenerator

  init(seed: UInt64) { random = SeededGenerator(seed: seed) }

  mutating func pick(_ range: ClosedRange<Int>) -> Int { random.next(in: range) }

  mutating func network() throws -> Network {
    var map = try FeatureMap(
      batch: pick(1...2), channels: pick(1...4), rows: pick(1...5), columns: pick(1...5))
    let input = map
    var layers: [Layer] = []
    for index in 0..<pick(2...8) {
      let isDepthwise = pick(0...1) == 0
      let outputs = isDepthwise ? map.channels * (pick(1...6) == 1 ? 2 : 1) : pick(1...4)
      let shape = try ConvolutionShape(
        batch: map.batch, inputChannels: map.channels, outputChannels: min(outputs, 6),
        groups: isDepthwise && outputs <= 6 ? map.channels : 1,
        rows: axis(map.rows, isDepthwise), columns: axis(map.columns, isDepthwise))
      let isFork = pick(1...6) == 1
      layers.append(
        Layer(
          name: "l\(index)", operation: .convolution, shape: shape, hasBias: pick(0...1) == 0,
          inputs: [layers.isEmpty ? .input(0) : .layer(layers.count - 1)]))
      map = shape.outputMap
      if isFork, index > 0 {
        let shape = try ConvolutionShape(
          batch: map.batch, inputChannels: map.channels, outputChannels: map.channels, groups: map.channels,
          rows: WindowAxis(inputExtent: map.rows), columns: WindowAxis(inputExtent: map.columns))
        let last = TensorReference.layer(layers.count - 1)
        layers.append(Layer(name: "l\(index)add", operation: .add, shape: shape, inputs: [last, last]))
      }
    }
    return try Network(name: "small", inputs: [input], layers: Array(layers.prefix(8)))
  }

  private mutating func axis(_ extent: Int, _ windowed: Bool) throws -> WindowAxis {
    let stride = pick(1...3) == 1 ? 2 : 1
    guard windowed else { return try WindowAxis(inputExtent: extent, stride: stride) }
    return try WindowAxis(
      inputExtent: extent, window: pick(1...3), stride: stride, paddingBefore: 1, paddingAfter: pick(1...2))
  }
}

/// The least cost of a chain over every tile and chunk, one after the other.
private func leastCost(
  _ layers: [Layer], _ precision: Precision, _ gpu: GPU, _ objective: Objective, _ minBlocks: Int
)
  throws -> Cost?
{
  let chain = try Chain(layers, precision: precision)
  let shape = chain.last.shape
  var enough: Cost?
  var most: (blocks: Int, cost: Cost)?
  let chunks = chain.stages.indices.map { stage in
    chain.mixesChannels(stage)
      ? Array(1...chain.stages[stage].shape.inputChannels) : [chain.stages[stage].shape.channelsPerGroup]
  }
  let reductions = chunks.reduce([[Int]]([[]])) { all, stage in all.flatMap { a in stage.map { a + [$0] } } }
  for rows in 1...shape.rows.outputExtent {
    for columns in 1...shape.columns.outputExtent {
      for channels in 1...shape.outputChannels {
        for reduction in reductions {
          let tiling = Tiling(rows: rows, columns: columns, channels: channels, reduction: reduction)
          let legal = try [32, 64, 128, 256, 512, 1024].map { threads in
            try Schedule(
              chain, tiling: tiling,
              lanes: LaneMap(threads: threads, vectorWidth: 16 / chain.elementType.bytes))
          }.first { (try? $0.checkLegality(on: gpu)) != nil }
          guard let schedule = legal else { continue }
          let gma = AnalyticTraffic(schedule).accesses.total
          let primary = objective == .gma ? gma : DRAMEstimate(schedule, on: gpu).total
          let cost = Cost(primary: ObjectiveValue(primary.count), gma: gma)
          let blocks = schedule.blocks.count
          if blocks >= minBlocks { enough = min(enough ?? cost, cost) }
          if most.map({ blocks > $0.blocks || blocks == $0.blocks && cost < $0.cost }) ?? true {
            most = (blocks, cost)
          }
        }
      }
    }
  }
  return enough ?? most?.cost
}

/// The least cost of all partitions, tried by recursion over the layers.
private func leastPartition(_ network: Network, _ cost: ([Int]) throws -> Cost?) rethrows -> Cost {
  func rest(from first: Int) throws -> Cost {
    guard first < network.layers.count else { return .zero }
    let alone = try (cost([first]) ?? .zero) + rest(from: first + 1)
    guard first + 1 < network.layers.count else { return alone }
    let (a, b) = (network.layers[first], network.layers[first + 1])
    let kinds: Set<[LayerKind]> = [[.dw, .pw], [.pw, .dw], [.pw, .pw]]
    guard kinds.contains([a.kind, b.kind]), b.inputs == [.layer(first)],
      network.consumers(of: first).count == 1,
      let pair = try cost([first, first + 1])
    else { return alone }
    return min(alone, try pair + rest(from: first + 2))
  }
  return try rest(from: 0)
}

@Suite struct OptimumTests {
  @Test("The plan equals brute force over all partitions and tiles", arguments: 0..<40)
  func bruteForce(_ seed: Int) throws {
    var small = SmallNetwork(seed: UInt64(seed) + 1)
    let network = try small.network()
    var draft = GPUDraft()
    draft.sharedMemoryPerBlock = [160, 320, 640, 4096][seed % 4]
    draft.reserved = 0
    draft.carveOuts = [8 << 10]
    let gpu = try draft.gpu()
    let minBlocks = [1, 4, 12, 1000][seed / 4 % 4]
    let precision: Precision = seed % 3 == 0 ? .fp32 : .int8(.onnx)
    let plan = FusionPlanner(gpu: gpu, precision: precision, minBlocks: minBlocks).plan(network)
    let expected = try leastPartition(network) { layers in
      try leastCost(layers.map { network.layers[$0] }, precision, gpu, .gma, minBlocks)
    }
    #expect(plan.total == expected, "\(network)")
    #expect(plan.gap == .zero)
  }

  @Test("Under dram the best schedule of each kernel equals brute force", arguments: 0..<12)
  func bruteForceDRAM(_ seed: Int) throws {
    var small = SmallNetwork(seed: UInt64(seed) + 100)
    let network = try small.network()
    var draft = GPUDraft()
    draft.sharedMemoryPerBlock = 640
    draft.reserved = 0
    draft.carveOuts = [8 << 10]
    // An L2 so small that re-reads reach DRAM.
    draft.l2 = CacheSpec(capacity: Bytes(512), ways: 4)
    let gpu = try draft.gpu()
    let explorer = TileExplorer(gpu: gpu, objective: .dram, minBlocks: 4)
    for layer in network.layers {
      let found = try explorer.best(of: Chain([layer], precision: .fp32)).cost
      let expected = try leastCost([layer], .fp32, gpu, .dram, 4)
      #expect(found.primary == expected?.primary, "\(layer)")
    }
  }

  @Test("No group of the plan costs less than the prices of its layers, and the prices add up to the plan")
  func certificate() throws {
    for seed in 0..<10 {
      var small = SmallNetwork(seed: UInt64(seed) + 500)
      let network = try small.network()
      let gpu = try GPUDraft().gpu()
      let planner = FusionPlanner(gpu: gpu, precision: .fp32, minBlocks: 2)
      let plan = planner.plan(network)
      #expect(plan.lowerBound == plan.total)
      for first in network.layers.indices.dropLast() {
        guard plan.decisions.contains(where: { $0.first == first && $0.second == first + 1 }) else {
          continue
        }
        let pair = [network.layers[first], network.layers[first + 1]]
        guard let chain = try? Chain(pair, precision: .fp32),
          plan.decisions.contains(where: { decision in
            guard decision.first == first else { return false }
            switch decision.verdict {
            case .fused, .costsMore, .betterElsewhere: return true
            default: return false
            }
          })
        else { continue }
        let cost = try planner.explorer.best(of: chain).cost
        #expect(!(cost < plan.prices[first] + plan.prices[first + 1]))
      }
    }
  }
}
