import CostModel
import Hardware
import TestSupport
import Testing
import Workload

/// 48 multiprocessors at 1500 MHz, 448 GB/s; a clock moves 128 B of L1 and of shared memory, 64 B to the L2 and 1024 B
/// in it, issues 4 instructions and multiplies in 128 lanes of FP32, 64 of INT32. Latencies 40, 250 and 500 clocks,
/// launch 1000 ns.
private func sample(_ change: (inout GPUDraft) -> Void = { _ in }) throws -> GPU {
  var draft = GPUDraft()
  change(&draft)
  return try draft.gpu()
}

private func work(_ change: (inout KernelWork) -> Void) -> KernelWork {
  var work = KernelWork(
    blocks: 96, residentBlocks: 2, elementType: .fp32, multiplyAdds: 0, instructions: 0, sharedWavefronts: 0,
    l1Sectors: 0, l2Sectors: 0, dramBytes: 0, warps: 8, waits: 0, sectorsFromL1: 0, sectorsFromL2: 0,
    sectorsFromDRAM: 0)
  change(&work)
  return work
}

@Suite struct TimeEstimateTests {
  // 96 blocks on 48 multiprocessors: a 48th of everything on each, two blocks at once, 1.5 clocks a nanosecond. Handing out 96
  // blocks takes 96 clocks, 64 ns.
  @Test(
    "Each term is what a reader works out by hand",
    arguments: [
      // 448,000 B at 448 B/ns.
      (TimeLimit.dram, work { $0.dramBytes = 448_000 }, 1000.0),
      // 96,000 sectors: 3,072,000 B at 1024 B a clock is 3000 clocks; a 48th at 64 B a clock only 1000.
      (.l2, work { $0.l2Sectors = 96_000 }, 2000),
      // A 48th of 288,000 sectors is 6,000 · 32 B; at 128 B a clock 1500 clocks.
      (.l1, work { $0.l1Sectors = 288_000 }, 1000),
      // As many sectors, each in a line of its own: 6,000 clocks.
      (.l1, work { ($0.l1Sectors, $0.l1Lines) = (288_000, 288_000) }, 4000),
      // A wavefront of 32 banks · 4 B is one clock at 128 B.
      (.shared, work { $0.sharedWavefronts = 72_000 }, 1000),
      (.issue, work { $0.instructions = 288_000 }, 1000),
      // 32 lanes on 128: four instructions a clock.
      (.compute, work { $0.multiplyAdds = 288_000 }, 1000),
      // INT8 on 64 lanes: two a clock.
      (.compute, work { ($0.multiplyAdds, $0.elementType) = (288_000, .int8) }, 2000),
      // Four products a lane take what one does; a matrix of 16 · 8 · 32 products takes 4 clocks at 1024.
      (.compute, work { ($0.dotProducts, $0.elementType) = (144_000, .int8) }, 1000),
      (.compute, work { ($0.matrices, $0.elementType) = (18_000, .int8) }, 1000),
      (
        .compute,
        work {
          ($0.multiplyAdds, $0.dotProducts, $0.matrices, $0.elementType) = (48_000, 96_000, 18_000, .int8)
        },
        2000
      ),
      // Two blocks of one warp issue an instruction every two clocks.
      (.issue, work { ($0.instructions, $0.warps) = (36_000, 1) }, 1000),
      // Two of five warps two and a half a clock, one block of them at a time one and a quarter.
      (.issue, work { ($0.instructions, $0.warps) = (180_000, 5) }, 1000),
      (.issue, work { ($0.instructions, $0.warps, $0.residentBlocks) = (90_000, 5, 1) }, 1000),
      (.distribution, work { $0.blocks = 3000 }, 2000),
      // 3 loads of 500 clocks, one after the other; the same where some sectors come from nearer.
      (.latency, work { ($0.waits, $0.sectorsFromDRAM) = (3, 7) }, 1000),
      (.latency, work { ($0.waits, $0.sectorsFromDRAM, $0.sectorsFromL2) = (3, 1, 9) }, 1000),
      // From the L2, at 250 clocks, and from the L1, at 40.
      (.latency, work { ($0.waits, $0.sectorsFromL2) = (6, 7) }, 1000),
      (.latency, work { ($0.waits, $0.sectorsFromL1) = (75, 7) }, 2000),
      // A matrix follows the one before after 40 + 33 clocks.
      (.latency, work { $0.matrixSteps = 30 }, 1460),
    ])
  func terms(limit: TimeLimit, work: KernelWork, nanoseconds: Double) throws {
    let estimate = TimeEstimate(work, on: try sample())
    #expect(estimate.nanoseconds[limit] == nanoseconds)
    #expect(estimate.limit == limit)
    // Beside the largest overlapping term the distribution is hidden but for 0.3 of it, by two blocks but for half of that.
    let together = work.residentBlocks == 1 ? 1.0 : 2
    let beside = limit == .distribution ? 0 : limit == .latency ? 64 : 64 * 0.3 / together
    #expect(estimate.total == Picoseconds(Int(((nanoseconds + 1000 + beside) * 1000).rounded())))
  }

