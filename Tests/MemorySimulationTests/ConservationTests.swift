import Hardware
import Scheduling
import TestSupport
import Testing
import Workload

@testable import MemorySimulation

private let chains: [[RandomStage]] = [
  [.dw], [.pw], [.conv], [.grouped], [.pool], [.add], [.activation], [.dw, .pw], [.pw, .dw], [.pw, .pw],
  [.pw, .dw, .pw],
]

/// A GPU so small that everything is evicted.
private func tinyGPU(granularity: Int) throws -> GPU {
  var draft = GPUDraft()
  draft.multiprocessors = 2
  draft.unifiedL1 = (100 << 10) + 512
  draft.l2 = CacheSpec(capacity: Bytes(512), ways: 2)
  draft.l2FetchGranularity = granularity
  return try draft.gpu()
}

@Suite struct ConservationTests {
  /// 220 cases: 20 a chain.
  private func forEachCase(_ body: (RandomCase) throws -> Void) throws {
    for (index, chain) in chains.enumerated() {
      for seed in 0..<20 {
        var generator = RandomCaseGenerator(seed: UInt64(index * 1_000 + seed))
        try body(try generator.draw(chain))
      }
    }
  }

  /// Distinct sectors of each operand that the schedule touches, from its regions alone.
  private func sectors(of schedule: Schedule) -> [Operand: Set<Int>] {
    schedule.moves.reduce(into: [:]) { all, move in
      let bytes = schedule.chain.elementBytes(of: move.operand)
      for offset in schedule.offsets(of: move.operand, move.region) {
        all[move.operand, default: []].insert(offset * bytes / 32)
      }
    }
  }

  private func check(_ example: RandomCase, on gpu: GPU, _ parameters: SimulationParameters) throws {
    let traffic = KernelReplay(example.schedule, on: gpu, parameters: parameters).run()
    let about = Comment(rawValue: example.description)
    try #require(traffic.checkConservation() == [], about)
    let touched = sectors(of: example.schedule)
    for (operand, t) in traffic.operands {
      let distinct = touched[operand]?.count ?? 0
      if operand == .ofm {
        try #require(t.dramWrites.count >= distinct && t.l1Hits + t.l1Misses == .zero, about)
        try #require(parameters.partialWrites != .maskedWriteBack || t.dramReads == .zero, about)
      } else {
        try #require(t.dramReads.count >= distinct, about)
        try #require(t.l2ReadMisses + t.l2ReadHits + t.l1Hits == t.sectors, about)
        // A miss brings at most a granule.
        let granule = gpu.l2FetchGranularity.count / 32
        try #require(t.dramReads.count <= t.l2ReadMisses.count * granule, about)
      }
      try #require(
        t.sectors.count * 32 >= t.accesses.count * example.schedule.chain.elementBytes(of: operand))
    }
  }

  @Test(
    "Books balance and traffic is at least compulsory, with everything evicted", arguments: [32, 64, 128])
  func tinyCaches(_ granularity: Int) throws {
    let gpu = try tinyGPU(granularity: granularity)
    var parameters = SimulationParameters()
    try forEachCase { try check($0, on: gpu, parameters) }
    parameters.stepsPerTurn = 3
    for policy in SimulationParameters.PartialWrites.allCases {
      parameters.partialWrites = policy
      parameters.l1AllocatesOnStore.toggle()
      try forEachCase { try check($0, on: gpu, parameters) }
    }
  }

  @Test("Books balance for every value of every undocumented parameter, with everything evicted")
  func unknowns() throws {
    let gpu = try tinyGPU(granularity: 64)
    for (number, name) in UndocumentedParameter.Name.allCases.enumerated() {
      for value in name.words ?? ["1", "3", "7"] {
        var parameters = SimulationParameters()
        // With another parameter off its default, for what works together.
        parameters.l2Replacement = Replacement.allCases[number % 4]
        parameters.dramAtom = Bytes(number % 2 == 0 ? 32 : 64)
        parameters.storeMergeLines = number % 3
        parameters.set(name, to: value)
        for (index, chain) in chains.enumerated() {
          var generator = RandomCaseGenerator(seed: UInt64(800 + index * 31 + number))
          let example = try generator.draw(chain)
          let traffic = KernelReplay(example.schedule, on: gpu, parameters: parameters).run()
          try #require(traffic.checkConservation() == [], "\(name) \(value): \(example.description)")
        }
      }
    }
  }

  @Test("With an L2 that holds all and granules of a sector, DRAM moves each sector touched once")
  func compulsoryOnly() throws {
    var draft = GPUDraft()
    draft.l2FetchGranularity = 32
    let gpu = try draft.gpu()
    try forEachCase { example in
      let traffic = KernelReplay(example.schedule, on: gpu).run()
      for (operand, sectors) in sectors(of: example.schedule) {
        let t = traffic.operands[operand]
        let moved = operand == .ofm ? t?.dramWrites : t?.dramReads
        try #require(moved?.count == sectors.count, "\(operand): \(example.description)")
      }
    }
  }

  @Test("The books show an eviction: the tiny GPU reads more than the large one")
  func evictionsHappen() throws {
    let tiny = try tinyGPU(granularity: 64)
    let large = try GPUDraft().gpu()
    var (more, all) = (0, 0)
    try forEachCase { example in
      let reads = KernelReplay(example.schedule, on: tiny).run().total.dramReads
      all += 1
      if reads > KernelReplay(example.schedule, on: large).run().total.dramReads { more += 1 }
    }
    #expect(all >= 200)
    #expect(more > 20)
  }

  @Test("A replay gives the same traffic every time")
  func deterministic() throws {
    let gpu = try tinyGPU(granularity: 64)
    try forEachCase { example in
      let replay = KernelReplay(example.schedule, on: gpu)
      try #require(replay.run() == replay.run())
    }
  }

  @Test("The order of turns changes hits, never what is asked for")
  func turns() throws {
    let gpu = try tinyGPU(granularity: 64)
    try forEachCase { example in
      var parameters = SimulationParameters()
      let one = KernelReplay(example.schedule, on: gpu, parameters: parameters).run()
      parameters.stepsPerTurn = 1_000
      let whole = KernelReplay(example.schedule, on: gpu, parameters: parameters).run()
      try #require(
        one.total.sectors == whole.total.sectors && one.shared == whole.shared && one.gma == whole.gma)
    }
  }

  @Test("Each lane of a load writes shared memory: as many staging requests as load instructions")
  func staging() throws {
    try forEachCase { example in
      var steps = SharedMemorySteps(example.schedule)
      var instructions = 0
      for (operand, region) in example.schedule.moves where operand != .ofm {
        let width = example.schedule.vectorWidth(of: operand)
        steps.stage(operand, region, width: width)
        example.schedule.forEachWarpRequest(of: operand, region, width: width) { _, _ in instructions += 1 }
      }
      try #require(steps.staging.requests == instructions, "\(example.description)")
    }
  }
}
