import CostModel
import Fusion
import Hardware
import MemorySimulation
import ModelFiles
import Scheduling
import TestSupport
import Testing
import Workload

/// The closed form of a kernel's work beside what the replay counts.
@Suite struct KernelWorkTests {
  @Test(
    "300 random schedules of each kind: instructions of the closed form equal the replay's",
    arguments: kinds.map(\.name))
  func instructions(kind: String) throws {
    let stages = try #require(kinds.first { $0.name == kind }?.stages)
    let gpu = try GPUDraft().gpu()
    for seed in 0..<300 {
      var generator = RandomCaseGenerator(seed: UInt64(seed) &* 7919)
      let random = try generator.draw(stages)
      let schedule = random.schedule
      guard schedule.occupancy(on: gpu).blocksPerMultiprocessor > 0 else { continue }
      let traffic = KernelReplay(schedule, on: gpu).run()
      let (closed, counted) = (KernelWork(schedule, on: gpu), KernelWork(traffic, of: schedule, on: gpu))
      #expect(closed.multiplyAdds == counted.multiplyAdds, "\(random.description)")
      #expect(closed.dotProducts == counted.dotProducts, "\(random.description)")
      #expect(closed.matrices == counted.matrices, "\(random.description)")
      #expect(closed.instructions == counted.instructions, "\(random.description)")
      let conflictFree = closed.instructions - traffic.total.instructions - traffic.multiplyAddInstructions
      #expect(conflictFree == traffic.shared.requests, "\(random.description)")
      #expect(closed.sharedWavefronts >= traffic.shared.requests)
      #expect(closed.loadRounds == loadRounds(schedule, on: gpu), "\(random.description)")
      #expect(closed.blocks == counted.blocks && closed.residentBlocks == counted.residentBlocks)
    }
  }

  /// The most load rounds of any block, step by step.
  private func loadRounds(_ schedule: Schedule, on gpu: GPU) -> Int {
    let inFlight = gpu.hasAsynchronousCopies ? KernelWork.copiesInFlight : KernelWork.loadsInFlight
    let perRound = schedule.lanes.threads * inFlight
    return schedule.blocks.map { block in
      schedule.steps(of: block).reduce(0) { sum, step in
        guard case .load(let operand, let region) = step else { return sum }
        let slots =
          region.outer.count * region.channels.count * region.rows.indices.count
          * region.columns.indices.count
        let width = schedule.vectorWidth(of: operand)
        let items = (slots + width - 1) / width
        return sum + (items + perRound - 1) / perRound
      }
    }.max() ?? 0
  }

  @Test(
    "The closed form's time is within a twentieth of the replay's on a built-in network, most kernels within a fifth",
    arguments: [Precision.fp32, .int8(.onnx)], [2, 4])
  func nearness(_ precision: Precision, _ maxFuse: Int) throws {
    let gpu = try #require(BuiltIn.gpu(named: "gtx1660"))
    let network = try #require(BuiltIn.network(named: "mobilenet_v2"))
    let plan = FusionPlanner(gpu: gpu, precision: precision, maxFuse: maxFuse)
      .plan(network, threads: 2)
    var closed = 0
    var counted = 0
    var far = 0
    let schedules = plan.groups.compactMap { $0.candidate?.schedule }
    for schedule in schedules {
      let traffic = KernelReplay(schedule, on: gpu).run()
      let (a, b) = (
        TimeEstimate(KernelWork(schedule, on: gpu), on: gpu).total.count,
        TimeEstimate(KernelWork(traffic, of: schedule, on: gpu), on: gpu).total.count
      )
      closed += a
      counted += b
      if !(0.8...1.25).contains(Double(a) / Double(b)) { far += 1 }
    }
    #expect((0.95...1.05).contains(Double(closed) / Double(counted)), "\(closed) ps, \(counted) ps")
    #expect(far * 5 <= schedules.count, "\(far) of \(schedules.count) kernels are far off")
  }
}
