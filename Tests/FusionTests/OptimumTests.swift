import CostModel
import Fusion
import Hardware
import Scheduling
import TestSupport
import Testing
import Workload

/// A network of up to eight layers, small enough that every partition and every tile can be tried: convolutions one after
/// the other, residuals over one of them or more, sums of two branches, and maps that several layers read.
struct SmallNetwork {
  var random: SeededGenerator
  /// The most rows and columns, and channels in units.
  let size: Int
  private let unit: Int
  private var layers: [Layer] = []
  private var maps: [(reference: TensorReference, map: FeatureMap)] = []

  init(seed: UInt64, size: Int = 5, channelUnit: Int = 1) {
    random = SeededGenerator(seed: seed)
    self.size = size
    unit = channelUnit
  }

  mutating func pick(_ range: ClosedRange<Int>) -> Int { random.next(in: range) }

  mutating func network() throws -> Network {
    let input = try FeatureMap(
      batch: pick(1...2), channels: unit * pick(1...min(4, size)), rows: pick(1...size),
      columns: pick(1...size))
    maps = [(.input(0), input)]
    let count = pick(2...8)
    while layers.count < count {
      switch pick(1...8) {
      case 1 where !layers.isEmpty: try addResidual()
      case 2 where layers.count + 3 <= count: try addBranches()
      case 3 where !layers.isEmpty:
        let last = maps[maps.count - 1]
        try append(sum: last.map, of: [last.reference, last.reference])
      default: try appendConvolution(reading: maps[maps.count - 1], keepsMap: pick(1...3) == 1)
      }
    }
    return try Network(name: "small", inputs: [input], layers: layers)
  }

  /// The last map plus an earlier one of its shape, in either order.
  private mutating func addResidual() throws {
    let last = maps[maps.count - 1]
    let earlier = maps.dropLast().filter { $0.map == last.map }
    guard !earlier.isEmpty else {
      return try appendConvolution(reading: last, keepsMap: true)
    }
    let other = earlier[pick(0...earlier.count - 1)]
    let isFirst = pick(0...1) == 0
    try append(
      sum: last.map,
      of: isFirst ? [last.reference, other.reference] : [other.reference, last.reference])
  }

  /// Two layers that read one map, and their sum, which is the only reader of both.
  private mutating func addBranches() throws {
    let from = maps[maps.count - 1]
    for _ in 0..<2 { try appendConvolution(reading: from, keepsMap: true) }
    let made = maps.suffix(2).map(\.reference)
    try append(sum: from.map, of: pick(0...1) == 0 ? made : made.reversed())
  }

  private mutating func appendConvolution(
    reading from: (reference: TensorReference, map: FeatureMap), keepsMap: Bool
  ) throws {
    let map = from.map
    let isDepthwise = pick(0...1) == 0
    let factor = !keepsMap && pick(1...6) == 1 && map.channels * 2 <= 6 * unit ? 2 : 1
    let outputs =
      isDepthwise ? map.channels * factor : keepsMap ? map.channels : unit * pick(1...min(4, size))
    let shape = try ConvolutionShape(
      batch: map.batch, inputChannels: map.channels, outputChannels: outputs,
      groups: isDepthwise ? map.channels : 1, rows: axis(map.rows, isDepthwise, keepsMap),
      columns: axis(map.columns, isDepthwise, keepsMap))
    layers.append(
      Layer(
        name: "l\(layers.count)", operation: .convolution, shape: shape, hasBias: pick(0...1) == 0,
        inputs: [from.reference]))
    maps.append((.layer(layers.count - 1), shape.outputMap))
  }

  private mutating func append(sum map: FeatureMap, of inputs: [TensorReference]) throws {
    let shape = try ConvolutionShape(
      batch: map.batch, inputChannels: map.channels, outputChannels: map.channels, groups: map.channels,
      rows: WindowAxis(inputExtent: map.rows), columns: WindowAxis(inputExtent: map.columns))
    layers.append(Layer(name: "l\(layers.count)", operation: .add, shape: shape, inputs: inputs))
    maps.append((.layer(layers.count - 1), map))
  }

  private mutating func axis(_ extent: Int, _ windowed: Bool, _ keepsMap: Bool) throws -> WindowAxis {
    let stride = !keepsMap && pick(1...3) == 1 ? 2 : 1
    guard windowed else { return try WindowAxis(inputExtent: extent, stride: stride) }
    if keepsMap {
      return try WindowAxis(inputExtent: extent, window: 3, paddingBefore: 1, paddingAfter: 1)
    }
    return try WindowAxis(
      inputExtent: extent, window: pick(1...3), stride: stride, paddingBefore: 1, paddingAfter: pick(1...2))
  }
}

