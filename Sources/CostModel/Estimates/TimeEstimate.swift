import Hardware
import Scheduling
import Workload

/// An estimate of a kernel's time: its launch, what a block waits for, the largest of seven terms, and a part of the others.
///
/// With `b = ⌈blocks ÷ multiprocessors⌉` blocks on the busiest multiprocessor, so `b ÷ blocks` of a count there, and `r` of them
/// there at once, `b` or as many as fit:
/// - `dram` = DRAM bytes ÷ bandwidth;
/// - `l2` = L2 bytes ÷ what the L2 delivers, or the busiest multiprocessor's share ÷ what it can take, if that is more;
/// - `l1`, `shared`, `issue`, `compute` = the busiest multiprocessor's L1 bytes, wavefronts, instructions and
///   multiply-adds, each ÷ what a clock cycle does; of multiply-adds those of single lanes, of dp4a (as fast as a
///   32-bit integer multiply-add) and of tensor cores, one after the other. If its requests' lines are more than the L1's clock
///   cycles, a cycle for each of them: tags are looked up line by line. A warp issues an instruction in
///   four cycles at most, so few warps issue less than the multiprocessor can;
/// - `distribution` = a cycle for each block of the kernel, on all multiprocessors together;
/// - `latency` = one block's waits for loads, each as long as the farthest level that they reach takes, and its busiest warp's
///   steps of matrices, each as long as a read of shared memory and a matrix take.
///
/// The time is launch + latency + the largest of the others + `unhidden` × the rest of them ÷ `r`: other blocks hide what a block
/// does beside the largest term, the better the more there are. Waves and tail are in `b`: the last block of the busiest
/// multiprocessor counts in full. A roofline in the sense of
/// Williams et al. (CACM 2009) with issue after Little's law. No term rises with a bandwidth or rate.
///
/// Address arithmetic is in `issue` as `OverheadCosts` has it. Not in it: barriers, DRAM
/// pages and turn-around, clocks below boost. Calibration moves terms, not their shapes.
public struct TimeEstimate: Hashable, Sendable {
  /// Nanoseconds of each term, calibrated.
  public let nanoseconds: [TimeLimit: Double]
  /// The term that adds most to the time; of equals the first of `TimeLimit`.
  public let limit: TimeLimit
  public let total: Picoseconds

  /// - Parameter isDistributed: False where there are not so many blocks, only so many at once: for bounds of searches.
  public init(_ work: KernelWork, on gpu: GPU, isDistributed: Bool = true) {
    let facts = gpu.estimates
    var terms = Self.uncalibratedNanoseconds(work, on: gpu)
    if let calibration = facts.calibration {
      for (term, value) in terms { terms[term] = value * calibration.factor(of: term) }
    }
    terms[.launch] = facts.launchNanoseconds
    if !isDistributed { terms[.distribution] = 0 }
    let most = terms.values.reduce(0, max)
    limit = TimeLimit.allCases.first { terms[$0] == most } ?? .launch
    let beside = Self.unhiddenShare(work, on: gpu)
    var (largest, all) = (0.0, 0.0)
    // In a fixed order, for a sum of doubles is not the same in any other.
    for term in TimeLimit.overlapping {
      largest = max(largest, terms[term] ?? 0)
      all += terms[term] ?? 0
    }
    let sum = facts.launchNanoseconds + (terms[.latency] ?? 0) + largest + beside * (all - largest)
    nanoseconds = terms
    total = Picoseconds(Int(min((sum * 1000).rounded(.up), Double(Self.ceiling))))
  }

  /// The share of all but the largest term that a block alone on its multiprocessor hides behind nothing. Found on an H200
  /// (decision 0030); no source for other GPUs.
  public static let unhidden = 0.3

  /// `unhidden` of the blocks that hide one another.
  static func unhiddenShare(_ work: KernelWork, on gpu: GPU) -> Double {
    unhidden / Double(residentAtOnce(work, on: gpu))
  }

