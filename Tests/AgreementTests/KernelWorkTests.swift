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
    let (gpu, turing) = (try GPUDraft().gpu(), try GPUDraft(computeCapability: "7.5").gpu())
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
      for other in [gpu, turing] {
        #expect(KernelWork(schedule, on: other).waits == waits(schedule, on: other), "\(random.description)")
      }
      #expect(closed.blocks == counted.blocks && closed.residentBlocks == counted.residentBlocks)
    }
  }

  /// The most waits of any block, step by step.
  private func waits(_ schedule: Schedule, on gpu: GPU) -> Int {
    let chain = schedule.chain
    return schedule.blocks.map { block in
      var (waits, isCopying) = (0, false)
      for step in schedule.steps(of: block) {
        switch step {
        case .load(.residual, _), .barrier, .store: break
        case .load(let operand, let region):
          let slots =
            region.outer.count * region.channels.count * region.rows.indices.count
            * region.columns.indices.count
          let width = schedule.vectorWidth(of: operand)
          let threads = schedule.laneWalk(of: operand).rounds.threads
          let turns = ((slots + width - 1) / width + threads - 1) / threads
          if !gpu.hasAsynchronousCopies {
            waits += (turns + 3) / 4
          } else if width * chain.elementBytes(of: operand) < 4 {
            waits += turns
          } else {
            isCopying = true
          }
        case .compute:
          waits += isCopying ? 1 : 0
          isCopying = false
        }
      }
      return waits
    }.max() ?? 0
  }

  struct Built: Sendable, CustomTestStringConvertible {
    let network: String
    let precision: Precision
    let axisOrder: TensorLayout.AxisOrder
    let maxFuse: Int
    var testDescription: String { "\(network) \(precision) \(axisOrder) \(maxFuse)" }

    /// Of Xception in NHWC the L2 fetches the channels of two tiles at once, and has lost those of the second when they are
    /// asked for: of its two largest pools, which the closed form does not see.
    private var fetchesTwice: Bool { network == "xception" && axisOrder == .hwc }
    var mostFar: Int { fetchesTwice ? 2 : 1 }
    var leastMisses: Double { fetchesTwice ? 0.75 : 0.8 }
    /// Of runs that requests cut anywhere, lines that two requests share are not seen: most in Xception's narrow INT8 tiles.
    var leastLines: Double { fetchesTwice && precision != .fp32 ? 0.65 : 0.8 }

    static let all: [Built] = ["mobilenet_v2", "proxylessnas", "xception"].flatMap { network in
      [Precision.fp32, .int8(.onnx)].flatMap { precision in
        [TensorLayout.AxisOrder.chw, .hwc].flatMap { axisOrder in
          [2, 4].map {
            Built(network: network, precision: precision, axisOrder: axisOrder, maxFuse: $0)
          }
        }
      }
    }
  }

  // The closed form lacks what the L1 has for another block of the multiprocessor, and what the L2 must fetch again: in FP32 up to
  // a fifth of a network's misses.
  @Test(
    "On built-in networks the closed form's time is within a twentieth of the replay's, of all kernels but one (of Xception in NHWC two) within a fifth",
    arguments: Built.all)
  func nearness(_ built: Built) throws {
    let gpu = try #require(BuiltIn.gpu(named: "gtx1660"))
    let network = try #require(BuiltIn.network(named: built.network))
    let plan = FusionPlanner(
      gpu: gpu, precision: built.precision, axisOrder: built.axisOrder, maxFuse: built.maxFuse
    ).plan(network, threads: 2)
    var closed = 0
    var counted = 0
    var far = 0
    var (wavefronts, countedWavefronts) = (0, 0)
    var (missed, countedMissed) = (0, 0)
    var (lines, countedLines) = (0, 0)
    let schedules = plan.groups.compactMap { $0.candidate?.schedule }
    for schedule in schedules {
      let traffic = KernelReplay(schedule, on: gpu).run()
      let (work, replayed) = (
        KernelWork(schedule, on: gpu), KernelWork(traffic, of: schedule, on: gpu)
      )
      let (a, b) = (TimeEstimate(work, on: gpu).total.count, TimeEstimate(replayed, on: gpu).total.count)
      closed += a
      counted += b
      if !(0.8...1.25).contains(Double(a) / Double(b)) { far += 1 }
      wavefronts += work.sharedWavefronts
      countedWavefronts += replayed.sharedWavefronts
      missed += work.sectorsFromDRAM
      countedMissed += replayed.sectorsFromDRAM
      lines += work.l1Lines
      countedLines += replayed.l1Lines
    }
    #expect((0.95...1.05).contains(Double(closed) / Double(counted)), "\(closed) ps, \(counted) ps")
    #expect(
      (0.94...1.02).contains(Double(wavefronts) / Double(countedWavefronts)),
      "\(wavefronts), \(countedWavefronts) wavefronts")
    #expect(far <= built.mostFar, "\(far) of \(schedules.count) kernels are far off")
    #expect(
      (built.leastMisses...1.02).contains(Double(missed) / Double(countedMissed)),
      "\(missed), \(countedMissed) sectors")
    #expect(
      (built.leastLines...1.15).contains(Double(lines) / Double(countedLines)),
      "\(lines), \(countedLines) lines")
  }
}
