import Hardware
import Scheduling
import Workload

/// An estimate of a kernel's dynamic energy: counts of actions × what one takes (as Accelergy does, Wu et al., ICCAD
/// 2019). Leakage, idle power and clocks are left out, so a faster plan saves nothing by being faster.
public struct EnergyEstimate: Hashable, Sendable {
  /// Where energy goes: arithmetic, instructions as such, and each level of memory.
  public enum Part: String, Hashable, Sendable, CaseIterable {
    case compute, instructions, shared, l1, l2, dram
  }

  /// Each rounded up, so that they add up to the total.
  public let picojoules: [Part: Picojoules]
  public let total: Picojoules

  public init(_ work: KernelWork, on gpu: GPU) {
    let energy = gpu.estimates.energy
    let sector = Double(gpu.sector.count)
    let multiplyAdd = work.elementType == .fp32 ? energy.fp32MultiplyAdd : energy.int8MultiplyAdd
    let products =
      (Double(work.multiplyAdds) + Double(work.dotProducts) * Double(ComputePath.dotChannels))
      * Double(gpu.warpSize) + Double(work.matrices) * Double(ComputePath.matrixProducts)
    let parts: [Part: Double] = [
      .compute: products * multiplyAdd,
      .instructions: Double(work.instructions * gpu.warpSize) * energy.instructionLane,
      .shared: Double(work.sharedWavefronts * gpu.sharedMemoryBanks * 4) * energy.sharedByte,
      .l1: Double(work.l1Sectors) * sector * energy.l1Byte,
      .l2: Double(work.l2Sectors) * sector * energy.l2Byte,
      .dram: Double(work.dramBytes) * energy.dramByte,
    ]
    let most = Double(TimeEstimate.ceiling / Part.allCases.count)
    picojoules = parts.mapValues { Picojoules(Int(min($0.rounded(.up), most))) }
    total = picojoules.values.reduce(.zero, +)
  }

  /// The part that takes most; of equals the first of `Part`.
  public var largest: Part {
    let most = picojoules.values.max()
    return Part.allCases.first { picojoules[$0] == most } ?? .dram
  }
}
