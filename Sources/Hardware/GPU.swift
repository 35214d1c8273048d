import Workload

/// A set-associative, sectored cache: lines of `line` bytes, fetched a sector at a time.
public struct CacheSpec: Hashable, Sendable {
  public let capacity: Bytes
  public let line: Bytes
  public let sector: Bytes
  public let ways: Int

  public init(capacity: Bytes, line: Bytes = Bytes(128), sector: Bytes = Bytes(32), ways: Int) {
    self.capacity = capacity
    self.line = line
    self.sector = sector
    self.ways = ways
  }

  public var sets: Int { capacity.count / (line.count * ways) }
}

/// The facts of one GPU that schedules, simulation and planning use. Figures that vendors do not publish are
/// marked so in the GPU's file.
public struct GPU: Hashable, Sendable {
  /// Built-in name, e.g. `gtx1660`.
  public let id: String
  /// Marketing name, e.g. `GeForce GTX 1660`.
  public let name: String
  /// E.g. `7.5`.
  public let computeCapability: String
  /// 86 for compute capability 8.6, as in `sm_86`.
  public let architecture: Int
  public let multiprocessors: Int
  public let fp32LanesPerMultiprocessor: Int
  public let boostMegahertz: Int
  public let warpSize: Int
  public let warpsPerMultiprocessor: Int
  public let blocksPerMultiprocessor: Int
  public let registersPerMultiprocessor: Int
  public let registersPerThread: Int
  /// Registers are handed to a warp in multiples of this.
  public let registerGranularity: Int
  public let threadsPerBlock: Int
  /// L1 and shared memory share this much on each multiprocessor.
  public let unifiedL1: Bytes
  /// What shared memory can be set to, ascending; L1 keeps the rest of `unifiedL1`.
  public let sharedMemoryCarveOuts: [Bytes]
  /// The most dynamic shared memory of one block.
  public let sharedMemoryPerBlock: Bytes
  /// What the system keeps of shared memory for each block.
  public let sharedMemoryReservedPerBlock: Bytes
  /// Shared memory is handed out in multiples of this.
  public let sharedMemoryGranularity: Bytes
  public let sharedMemoryBanks: Int
  public let l1Line: Bytes
  public let l1Ways: Int
  public let sector: Bytes
  public let l2: CacheSpec
  /// What an L2 miss brings from DRAM, at least a sector.
  public let l2FetchGranularity: Bytes
  public let dramGigabytesPerSecond: Double
  /// What the file says of parameters that no vendor documents; see `undocumented(_:)` for the others.
  public internal(set) var undocumented: [UndocumentedParameter] = []
  /// For estimates of time and energy.
  public let estimates: EstimateFacts

  public init(
    id: String, name: String, computeCapability: String, multiprocessors: Int,
    fp32LanesPerMultiprocessor: Int, boostMegahertz: Int, warpSize: Int, warpsPerMultiprocessor: Int,
    blocksPerMultiprocessor: Int, registersPerMultiprocessor: Int, registersPerThread: Int,
    registerGranularity: Int, threadsPerBlock: Int, unifiedL1: Bytes, sharedMemoryCarveOuts: [Bytes],
    sharedMemoryPerBlock: Bytes, sharedMemoryReservedPerBlock: Bytes, sharedMemoryGranularity: Bytes,
    sharedMemoryBanks: Int, l1Line: Bytes, l1Ways: Int, sector: Bytes, l2: CacheSpec,
    l2FetchGranularity: Bytes, dramGigabytesPerSecond: Double, estimates: EstimateFacts
  ) throws(GPUError) {
    self.id = id
    self.name = name
    self.computeCapability = computeCapability
    architecture = Self.architecture(ofCapability: computeCapability) ?? 0
    self.multiprocessors = multiprocessors
    self.fp32LanesPerMultiprocessor = fp32LanesPerMultiprocessor
    self.boostMegahertz = boostMegahertz
    self.warpSize = warpSize
    self.warpsPerMultiprocessor = warpsPerMultiprocessor
    self.blocksPerMultiprocessor = blocksPerMultiprocessor
    self.registersPerMultiprocessor = registersPerMultiprocessor
    self.registersPerThread = registersPerThread
    self.registerGranularity = registerGranularity
    self.threadsPerBlock = threadsPerBlock
    self.unifiedL1 = unifiedL1
    self.sharedMemoryCarveOuts = sharedMemoryCarveOuts
    self.sharedMemoryPerBlock = sharedMemoryPerBlock
    self.sharedMemoryReservedPerBlock = sharedMemoryReservedPerBlock
    self.sharedMemoryGranularity = sharedMemoryGranularity
    self.sharedMemoryBanks = sharedMemoryBanks
    self.l1Line = l1Line
    self.l1Ways = l1Ways
    self.sector = sector
    self.l2 = l2
    self.l2FetchGranularity = l2FetchGranularity
    self.dramGigabytesPerSecond = dramGigabytesPerSecond
    self.estimates = estimates
    try checkInvariants()
  }
}