  /// Blocks on the busiest multiprocessor at once.
  private static func residentAtOnce(_ work: KernelWork, on gpu: GPU) -> Int {
    max(1, min(busiestBlocks(work.blocks, on: gpu), work.residentBlocks))
  }

  /// The largest estimate of one kernel, 281 s or J: those of a network's layers add up in 64 bits.
  public static let ceiling = 1 << 48

  /// Blocks on the busiest multiprocessor.
  public static func busiestBlocks(_ blocks: Int, on gpu: GPU) -> Int {
    (blocks + gpu.multiprocessors - 1) / gpu.multiprocessors
  }

  /// Nanoseconds of all terms but the launch, before any calibration.
  static func uncalibratedNanoseconds(_ work: KernelWork, on gpu: GPU) -> [TimeLimit: Double] {
    var terms = clocks(work, on: gpu).mapValues { $0 * 1000 / Double(gpu.boostMegahertz) }
    terms[.dram] = Double(work.dramBytes) / gpu.dramGigabytesPerSecond
    return terms
  }

  /// Clock cycles of the terms that the clock drives.
  private static func clocks(_ work: KernelWork, on gpu: GPU) -> [TimeLimit: Double] {
    let throughput = gpu.estimates.throughput
    let share = Double(busiestBlocks(work.blocks, on: gpu)) / Double(max(1, work.blocks))
    let l2Bytes = Double(work.l2Sectors * gpu.sector.count)
    let lanes = work.elementType == .fp32 ? gpu.fp32LanesPerMultiprocessor : throughput.int32Lanes
    let laneClocks =
      (Double(work.multiplyAdds) / Double(lanes) + Double(work.dotProducts) / Double(throughput.int32Lanes))
      * Double(gpu.warpSize)
    let matrixClocks =
      Double(work.matrices) * Double(ComputePath.matrixProducts) / Double(throughput.int8MatrixProducts)
    let warps = Double(residentAtOnce(work, on: gpu)) * Double(max(1, work.warps))
    let issued = min(Double(throughput.warpInstructions), warps / clocksPerInstructionOfWarp)
    return [
      .l1: share
        * max(
          Double(work.l1Sectors * gpu.sector.count) / Double(throughput.l1Bytes), Double(work.l1Lines)),
      .l2: max(
        l2Bytes / Double(throughput.l2Bytes), l2Bytes * share / Double(throughput.l2BytesPerMultiprocessor)),
      .shared: Double(work.sharedWavefronts) * share * Double(gpu.sharedMemoryBanks * 4)
        / Double(throughput.sharedBytes),
      .issue: Double(work.instructions + work.overhead) * share / issued,
      .compute: share * (laneClocks + matrixClocks),
      .distribution: Double(work.blocks),
      .latency: Double(work.waits) * farthestLatency(work, gpu.estimates.latency)
        + Double(work.matrixSteps) * (Double(gpu.estimates.latency.l1Clocks) + clocksPerMatrixOfWarp),
    ]
  }

  /// Clock cycles from one instruction of a warp to the next that needs its result. Jia et al., Dissecting the NVIDIA Volta GPU
  /// Architecture via Microbenchmarking, arXiv:1804.06826, table 4.1: 4 for integer and FP32 arithmetic, from Volta on.
  private static let clocksPerInstructionOfWarp = 4.0
  /// Clock cycles until a warp's matrix is there for the next one. Found on an H200, with a read of shared memory before it; no
  /// source.
  private static let clocksPerMatrixOfWarp = 33.0

  /// Of the levels that loads reach: blocks that begin together wait together for what none of them has brought.
  private static func farthestLatency(_ work: KernelWork, _ latency: Latency) -> Double {
    if work.sectorsFromDRAM > 0 { return Double(latency.dramClocks) }
    if work.sectorsFromL2 > 0 { return Double(latency.l2Clocks) }
    return Double(latency.l1Clocks)
  }
}