  @Test("What is not the largest term hides behind it, the better the more blocks there are at once")
  func hiding() throws {
    // 2000 ns of DRAM, 1000 of the L1, 500 of instructions, 64 of distribution.
    func time(_ resident: Int, blocks: Int = 96) throws -> Int {
      TimeEstimate(
        work {
          ($0.dramBytes, $0.l1Sectors, $0.instructions) = (896_000, 288_000, 144_000)
          ($0.blocks, $0.residentBlocks, $0.warps) = (blocks, resident, 16)
        }, on: try sample()
      ).total.count
    }
    // 0.3 of 1564 ns, all of it, half of it. Two blocks a multiprocessor cannot be three at once.
    #expect(try time(1) == 1_000_000 + 2_000_000 + 469_200)
    #expect(try time(2) == 1_000_000 + 2_000_000 + 234_600)
    #expect(try time(3) == time(2))
    // Five a multiprocessor are four at once; 240 blocks take 160 ns.
    #expect(try time(4, blocks: 240) == 1_000_000 + 2_000_000 + 124_500)
  }

  @Test("The largest counts that a file may have give the largest estimate")
  func largest() throws {
    var most = work { _ in }
    for (_, path) in KernelWork.facts { most[keyPath: path] = 1 << 50 }
    #expect(TimeEstimate(most, on: try sample()).total == Picoseconds(TimeEstimate.ceiling))
  }

  @Test("Where blocks need not be handed out, only that is left out")
  func undistributed() throws {
    let kernel = work { ($0.dramBytes, $0.blocks) = (448_000, 960) }
    let gpu = try sample()
    #expect(TimeEstimate(kernel, on: gpu).nanoseconds[.distribution] == 640)
    #expect(TimeEstimate(kernel, on: gpu, isDistributed: false).total == Picoseconds(2_000_000))
  }

  @Test("A tail of one block costs as much as a full round on its multiprocessor")
  func tail() throws {
    // 97 blocks: one multiprocessor has 3.
    let estimate = TimeEstimate(
      work { ($0.multiplyAdds, $0.blocks) = (97 * 3000, 97) }, on: try sample())
    #expect(estimate.nanoseconds[.compute] == 1500)
    #expect(TimeEstimate.busiestBlocks(97, on: try sample()) == 3)
  }

  @Test("Few blocks are bound by what one multiprocessor can take of the L2")
  func fewBlocks() throws {
    let estimate = TimeEstimate(work { ($0.l2Sectors, $0.blocks) = (3_000, 1) }, on: try sample())
    #expect(estimate.nanoseconds[.l2] == 1000)
  }

  @Test("A kernel without work is its launch")
  func empty() throws {
    let estimate = TimeEstimate(work { _ in }, on: try sample())
    #expect(estimate.limit == .launch)
    #expect(estimate.total == Picoseconds(1_064_000))
  }

