import Hardware
import Scheduling
import Workload

/// An estimate of a kernel's time: launch overhead and the largest of its terms.
///
/// With `b = ⌈blocks ÷ multiprocessors⌉` blocks on the busiest multiprocessor, and so `b ÷ blocks` of a count there:
/// - `dram` = DRAM bytes ÷ bandwidth;
/// - `l2` = L2 bytes ÷ what the L2 delivers, or the busiest multiprocessor's share ÷ what it can take, if that is more;
/// - `l1`, `shared`, `issue`, `compute` = the busiest multiprocessor's L1 bytes, wavefronts, instructions and
///   multiply-adds, each ÷ what a clock cycle does; of multiply-adds those of single lanes, of dp4a (as fast as a
///   32-bit integer multiply-add) and of tensor cores, one after the other. If its requests' lines are more than the L1's clock
///   cycles, a cycle for each of them: tags are looked up line by line;
/// - `latency` = ⌈b ÷ resident blocks⌉ rounds × what one block takes by itself: its load rounds × the mean latency of
///   where loads are served, then its share of the largest of the four terms before or, if that is more, the busiest warp's
///   instructions one after the other. With many resident blocks this hides behind the other terms; with one, loads and work
///   follow one another.
///
/// Waves and tail are in `b`: the last block of the busiest multiprocessor counts in full. A roofline in the sense of
/// Williams et al. (CACM 2009) with a latency term after Little's law. No term rises with a bandwidth or rate.
///
/// Address arithmetic is in `issue` by a fixed number of instructions a load, a result and a warp. Not in it: barriers, DRAM
/// pages and turn-around, clocks below boost. Calibration moves terms, not their shapes.
public struct TimeEstimate: Hashable, Sendable {
  /// Nanoseconds of each term, calibrated.
  public let nanoseconds: [TimeLimit: Double]
  /// The term that sets the time; of equals the first of `TimeLimit`. `launch` where that exceeds all others.
  public let limit: TimeLimit
  public let total: Picoseconds

  public init(_ work: KernelWork, on gpu: GPU) {
    let facts = gpu.estimates
    var terms = Self.uncalibratedNanoseconds(work, on: gpu)
    if let calibration = facts.calibration {
      for (term, value) in terms { terms[term] = value * calibration.factor(of: term) }
    }
    let largest = terms.values.reduce(0, max)
    terms[.launch] = facts.launchNanoseconds
    let most = terms.values.reduce(0, max)
    nanoseconds = terms
    limit = TimeLimit.allCases.first { terms[$0] == most } ?? .launch
    let picoseconds = ((facts.launchNanoseconds + largest) * 1000).rounded(.up)
    total = Picoseconds(Int(min(picoseconds, Double(Self.ceiling))))
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
    let busiest = busiestBlocks(work.blocks, on: gpu)
    let share = Double(busiest) / Double(max(1, work.blocks))
    let l2Bytes = Double(work.l2Sectors * gpu.sector.count)
    let lanes = work.elementType == .fp32 ? gpu.fp32LanesPerMultiprocessor : throughput.int32Lanes
    let laneClocks =
      (Double(work.multiplyAdds) / Double(lanes) + Double(work.dotProducts) / Double(throughput.int32Lanes))
      * Double(gpu.warpSize)
    let matrixClocks =
      Double(work.matrices) * Double(ComputePath.matrixProducts) / Double(throughput.int8MatrixProducts)
    var terms: [TimeLimit: Double] = [
      .l1: share
        * max(
          Double(work.l1Sectors * gpu.sector.count) / Double(throughput.l1Bytes), Double(work.l1Lines)),
      .shared: Double(work.sharedWavefronts) * share * Double(gpu.sharedMemoryBanks * 4)
        / Double(throughput.sharedBytes),
      .issue: Double(work.instructions + work.overhead) * share / Double(throughput.warpInstructions),
      .compute: share * (laneClocks + matrixClocks),
    ]
    let ownWork = terms.values.reduce(0, max) / Double(max(1, busiest))
    terms[.l2] = max(
      l2Bytes / Double(throughput.l2Bytes), l2Bytes * share / Double(throughput.l2BytesPerMultiprocessor))
    let rounds = (busiest + work.residentBlocks - 1) / max(1, work.residentBlocks)
    terms[.latency] =
      Double(rounds)
      * (Double(work.loadRounds) * meanLatency(work, gpu.estimates.latency)
        + max(ownWork, Double(work.serial) * clocksPerSerialInstruction))
    return terms
  }

  /// Clock cycles from one instruction of a warp to the next that needs its result. Jia et al., Dissecting the NVIDIA Volta GPU
  /// Architecture via Microbenchmarking, arXiv:1804.06826, table 4.1: 4 for integer and FP32 arithmetic, from Volta on.
  private static let clocksPerSerialInstruction = 4.0

  private static func meanLatency(_ work: KernelWork, _ latency: Latency) -> Double {
    let sectors = work.sectorsFromL1 + work.sectorsFromL2 + work.sectorsFromDRAM
    guard sectors > 0 else { return 0 }
    let clocks =
      Double(work.sectorsFromL1) * Double(latency.l1Clocks)
      + Double(work.sectorsFromL2) * Double(latency.l2Clocks)
      + Double(work.sectorsFromDRAM) * Double(latency.dramClocks)
    return clocks / Double(sectors)
  }
}
