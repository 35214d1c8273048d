import Hardware
import Workload

/// Bytes between the multiprocessors and the L2 while every resident block takes one turn.
public struct L2Round: Hashable, Sendable {
  public var read = 0
  public var written = 0

  public init() {}
}

/// Everything a replay counted of one kernel.
public struct KernelTraffic: Hashable, Sendable {
  public internal(set) var operands: [Operand: OperandTraffic] = [:]
  public internal(set) var elementBytes: [Operand: Int] = [:]
  /// Loads of operands into their shared-memory buffers.
  public internal(set) var sharedStaging = SharedMemoryTraffic()
  /// Those of them that are asynchronous copies on the GPU.
  public internal(set) var sharedCopies = SharedMemoryTraffic()
  /// Stores beside asynchronous copies: elements outside the map whose value is not 0.
  public internal(set) var sharedFills = SharedMemoryTraffic()
  /// Whether the GPU has asynchronous copies, and warp instructions that are such.
  public internal(set) var copiesAsynchronously = false
  public internal(set) var asynchronousCopies = 0
  /// Values and weights that compute steps read of shared memory.
  public internal(set) var sharedReads = SharedMemoryTraffic()
  /// Intermediate results that compute steps write to shared memory.
  public internal(set) var sharedIntermediates = SharedMemoryTraffic()
  public internal(set) var multiplyAdds = MultiplyAdds()
  /// Warp instructions that a matrix of `multiplyAdds` takes: 1, or 4 before compute capability 8.0.
  public internal(set) var instructionsPerMatrix = 1
  public internal(set) var l2 = CacheBalance()
  /// DRAM traffic for sectors that an earlier kernel left dirty in the L2. Zero from a cold L2.
  public internal(set) var earlierKernels = OperandTraffic()
  /// What the launch reads from DRAM beside the tensors; not among `dramRead`.
  public internal(set) var launchReads = Bytes.zero
  /// Sectors that DRAM writes only because the L2 is flushed when the kernel ends; among `dramWritten`.
  public internal(set) var flushedSectors = Sectors.zero
  /// What crosses to the L2 in each round of turns, after hits in the L1; empty unless asked for. What store buffers still
  /// hold at the end is in the last.
  public internal(set) var rounds: [L2Round] = []
  public internal(set) var blocks = 0
  public internal(set) var occupancy: Occupancy
  /// Blocks that all multiprocessors hold at once.
  public internal(set) var blocksPerWave = 0
  /// Whether the L2 was empty at the start, and whether it was flushed at the end.
  public internal(set) var startsCold = true
  public internal(set) var isFlushed = true

  public var waves: Int { blocksPerWave == 0 ? 0 : (blocks + blocksPerWave - 1) / blocksPerWave }
  /// Share of the last wave's places that stay empty, in hundredths of a percent.
  public var tailBasisPoints: Int {
    blocksPerWave == 0 ? 0 : (waves * blocksPerWave - blocks) * 10_000 / blocksPerWave
  }
  /// The same share between 0 and 1.
  public var tailFraction: Double {
    blocksPerWave == 0 ? 0 : Double(waves * blocksPerWave - blocks) / Double(blocksPerWave)
  }

  /// All operands; DRAM traffic of earlier kernels is not among them.
  public var total: OperandTraffic { operands.values.reduce(OperandTraffic(), +) }
  /// Loads of all operands.
  public var loads: OperandTraffic {
    operands.filter { $0.key != .ofm }.values.reduce(OperandTraffic(), +)
  }
  public var stores: OperandTraffic { operands[.ofm] ?? OperandTraffic() }
  public var sharedWrites: SharedMemoryTraffic { sharedStaging + sharedIntermediates }
  /// Of `sharedWrites` those that a lane stores from registers.
  public var sharedStores: SharedMemoryTraffic { sharedWrites - sharedCopies + sharedFills }
  public var shared: SharedMemoryTraffic { sharedReads + sharedWrites }
  public var matrixInstructions: Int { multiplyAdds.matrices * instructionsPerMatrix }
  /// Warp instructions that multiply and add, of all kinds.
  public var multiplyAddInstructions: Int {
    multiplyAdds.single + multiplyAdds.dotProducts + matrixInstructions
  }
  /// Loads, stores, shared-memory accesses and multiply-adds; no address arithmetic, no barriers.
  public var warpInstructions: Int { total.instructions + shared.requests + multiplyAddInstructions }

  /// Accesses in bytes before any cache.
  public var gma: Bytes {
    operands.keys.reduce(.zero) { $0 + accessedBytes(of: $1) }
  }
  /// Bytes of the operand's accesses before any cache.
  public func accessedBytes(of operand: Operand) -> Bytes {
    Bytes((operands[operand]?.accesses.count ?? 0) * (elementBytes[operand] ?? 1))
  }
  /// Bytes of every distinct element touched, once.
  public var compulsory: Bytes {
    operands.reduce(.zero) { $0 + Bytes($1.value.distinct.count * (elementBytes[$1.key] ?? 1)) }
  }
  /// All DRAM traffic: what the kernel moves itself, and what it pushes out of earlier ones.
  public var dramRead: Bytes { Bytes((total + earlierKernels).dramReads.count * 32) }
  public var dramWritten: Bytes { Bytes((total + earlierKernels).dramWrites.count * 32) }
  /// What of `dramWritten` is still in the L2 when the last block ends.
  public var dramFlushed: Bytes { Bytes(flushedSectors.count * 32) }
}