  @Test("A calibration multiplies its terms and replaces the launch")
  func calibration() throws {
    let gpu = try sample {
      let facts = $0.estimates
      $0.estimates = EstimateFacts(
        throughput: facts.throughput, latency: facts.latency, energy: facts.energy,
        calibration: TimeCalibration(launchNanoseconds: 250, factors: [.dram: 2, .l2: 0.5]))
    }
    let estimate = TimeEstimate(work { ($0.dramBytes, $0.l2Sectors) = (448_000, 96_000) }, on: gpu)
    #expect(estimate.nanoseconds[.dram] == 2000)
    #expect(estimate.nanoseconds[.l2] == 1000)
    #expect(estimate.limit == .dram)
    #expect(estimate.total == Picoseconds(2_409_600))
  }

  @Test("10,000 random kernels: no estimate rises with a bandwidth, a rate or a clock, nor falls with work")
  func monotone() throws {
    var random = SeededGenerator(seed: 41)
    let slow = try sample()
    let fast: [GPU] =
      try [
        sample { $0.dramGigabytesPerSecond = 449 }, sample { $0.boostMegahertz = 1501 },
      ]
      + (0..<7).map { index in
        try sample {
          let facts = $0.estimates
          var rates = [4, 64, 128, 128, 64, 1024, 1024]
          rates[index] += 1
          $0.estimates = EstimateFacts(
            throughput: Throughput(
              warpInstructions: rates[0], int32Lanes: rates[1], int8MatrixProducts: rates[6],
              l1Bytes: rates[2], sharedBytes: rates[3], l2BytesPerMultiprocessor: rates[4], l2Bytes: rates[5]),
            latency: facts.latency, energy: facts.energy)
        }
      }
    for _ in 0..<10_000 {
      func count() -> Int {
        random.next(in: 0...1) == 0 ? 0 : random.next(in: 0...1 << random.next(in: 0...40))
      }
      let base = work {
        $0.blocks = random.next(in: 1...5000)
        $0.residentBlocks = random.next(in: 1...16)
        $0.elementType = random.next(in: 0...1) == 0 ? .fp32 : .int8
        ($0.multiplyAdds, $0.instructions, $0.sharedWavefronts) = (count(), count(), count())
        ($0.l1Sectors, $0.l2Sectors, $0.dramBytes) = (count(), count(), count())
        ($0.waits, $0.matrixSteps) = (random.next(in: 0...1000), random.next(in: 0...1000))
        ($0.warps, $0.sectorsFromL1) = (random.next(in: 1...32), count())
        ($0.sectorsFromL2, $0.sectorsFromDRAM) = (count(), count())
      }
      let time = TimeEstimate(base, on: slow).total
      for gpu in fast { #expect(TimeEstimate(base, on: gpu).total <= time) }
      for path in [
        \KernelWork.multiplyAdds, \.instructions, \.sharedWavefronts, \.l1Sectors, \.l2Sectors, \.dramBytes,
        \.waits, \.matrixSteps, \.dotProducts, \.matrices, \.l1Lines, \.overhead,
      ] {
        var more = base
        more[keyPath: path] += 1 + more[keyPath: path] / 8
        #expect(TimeEstimate(more, on: slow).total >= time)
      }
    }
  }

  @Test("Energy is actions times what one takes")
  func energy() throws {
    // 2 pJ a multiply-add, 32 a lane of an instruction, 1 B of shared memory and of L1 1 pJ, of L2 2, of DRAM 64.
    let estimate = EnergyEstimate(
      work {
        ($0.multiplyAdds, $0.instructions, $0.sharedWavefronts) = (10, 100, 5)
        ($0.l1Sectors, $0.l2Sectors, $0.dramBytes) = (8, 4, 1000)
      }, on: try sample())
    #expect(
      EnergyEstimate.Part.allCases.map { estimate.picojoules[$0]?.count }
        == [640, 102_400, 640, 256, 256, 64_000])
    #expect(estimate.total == Picojoules(168_192))
    #expect(estimate.largest == .instructions)
    let int8 = EnergyEstimate(work { ($0.multiplyAdds, $0.elementType) = (10, .int8) }, on: try sample())
    #expect(int8.total == Picojoules(40))
    // 0.125 pJ for each of 10 · 32 · 4 + 2 · 4096 products.
    let packed = EnergyEstimate(
      work { ($0.dotProducts, $0.matrices, $0.elementType) = (10, 2, .int8) }, on: try sample())
    #expect(packed.total == Picojoules(160 + 1024))
  }
}
