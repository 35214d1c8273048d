import CostModel
import Hardware
import MemorySimulation
import Reference
import ScheduleExecution
import Scheduling
import TestSupport
import Testing
import Workload

@Suite struct ScheduleAgreementTests {
  @Test(
    "2,000 random schedules a kind compute the reference's bits and the closed form's bytes",
    arguments: kinds.indices)
  func ofEachKind(_ index: Int) throws {
    try check(kinds[index].stages, named: kinds[index].name, cases: 2_000)
  }

  @Test("Schedules of other layers and chains agree as well", arguments: otherChains)
  func ofOthers(_ chain: [RandomStage]) throws { try check(chain, cases: 300) }

  /// Draws until `cases` schedules of that kind were seen; with no name every schedule counts.
  private func check(_ stages: [RandomStage], named name: String? = nil, cases: Int) throws {
    let gpu = try GPUDraft().gpu()
    var seed = UInt64(stages.hashSeed)
    var checked = 0
    while checked < cases {
      seed &+= 1_000_003
      var generator = RandomCaseGenerator(seed: seed)
      let example = try generator.draw(stages)
      if let name, example.schedule.kind.description != name { continue }
      checked += 1
      let expected = try DirectEvaluation.evaluate(
        example.schedule.chain.stages, parameters: example.parameters, inputs: example.inputs)
      let executor = try ScheduleExecutor(example.schedule, parameters: example.parameters)
      let found = try executor.output(of: example.inputs)
      let difference = expected.firstDifference(from: found)
      try #require(difference == nil, "values differ at \(difference ?? 0): \(example.description)")
      let closed = AnalyticTraffic(example.schedule).accesses
      try #require(closed == StepCounts(example.schedule).accesses, "bytes differ: \(example.description)")
      try check(closed, of: example, gpu)
    }
  }

  /// The search's formula and the replay count the bytes of the closed form, and the replay's books balance.
  private func check(_ closed: GlobalAccesses, of example: RandomCase, _ gpu: GPU) throws {
    let schedule = example.schedule
    let formula = AccessFormula(
      chain: schedule.chain, channels: ChannelSums(chain: schedule.chain, tiling: schedule.tiling))
    let total = formula.total(rows: AxisSums(schedule.rows), columns: AxisSums(schedule.columns))
    try #require(total == closed.total, "totals differ: \(example.description)")
    let terms = AccessTerm.terms(of: schedule)
    try #require(terms.allSatisfy { $0.bytes == closed.total(of: $0.operand) }, "\(example.description)")
    let replay = KernelReplay(schedule, on: gpu).run()
    for operand in schedule.chain.operands {
      let bytes = replay.operands[operand].map { $0.accesses.bytes(of: operand, in: schedule.chain) }
      try #require(bytes == closed.total(of: operand), "\(operand) differs: \(example.description)")
    }
    try #require(replay.violations() == [], "\(example.description)")
  }
}

extension Elements {
  fileprivate func bytes(of operand: Operand, in chain: Chain) -> Bytes {
    Bytes(count * chain.elementBytes(of: operand))
  }
}

extension [RandomStage] {
  /// A number of its own for each chain, the same in every run.
  var hashSeed: Int {
    reduce(7) { seed, stage in
      let all: [RandomStage] = [.dw, .pw, .conv, .grouped, .pool, .add, .activation]
      return seed * 31 + (all.firstIndex(of: stage) ?? 0)
    }
  }
}
