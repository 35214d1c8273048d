import Hardware
import TestSupport
import Testing
import Workload

@testable import CostModel

/// Fits to times that are made up from factors that the test knows.
@Suite struct TimeFitTests {
  private let truth = TimeCalibration(
    launchNanoseconds: 1750,
    factors: [
      .dram: 1.3, .l2: 1.8, .l1: 1, .shared: 0.7, .issue: 1, .compute: 1.15, .distribution: 1, .latency: 0.6,
    ])

  /// Kernels of which one term is much the largest, each term in turn, and kernels of mixed terms.
  private func works(_ random: inout SeededGenerator) -> [KernelWork] {
    (0..<120).map { index in
      var work = KernelWork(
        blocks: 480, residentBlocks: 4, elementType: .fp32, multiplyAdds: 1000, instructions: 3000,
        sharedWavefronts: 2000, l1Sectors: 1000, l2Sectors: 1000, dramBytes: 32_000, warps: 8, waits: 1,
        sectorsFromL1: 0, sectorsFromL2: 500, sectorsFromDRAM: 500)
      let size = random.next(in: 20...400)
      switch index % 6 {
      case 0: work.dramBytes = size * 100_000
      case 1: work.l2Sectors = size * 20_000
      case 2: work.sharedWavefronts = size * 100_000
      case 3: work.multiplyAdds = size * 400_000
      case 4: (work.waits, work.residentBlocks) = (size, 1)
      default: (work.dramBytes, work.multiplyAdds) = (size * 50_000, size * 150_000)
      }
      return work
    }
  }

  private func time(_ work: KernelWork, on gpu: GPU) throws -> Double {
    Double(TimeEstimate(work, on: try gpu.calibrated(by: truth)).total.count) / 1000
  }

  @Test("Factors and launch of exact times come back to a thousandth")
  func exact() throws {
    var random = SeededGenerator(seed: 3)
    let gpu = try GPUDraft().gpu()
    let fit = try TimeFit(
      try works(&random).map { TimeFit.Observation(work: $0, nanoseconds: try time($0, on: gpu)) }, on: gpu)
    for limit in [TimeLimit.dram, .l2, .shared, .compute, .latency] {
      let (found, true_) = (fit.calibration.factor(of: limit), truth.factor(of: limit))
      #expect(abs(found / true_ - 1) < 1e-3, "\(limit): \(found), not \(true_)")
    }
    #expect(abs(fit.calibration.launchNanoseconds - 1750) < 20)
    #expect(fit.errorAfter < 1e-3 && fit.errorBefore > 0.1)
    #expect(fit.calibration.factor(of: .l1) == 1 && fit.calibration.factor(of: .issue) == 1)
  }

  @Test("Noise of 2 % and a tenth of wild times move the factors by less than 5 %")
  func noisy() throws {
    var random = SeededGenerator(seed: 4)
    let gpu = try GPUDraft().gpu()
    let observations = try works(&random).enumerated().map { index, work in
      let noise = 0.98 + 0.04 * Double(random.next(in: 0...1000)) / 1000
      return TimeFit.Observation(
        work: work, nanoseconds: try time(work, on: gpu) * noise * (index % 10 == 7 ? 3 : 1))
    }
    let fit = try TimeFit(observations, on: gpu)
    for limit in [TimeLimit.dram, .l2, .shared, .compute, .latency] {
      #expect(abs(fit.calibration.factor(of: limit) / truth.factor(of: limit) - 1) < 0.05, "\(limit)")
    }
    #expect(fit == (try TimeFit(observations, on: gpu)), "equal inputs give equal factors")
  }

  @Test("A term that limits no kernel at its peak is found where times say so")
  func hiddenTerm() throws {
    var random = SeededGenerator(seed: 6)
    let gpu = try GPUDraft().gpu()
    let truth = TimeCalibration(launchNanoseconds: 1000, factors: [.l1: 6, .issue: 1.5])
    // Lines take half as long as instructions at their peaks, and in every other kernel a fifth.
    let observations = try (0..<60).map { index in
      var work = try #require(works(&random).first)
      let size = random.next(in: 20...400)
      (work.dramBytes, work.instructions, work.multiplyAdds) = (0, size * 100_000, 0)
      (work.waits, work.sharedWavefronts, work.l2Sectors) = (0, 0, 0)
      work.l1Lines = work.instructions / 4 / (index % 2 == 0 ? 2 : 5)
      let time = TimeEstimate(work, on: try gpu.calibrated(by: truth)).total.count
      return TimeFit.Observation(work: work, nanoseconds: Double(time) / 1000)
    }
    let fit = try TimeFit(observations, on: gpu)
    #expect(abs(fit.calibration.factor(of: .l1) / 6 - 1) < 0.01, "\(fit.calibration.factor(of: .l1))")
    #expect(fit.errorAfter < 0.001)
  }

