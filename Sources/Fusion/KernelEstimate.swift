import CostModel
import Hardware
import MemorySimulation
import Scheduling
import Workload

extension KernelWork {
  /// The work of a schedule by closed form, DRAM traffic included: what plans by `time` and `energy` go by.
  public init(_ schedule: Schedule, on gpu: GPU) {
    self.init(
      schedule, on: gpu, accesses: AnalyticTraffic(schedule).accesses,
      dram: DRAMEstimate(schedule, on: gpu).total)
  }

  /// The work that a replay counted: bank conflicts, hits and overfetch are in it. Waits, steps of matrices and
  /// instructions beside those counted are no traffic and come from the schedule.
  public init(_ traffic: KernelTraffic, of schedule: Schedule, on gpu: GPU) {
    self.init(schedule, on: gpu)
    let (total, loads) = (traffic.total, traffic.loads)
    blocks = traffic.blocks
    residentBlocks = max(1, traffic.occupancy.blocksPerMultiprocessor)
    multiplyAdds = traffic.multiplyAdds.single
    dotProducts = traffic.multiplyAdds.dotProducts
    matrices = traffic.multiplyAdds.matrices
    instructions = traffic.warpInstructions
    sharedWavefronts = traffic.shared.wavefronts
    l1Sectors = total.sectors.count
    l1Lines = total.lines
    l2Sectors = (loads.l1Misses + total.l2Writes).count
    dramBytes = (traffic.dramRead + traffic.dramWritten).count
    sectorsFromL1 = loads.l1Hits.count
    sectorsFromL2 = loads.l2ReadHits.count
    sectorsFromDRAM = loads.l2ReadMisses.count
  }
}

/// Time and energy of one kernel: estimates, never measurements.
public struct KernelEstimate: Hashable, Sendable {
  public let work: KernelWork
  public let time: TimeEstimate
  public let energy: EnergyEstimate

  public init(_ work: KernelWork, on gpu: GPU) {
    self.work = work
    time = TimeEstimate(work, on: gpu)
    energy = EnergyEstimate(work, on: gpu)
  }
}
