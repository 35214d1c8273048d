import Hardware
import Workload

/// A GPU's facts, to be altered one at a time.
public struct GPUDraft {
  public var computeCapability: String
  public var multiprocessors = 48
  public var boostMegahertz = 1500
  public var warpSize = 32
  public var warps = 48
  public var blocks = 16
  public var registers = 65536
  public var registerGranularity = 256
  public var threadsPerBlock = 1024
  public var unifiedL1 = 128 << 10
  public var carveOuts = [0, 8, 16, 32, 64, 100].map { $0 << 10 }
  public var sharedMemoryPerBlock = 99 << 10
  public var reserved = 1024
  public var sharedMemoryGranularity = 128
  public var l1Line = 128
  public var sector = 32
  public var l2 = CacheSpec(capacity: Bytes(4 << 20), ways: 16)
  public var l2FetchGranularity = 64
  public var dramGigabytesPerSecond = 448.0
  public var estimates = EstimateFacts(
    throughput: Throughput(
      warpInstructions: 4, int32Lanes: 64, int8MatrixProducts: 1024, l1Bytes: 128, sharedBytes: 128,
      l2BytesPerMultiprocessor: 64, l2Bytes: 1024),
    latency: Latency(l1Clocks: 40, l2Clocks: 250, dramClocks: 500, launchNanoseconds: 1000),
    energy: ActionEnergy(
      fp32MultiplyAdd: 2, int8MultiplyAdd: 0.125, instructionLane: 32, sharedByte: 1, l1Byte: 1, l2Byte: 2,
      dramByte: 64))

  public init(computeCapability: String = "8.6") { self.computeCapability = computeCapability }

  public func gpu() throws(GPUError) -> GPU {
    try GPU(
      id: "sample", name: "Sample", computeCapability: computeCapability, multiprocessors: multiprocessors,
      fp32LanesPerMultiprocessor: 128, boostMegahertz: boostMegahertz, warpSize: warpSize,
      warpsPerMultiprocessor: warps, blocksPerMultiprocessor: blocks, registersPerMultiprocessor: registers,
      registersPerThread: 255, registerGranularity: registerGranularity, threadsPerBlock: threadsPerBlock,
      unifiedL1: Bytes(unifiedL1),
      sharedMemoryCarveOuts: carveOuts.map { Bytes($0) }, sharedMemoryPerBlock: Bytes(sharedMemoryPerBlock),
      sharedMemoryReservedPerBlock: Bytes(reserved), sharedMemoryGranularity: Bytes(sharedMemoryGranularity),
      sharedMemoryBanks: 32, l1Line: Bytes(l1Line), l1Ways: 4, sector: Bytes(sector), l2: l2,
      l2FetchGranularity: Bytes(l2FetchGranularity), dramGigabytesPerSecond: dramGigabytesPerSecond,
      estimates: estimates)
  }

  /// The technical specifications of a compute capability, as the CUDA C++ Programming Guide lists them.
  public static func of(computeCapability: String) -> Self? {
    var draft = Self(computeCapability: computeCapability)
    func carveOuts(_ kibibytes: [Int]) -> [Int] { kibibytes.map { $0 << 10 } }
    switch computeCapability {
    case "7.5":
      (draft.warps, draft.blocks, draft.unifiedL1) = (32, 16, 96 << 10)
      (draft.carveOuts, draft.sharedMemoryPerBlock) = (carveOuts([32, 64]), 64 << 10)
      (draft.reserved, draft.sharedMemoryGranularity) = (0, 256)
    case "8.0", "8.7":
      (draft.warps, draft.blocks) = computeCapability == "8.0" ? (64, 32) : (48, 16)
      (draft.unifiedL1, draft.sharedMemoryPerBlock) = (192 << 10, 163 << 10)
      draft.carveOuts = carveOuts([0, 8, 16, 32, 64, 100, 132, 164])
    case "8.6": break
    case "8.9": draft.blocks = 24
    case "9.0":
      (draft.warps, draft.blocks, draft.unifiedL1) = (64, 32, 256 << 10)
      draft.carveOuts = carveOuts([0, 8, 16, 32, 64, 100, 132, 164, 196, 228])
      draft.sharedMemoryPerBlock = 227 << 10
    default: return nil
    }
    return draft
  }
}