/// Why a GPU description cannot be that of a GPU: all findings, each a whole sentence.
public struct GPUError: Error, Hashable, Sendable, CustomStringConvertible {
  public let findings: [String]
  public var code: String { "gpu-inconsistent" }
  public var description: String { findings.joined(separator: "\n") }
}

extension GPU {
  /// The largest shared-memory carve-out.
  public var largestCarveOut: Bytes { sharedMemoryCarveOuts.last ?? .zero }

  /// The largest value of a fact. A replay holds caches in memory, so they are bounded far beyond any GPU.
  private static func largest(_ fact: String) -> Int {
    switch fact {
    case "unified L1": 16 << 20
    case "L2 capacity": 1 << 30
    // A replay has an L1 for each.
    case "multiprocessors": 1 << 12
    default: 1 << 32 - 1
    }
  }

  /// Nil where the compute capability is not two numbers of one or two digits, such as 8.6.
  private static func architecture(ofCapability text: String) -> Int? {
    let parts = text.split(separator: ".", omittingEmptySubsequences: false)
    let isPlain = parts.allSatisfy { part in
      (1...2).contains(part.utf8.count) && part.utf8.allSatisfy { (0x30...0x39).contains($0) }
    }
    guard parts.count == 2, isPlain else { return nil }
    return parts.compactMap { Int($0) }.reduce(0) { 10 * $0 + $1 }
  }

  /// Instructions of a warp that multiply 16 × 32 by 32 × 8 bytes: one, or from before compute capability 8.0 four of 8 × 16
  /// by 16 × 8.
  public var instructionsPerMatrix: Int { architecture < 80 ? 4 : 1 }