/// The least cost of a chain over every tile and chunk, one after the other.
///
/// In NHWC over those whose channels fill sectors, or half a sector where none of these is legal, and so on.
private func leastCost(
  _ layers: [Layer], _ precision: Precision, _ gpu: GPU, _ objective: Objective, _ minBlocks: Int,
  _ order: TensorLayout.AxisOrder = .chw
)
  throws -> Cost?
{
  let chain = try Chain(layers, precision: precision, axisOrder: order)
  var grain = order == .hwc ? gpu.sector.count / chain.elementType.bytes : 1
  while true {
    let least = try leastCost(chain, gpu, objective, minBlocks, grain: grain)
    if least != nil || grain == 1 { return least }
    grain /= 2
  }
}

private func leastCost(
  _ chain: Chain, _ gpu: GPU, _ objective: Objective, _ minBlocks: Int, grain: Int
) throws -> Cost? {
  func sizes(_ extent: Int) -> [Int] { (1...extent).filter { $0 % grain == 0 || $0 == extent } }
  let shape = chain.last.shape
  var enough: Cost?
  var most: (blocks: Int, cost: Cost)?
  let chunks = chain.stages.indices.map { stage in
    chain.mixesChannels(stage)
      ? sizes(chain.stages[stage].shape.inputChannels) : [chain.stages[stage].shape.channelsPerGroup]
  }
  let reductions = chunks.reduce([[Int]]([[]])) { all, stage in all.flatMap { a in stage.map { a + [$0] } } }
  for rows in 1...shape.rows.outputExtent {
    for columns in 1...shape.columns.outputExtent {
      for channels in sizes(shape.outputChannels) {
        for reduction in reductions {
          let tiling = Tiling(rows: rows, columns: columns, channels: channels, reduction: reduction)
          let legal = try [32, 64, 128, 256, 512, 1024].map { threads in
            try Schedule(
              chain, tiling: tiling,
              lanes: LaneMap(
                threads: threads, vectorWidth: 16 / chain.elementType.bytes,
                usesTensorCores: chain.axisOrder == .hwc))
          }.first { $0.footprint.violation(on: gpu) == nil }
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

/// The least cost of all partitions: every choice of the pairs that share a kernel.
private func leastPartition(
  _ network: Network, maxFuse: Int, _ cost: ([Int]) throws -> Cost?
) rethrows -> Cost {
  let pairs: [(first: Int, second: Int)] = network.layers.enumerated().flatMap { second, layer in
    Set(layer.inputs).compactMap { reference -> (Int, Int)? in
      guard case .layer(let first) = reference, network.consumers(of: first) == [second] else { return nil }
      let kinds: Set<[LayerKind]> = [[.dw, .pw], [.pw, .dw], [.pw, .pw]]
      let isFused = kinds.contains([network.layers[first].kind, layer.kind])
      let isSum = layer.kind == .add && Set(layer.inputs).count == 2
      return isFused || isSum ? (first, second) : nil
    }
  }
  var costs: [[Int]: Cost?] = [:]
  func known(_ run: [Int]) throws -> Cost? {
    if let cost = costs[run] { return cost }
    let found = try cost(run)
    costs[run] = found
    return found
  }
  var least: Cost?
  for choice in 0..<1 << pairs.count {
    let joined = pairs.indices.filter { choice >> $0 & 1 == 1 }.map { pairs[$0] }
    // No layer is in two kernels, so none is joined to two.
    guard Set(joined.map(\.second)).count == joined.count else { continue }
    var total: Cost? = .zero
    for last in network.layers.indices where !joined.contains(where: { $0.first == last }) {
      var run = [last]
      while let before = joined.first(where: { $0.second == run[0] }) { run.insert(before.first, at: 0) }
      let convolutions = run.count { network.layers[$0].kind != .add }
      guard run.count <= 4, run.count == 1 || convolutions <= maxFuse else {
        total = nil
        break
      }
      let own = try known(run) ?? (run.count == 1 ? .zero : nil)
      total = own.flatMap { own in total.map { $0 + own } }
      if total == nil { break }
    }
    if let total { least = min(least ?? total, total) }
  }
  return least ?? .zero
}

@Suite struct OptimumTests {
  @Test("The plan equals brute force over all partitions and tiles", arguments: 0..<60)
  func bruteForce(_ seed: Int) throws { try check(seed, size: 5, maxFuse: seed % 5 == 4 ? 1 : 2) }

  @Test("So it does where a kernel may have four stages", arguments: 0..<60)
  func bruteForceOfLongRuns(_ seed: Int) throws { try check(seed + 1000, size: 3, maxFuse: 3 + seed % 2) }

  @Test("So it does in NHWC, of tiles and chunks with the channels of whole sectors", arguments: 0..<24)
  func bruteForceOfSectors(_ seed: Int) throws {
    try check(seed + 2000, size: 3, maxFuse: 1 + seed % 3, order: .hwc)
  }

  /// A channel takes 900 B of input and as much of its filter; of 24 channels 23 tiles have 2 at most, 3 have 8.
  @Test(
    "A depthwise kernel takes tiles of whole sectors, or of as much of one as is legal",
    arguments: [
      (99 << 10, 23, 8), (8 << 10, 3, 4), (6 << 10, 3, 2), (3 << 10, 3, 1),
    ])
  func partsOfSectors(_ sharedMemory: Int, _ minBlocks: Int, _ channels: Int) throws {
    let axis = try WindowAxis(inputExtent: 15, window: 15)
    let shape = try ConvolutionShape(
      inputChannels: 24, outputChannels: 24, groups: 24, rows: axis, columns: axis)
    let chain = try Chain(
      [Layer(name: "wide", operation: .convolution, shape: shape, inputs: [.input(0)])], precision: .fp32,
      axisOrder: .hwc)
    var draft = GPUDraft()
    draft.sharedMemoryPerBlock = sharedMemory
    let found = try TileExplorer(gpu: draft.gpu(), minBlocks: minBlocks).best(of: chain).schedule
    #expect(found.tiling.channels == channels)
  }

  private func check(_ seed: Int, size: Int, maxFuse: Int, order: TensorLayout.AxisOrder = .chw) throws {
    let precision: Precision = seed % 3 == 0 ? .fp32 : .int8(.onnx)
    // Fractions of sectors.
    let unit = order == .chw ? 1 : precision == .fp32 ? 6 : 12
    var small = SmallNetwork(seed: UInt64(seed) + 1, size: size, channelUnit: unit)
    let network = try small.network()
    var draft = GPUDraft()
    let sizes =
      order == .chw ? [160, 320, 640, 4096] : precision == .fp32 ? [768, 1024, 2048, 4096] : [2048, 4096]
    draft.sharedMemoryPerBlock = sizes[seed % sizes.count]
    draft.reserved = 0
    draft.carveOuts = [8 << 10]
    let gpu = try draft.gpu()
    let minBlocks = [1, 4, 12, 1000][seed / 4 % 4]
    let planner = FusionPlanner(
      gpu: gpu, precision: precision, axisOrder: order, minBlocks: minBlocks, maxFuse: maxFuse)
    let plan = planner.plan(network)
    let expected = try leastPartition(network, maxFuse: maxFuse) { run in
      try leastCost(network.run(of: run), precision, gpu, .gma, minBlocks, order)
    }
    #expect(plan.total == expected, "\(network)")
    #expect(plan.gap == .zero)
    #expect(plan.groups.flatMap(\.layers).sorted() == Array(network.layers.indices))
    // Each group follows those that it reads.
    var made: Set<Int> = []
    for group in plan.groups {
      for case .layer(let producer) in network.inputs(ofRun: group.layers) {
        #expect(made.contains(producer))
      }
      made.insert(group.layers[group.layers.count - 1])
    }
  }

  @Test(
    "Under dram the best schedule of each kernel equals brute force", arguments: 0..<12,
    TensorLayout.AxisOrder.allCases)
  func bruteForceDRAM(_ seed: Int, _ order: TensorLayout.AxisOrder) throws {
    var small = SmallNetwork(
      seed: UInt64(seed) + 100, size: order == .chw ? 5 : 3, channelUnit: order == .chw ? 1 : 6)
    let network = try small.network()
    var draft = GPUDraft()
    draft.sharedMemoryPerBlock = order == .chw ? 640 : 1536
    draft.reserved = 0
    draft.carveOuts = [8 << 10]
    // An L2 so small that re-reads reach DRAM.
    draft.l2 = CacheSpec(capacity: Bytes(512), ways: 4)
    let gpu = try draft.gpu()
    let explorer = TileExplorer(gpu: gpu, objective: .dram, minBlocks: 4)
    for layer in network.layers {
      let found = try explorer.best(of: Chain([layer], precision: .fp32, axisOrder: order)).cost
      let expected = try leastCost([layer], .fp32, gpu, .dram, 4, order)
      #expect(found.primary == expected?.primary, "\(layer)")
    }
  }

  @Test("No allowed group costs less than the prices of its layers, and the prices add up to the plan")
  func certificate() throws {
    for seed in 0..<20 {
      var small = SmallNetwork(seed: UInt64(seed) + 500, size: 4)
      let network = try small.network()
      let gpu = try GPUDraft().gpu()
      let planner = FusionPlanner(gpu: gpu, precision: .fp32, minBlocks: 2, maxFuse: 4)
      let plan = planner.plan(network)
      #expect(plan.lowerBound == plan.total)
      // Every run of layers each of which is the only reader of the one before.
      for first in network.layers.indices {
        var run = [first]
        while let last = run.last, run.count < 4, network.consumers(of: last).count == 1 {
          let next = network.consumers(of: last)[0]
          let isFused = plan.decisions.contains { decision in
            guard decision.first == last, decision.second == next else { return false }
            switch decision.verdict {
            case .fused, .costsMore, .betterElsewhere: return true
            default: return false
            }
          }
          guard isFused else { break }
          run.append(next)
          let cost = try planner.explorer.best(of: Chain(network.run(of: run), precision: .fp32)).cost
          let priced = run.reduce(Cost.zero) { $0 + plan.prices[$1] }
          #expect(!(cost < priced), "\(run) of \(network)")
        }
      }
    }
  }
}