  @Test("Whatever the times, a fit is no worse than none")
  func neverWorse() throws {
    let gpu = try GPUDraft().gpu()
    for seed in 0..<200 {
      var random = SeededGenerator(seed: UInt64(seed))
      let count = random.next(in: 8...40)
      let observations = try works(&random).prefix(count).map {
        TimeFit.Observation(
          work: $0, nanoseconds: try time($0, on: gpu) * Double(random.next(in: 20...500)) / 100)
      }
      let fit = try TimeFit(Array(observations), on: gpu)
      #expect(fit.errorAfter <= fit.errorBefore + 1e-6, "seed \(seed)")
    }
  }

  @Test("A term that hardly any kernel is limited by keeps its factor; too few kernels are refused")
  func few() throws {
    var random = SeededGenerator(seed: 5)
    let gpu = try GPUDraft().gpu()
    let dram = try works(&random).enumerated().filter { $0.offset % 6 == 0 || $0.offset == 1 }.map {
      TimeFit.Observation(work: $0.element, nanoseconds: try time($0.element, on: gpu))
    }
    let fit = try TimeFit(dram, on: gpu)
    #expect(fit.calibration.factor(of: .l2) == 1)
    #expect(abs(fit.calibration.factor(of: .dram) / 1.3 - 1) < 0.05)
    #expect(throws: TimeFitError.tooFew(5, least: 6)) { try TimeFit(Array(dram.prefix(5)), on: gpu) }
    let none = dram.map { TimeFit.Observation(work: $0.work, nanoseconds: 0) }
    #expect(throws: TimeFitError.noTimes) { try TimeFit(none, on: gpu) }
  }

  // A kernel's time is DRAM's or the L2's, the L2's 1 % more. Three of the kernels take 1.2 times that, thirty have no L2
  // traffic and take 3 times DRAM's. So the first turn gives the L2 1.2 and DRAM 3; but by 3 · DRAM the three are DRAM's too,
  // and nothing is left that speaks for the L2's factor.
  @Test("A term that no kernel is limited by in the end keeps no factor above 1")
  func idle() throws {
    let gpu = try GPUDraft().gpu()
    let observations = (1...33).map { size in
      // `size` · 10,000 ns at 448 B/ns; of the L2 at 1024 B a clock of 1.5 GHz 1 % more.
      let hasL2 = size % 11 == 0
      let work = KernelWork(
        blocks: 480, residentBlocks: 4, elementType: .fp32, multiplyAdds: 0, instructions: 0,
        sharedWavefronts: 0, l1Sectors: 0, l2Sectors: hasL2 ? size * 484_800 : 0,
        dramBytes: size * 4_480_000, warps: 8, waits: 0, sectorsFromL1: 0, sectorsFromL2: 0,
        sectorsFromDRAM: 0)
      let nanoseconds = Double(size) * 10_000 * (hasL2 ? 1.2 * 1.01 : 3)
      return TimeFit.Observation(work: work, nanoseconds: 1000 + nanoseconds)
    }
    let fit = try TimeFit(observations, on: gpu)
    #expect(abs(fit.calibration.factor(of: .dram) - 3) < 1e-3)
    #expect(fit.kernels == [.dram: 33])
    for limit in TimeLimit.allCases where limit != .dram {
      #expect(fit.calibration.factor(of: limit) <= 1, "\(limit)")
    }
  }

  @Test("A kernel's work goes into names and counts and comes back")
  func facts() throws {
    var random = SeededGenerator(seed: 6)
    for work in works(&random) {
      let counts = Dictionary(work.counts.map { ($0.name, $0.value) }) { first, _ in first }
      #expect(counts.count == KernelWork.facts.count)
      #expect(KernelWork(counts: counts, elementType: .fp32) == work)
      #expect(KernelWork(counts: counts.filter { $0.key != "blocks" }, elementType: .fp32) == nil)
    }
  }
}