  func checkInvariants() throws(GPUError) {
    var findings: [String] = []
    func require(_ holds: Bool, _ finding: String) { if !holds { findings.append(finding) } }
    let counts = [
      ("multiprocessors", multiprocessors), ("fp32 lanes", fp32LanesPerMultiprocessor),
      ("boost clock", boostMegahertz), ("warp size", warpSize),
      ("warps per multiprocessor", warpsPerMultiprocessor),
      ("blocks per multiprocessor", blocksPerMultiprocessor), ("registers", registersPerMultiprocessor),
      ("registers per thread", registersPerThread), ("register granularity", registerGranularity),
      ("threads per block", threadsPerBlock), ("L1 ways", l1Ways), ("L2 ways", l2.ways),
      ("shared-memory banks", sharedMemoryBanks), ("L1 line", l1Line.count), ("sector", sector.count),
      ("L2 capacity", l2.capacity.count), ("L2 line", l2.line.count),
      ("L2 fetch granularity", l2FetchGranularity.count), ("unified L1", unifiedL1.count),
      ("shared-memory granularity", sharedMemoryGranularity.count),
    ]
    for (name, value) in counts { require(value > 0, "The \(name) must be at least 1, not \(value).") }
    // With every size below 2³² no product or sum of two of them overflows.
    let sizes =
      counts + [
        ("shared memory per block", sharedMemoryPerBlock.count),
        ("shared memory reserved per block", sharedMemoryReservedPerBlock.count),
      ] + sharedMemoryCarveOuts.map { ("shared-memory carve-out", $0.count) }
    for (name, value) in sizes {
      require(value <= Self.largest(name), "The \(name) of \(value) is out of range.")
    }
    guard findings.isEmpty else { throw GPUError(findings: findings) }
    require(
      Self.architecture(ofCapability: computeCapability) != nil,
      "The compute capability must be two numbers, such as 8.6.")
    require(warpSize == 32, "The warp size is \(warpSize); every CUDA GPU has 32.")
    require(sector.count == 32, "The sector is \(sector) B; every CUDA GPU has 32 B.")
    require(l1Line.count % sector.count == 0, "The L1 line of \(l1Line) B is no multiple of the sector.")
    require(l2.line.count % sector.count == 0, "The L2 line of \(l2.line) B is no multiple of the sector.")
    require(l2.sector == sector, "The L2 sector of \(l2.sector) B differs from the sector of \(sector) B.")
    require(l2.line.count / sector.count <= 8, "An L2 line may have at most 8 sectors.")
    require(l1Line.count / sector.count <= 8, "An L1 line may have at most 8 sectors.")
    require(
      l2.capacity.count % (l2.line.count * l2.ways) == 0,
      "The L2 of \(l2.capacity) B is no whole number of sets of \(l2.ways) lines of \(l2.line) B.")
    require(
      l2FetchGranularity.count % sector.count == 0 && l2.line.count % l2FetchGranularity.count == 0,
      "The L2 fetch granularity of \(l2FetchGranularity) B must be whole sectors that divide the line.")
    require(
      !sharedMemoryCarveOuts.isEmpty && sharedMemoryCarveOuts == sharedMemoryCarveOuts.sorted(),
      "The shared-memory carve-outs must be listed in ascending order.")
    require(
      largestCarveOut < unifiedL1,
      "The largest shared-memory carve-out of \(largestCarveOut) B leaves no L1 of the \(unifiedL1) B.")
    require(
      sharedMemoryCarveOuts.allSatisfy { $0.count >= 0 } && sharedMemoryReservedPerBlock.count >= 0,
      "Shared-memory sizes must not be negative.")
    require(
      sharedMemoryPerBlock.count > 0
        && sharedMemoryPerBlock + sharedMemoryReservedPerBlock <= largestCarveOut,
      "Shared memory per block, \(sharedMemoryPerBlock) B and \(sharedMemoryReservedPerBlock) B reserved, "
        + "exceeds the largest carve-out of \(largestCarveOut) B.")
    require(
      threadsPerBlock % warpSize == 0 && threadsPerBlock / warpSize <= warpsPerMultiprocessor,
      "\(threadsPerBlock) threads per block do not fit \(warpsPerMultiprocessor) warps per multiprocessor.")
    require(
      dramGigabytesPerSecond > 0 && dramGigabytesPerSecond.isFinite,
      "The DRAM bandwidth must be a positive number.")
    findings += estimates.findings
    if !findings.isEmpty { throw GPUError(findings: findings) }
  }
}

extension GPU {
  /// The same GPU with other facts for estimates.
  public func with(_ estimates: EstimateFacts) throws(GPUError) -> GPU {
    try GPU(
      id: id, name: name, computeCapability: computeCapability, multiprocessors: multiprocessors,
      fp32LanesPerMultiprocessor: fp32LanesPerMultiprocessor, boostMegahertz: boostMegahertz,
      warpSize: warpSize, warpsPerMultiprocessor: warpsPerMultiprocessor,
      blocksPerMultiprocessor: blocksPerMultiprocessor,
      registersPerMultiprocessor: registersPerMultiprocessor,
      registersPerThread: registersPerThread, registerGranularity: registerGranularity,
      threadsPerBlock: threadsPerBlock, unifiedL1: unifiedL1, sharedMemoryCarveOuts: sharedMemoryCarveOuts,
      sharedMemoryPerBlock: sharedMemoryPerBlock, sharedMemoryReservedPerBlock: sharedMemoryReservedPerBlock,
      sharedMemoryGranularity: sharedMemoryGranularity, sharedMemoryBanks: sharedMemoryBanks, l1Line: l1Line,
      l1Ways: l1Ways, sector: sector, l2: l2, l2FetchGranularity: l2FetchGranularity,
      dramGigabytesPerSecond: dramGigabytesPerSecond, estimates: estimates)
  }

  /// The same GPU with these factors in the place of its own.
  /// - Throws: `GPUError` where a factor is out of range.
  public func calibrated(by calibration: TimeCalibration) throws(GPUError) -> GPU {
    try with(
      EstimateFacts(
        throughput: estimates.throughput, latency: estimates.latency, energy: estimates.energy,
        calibration: calibration))
  }
}
