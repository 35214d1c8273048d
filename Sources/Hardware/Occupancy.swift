import Workload

/// What one thread block takes of a multiprocessor.
public struct BlockFootprint: Hashable, Sendable {
  public let threads: Int
  public let registersPerThread: Int
  public let sharedMemory: Bytes

  public init(threads: Int, registersPerThread: Int, sharedMemory: Bytes) {
    self.threads = threads
    self.registersPerThread = registersPerThread
    self.sharedMemory = sharedMemory
  }

  /// The same with as many registers a thread, where they are known.
  public func with(registers: Int?) -> BlockFootprint {
    BlockFootprint(
      threads: threads, registersPerThread: registers ?? registersPerThread, sharedMemory: sharedMemory)
  }
}

/// How many blocks of one kernel a multiprocessor holds at once, and what ends it, by the rules of NVIDIA's
/// occupancy calculator (cuda_occupancy.h).
public struct Occupancy: Hashable, Sendable {
  /// What keeps one more block from being resident.
  public enum Limit: String, Hashable, Sendable { case blocks, warps, registers, sharedMemory }

  public let blocksPerMultiprocessor: Int
  public let limits: [Limit]
  /// What shared memory gets; L1 keeps the rest. The smallest carve-out that still lets that many blocks be resident, or, of a
  /// driver that doubles, that would hold twice as many.
  public let carveOut: Bytes

  /// `blocksPerMultiprocessor` alone, for searches that ask for it many times.
  public static func residentBlocks(_ footprint: BlockFootprint, on gpu: GPU) -> Int {
    let warps = (footprint.threads + gpu.warpSize - 1) / gpu.warpSize
    return min(
      gpu.blocksPerMultiprocessor, blocksByWarps(warps, of: footprint, on: gpu),
      blocksByRegisters(warps, of: footprint, on: gpu),
      blocksBySharedMemory(allocated(footprint.sharedMemory, on: gpu), on: gpu))
  }

  /// - Parameter carveOutDoubling: `carve_out_doubling_bytes`, by default that of the GPU.
  public init(_ footprint: BlockFootprint, on gpu: GPU, carveOutDoubling: Bytes? = nil) {
    let warps = (footprint.threads + gpu.warpSize - 1) / gpu.warpSize
    let perBlock = Self.allocated(footprint.sharedMemory, on: gpu)
    let bounds: [(Limit, Int)] = [
      (.blocks, gpu.blocksPerMultiprocessor),
      (.warps, Self.blocksByWarps(warps, of: footprint, on: gpu)),
      (.registers, Self.blocksByRegisters(warps, of: footprint, on: gpu)),
      (.sharedMemory, Self.blocksBySharedMemory(perBlock, on: gpu)),
    ]
    let blocks = bounds.map(\.1).min() ?? 0
    blocksPerMultiprocessor = blocks
    limits = bounds.filter { $0.1 == blocks }.map(\.0)
    func smallest(_ bytes: Int) -> Bytes {
      gpu.sharedMemoryCarveOuts.first { $0.count >= bytes } ?? gpu.largestCarveOut
    }
    let needed = smallest(perBlock.count * blocks)
    let doubling = carveOutDoubling ?? Bytes(Int(gpu.undocumented(.carveOutDoubling).value) ?? 0)
    let twice = min(2 * blocks, gpu.blocksPerMultiprocessor)
    carveOut = blocks > 1 ? max(needed, min(doubling, smallest(twice * perBlock.count))) : needed
  }

  private static func blocksByWarps(_ warps: Int, of footprint: BlockFootprint, on gpu: GPU) -> Int {
    guard warps > 0, footprint.threads <= gpu.threadsPerBlock else { return 0 }
    return gpu.warpsPerMultiprocessor / warps
  }

  /// Registers belong to the sub-partitions, a quarter to each, and are handed out by the warp, so whole warps
  /// must fit a quarter. Blocks then share all warps that fit, wherever their own land.
  private static func blocksByRegisters(_ warps: Int, of footprint: BlockFootprint, on gpu: GPU) -> Int {
    guard warps > 0, footprint.registersPerThread <= gpu.registersPerThread else { return 0 }
    let perWarp = registersPerWarp(of: footprint, on: gpu)
    if perWarp == 0 { return .max }
    guard allocatedRegisters(of: footprint, on: gpu) <= gpu.registersPerMultiprocessor else { return 0 }
    return gpu.registersPerMultiprocessor / subPartitions / perWarp * subPartitions / warps
  }

  private static func blocksBySharedMemory(_ perBlock: Bytes, on gpu: GPU) -> Int {
    guard perBlock <= gpu.sharedMemoryPerBlock + gpu.sharedMemoryReservedPerBlock else { return 0 }
    return perBlock == .zero ? .max : gpu.largestCarveOut.count / perBlock.count
  }

  private static func registersPerWarp(of footprint: BlockFootprint, on gpu: GPU) -> Int {
    roundUp(footprint.registersPerThread * gpu.warpSize, to: gpu.registerGranularity)
  }

  /// Registers that a block must be able to get. The launch check takes every block to fill all sub-partitions
  /// alike. The most registers of one block are those of a multiprocessor on every GPU since compute capability 7.
  public static func allocatedRegisters(of footprint: BlockFootprint, on gpu: GPU) -> Int {
    let warps = (footprint.threads + gpu.warpSize - 1) / gpu.warpSize
    return registersPerWarp(of: footprint, on: gpu) * roundUp(warps, to: subPartitions)
  }

  /// Schedulers of a multiprocessor, each with its own registers: 4 since compute capability 7.
  private static let subPartitions = 4

  /// Shared memory that a block really takes: with the reserve, in whole granules.
  public static func allocated(_ bytes: Bytes, on gpu: GPU) -> Bytes {
    Bytes(
      roundUp(
        bytes.count + gpu.sharedMemoryReservedPerBlock.count, to: gpu.sharedMemoryGranularity.count))
  }
}

func roundUp(_ value: Int, to multiple: Int) -> Int { (value + multiple - 1) / multiple * multiple }
