import Hardware
import Workload

/// The numbers of a GPU file, all present and of the right type, before they are checked against each other.
struct GPUFacts {
  private var numbers: [GPUFile.Group: [String: Int]] = [:]
  private var decimals: [GPUFile.Group: [String: Double]] = [:]
  private let computeCapability: String
  private let carveOuts: [Int]

  /// Reports whatever is missing or malformed, then gives nil.
  init?(_ groups: [GPUFile.Group: YAMLMapping]) {
    var complete = true
    for group in GPUFile.Group.allCases {
      guard let mapping = groups[group] else {
        complete = complete && group.isOptional
        continue
      }
      for key in group.keys where !Self.isSpecial(key) {
        if group.hasDecimals {
          decimals[group, default: [:]][key] = mapping.double(key)
        } else {
          numbers[group, default: [:]][key] = mapping.int(key)
        }
        if numbers[group]?[key] == nil, decimals[group]?[key] == nil { complete = false }
      }
    }
    let capability = groups[.chip]?.string("compute_capability")
    let carveOuts = groups[.sharedMemory]?.ints("carve_outs_bytes")
    guard complete, let capability, let carveOuts else { return nil }
    computeCapability = capability
    self.carveOuts = carveOuts
  }

  private static func isSpecial(_ key: String) -> Bool {
    ["compute_capability", "carve_outs_bytes"].contains(key)
  }

  func has(_ group: GPUFile.Group) -> Bool { numbers[group] != nil || decimals[group] != nil }
  func decimal(_ group: GPUFile.Group, _ key: String) -> Double { decimals[group]?[key] ?? 0 }
  func number(_ group: GPUFile.Group, _ key: String) -> Int { numbers[group]?[key] ?? 0 }
  private func bytes(_ group: GPUFile.Group, _ key: String) -> Bytes { Bytes(number(group, key)) }

  func gpu(id: String, name: String) throws(GPUError) -> GPU {
    try GPU(
      id: id, name: name, computeCapability: computeCapability,
      multiprocessors: number(.chip, "multiprocessors"),
      fp32LanesPerMultiprocessor: number(.chip, "fp32_lanes_per_multiprocessor"),
      boostMegahertz: number(.clock, "boost_mhz"), warpSize: number(.limits, "warp_size"),
      warpsPerMultiprocessor: number(.limits, "warps_per_multiprocessor"),
      blocksPerMultiprocessor: number(.limits, "blocks_per_multiprocessor"),
      registersPerMultiprocessor: number(.limits, "registers_per_multiprocessor"),
      registersPerThread: number(.limits, "registers_per_thread"),
      registerGranularity: number(.limits, "register_granularity"),
      threadsPerBlock: number(.limits, "threads_per_block"), unifiedL1: bytes(.l1, "unified_bytes"),
      sharedMemoryCarveOuts: carveOuts.map { Bytes($0) },
      sharedMemoryPerBlock: bytes(.sharedMemory, "per_block_bytes"),
      sharedMemoryReservedPerBlock: bytes(.sharedMemory, "reserved_per_block_bytes"),
      sharedMemoryGranularity: bytes(.sharedMemory, "granularity_bytes"),
      sharedMemoryBanks: number(.sharedMemory, "banks"), l1Line: bytes(.l1, "line_bytes"),
      l1Ways: number(.l1, "ways"), sector: bytes(.l1, "sector_bytes"),
      l2: CacheSpec(
        capacity: bytes(.l2, "l2_bytes"), line: bytes(.l2, "line_bytes"), sector: bytes(.l1, "sector_bytes"),
        ways: number(.l2, "ways")),
      l2FetchGranularity: bytes(.l2, "fetch_granularity_bytes"),
      dramGigabytesPerSecond: decimal(.dram, "gigabytes_per_second"), estimates: estimates)
  }

  /// The group that a finding of `GPUError` is about, as far as its words tell.
  func key(of finding: String) -> String? {
    if finding.contains("calibration") { return GPUFile.Group.calibration.rawValue }
    if finding.contains("energy") { return GPUFile.Group.energy.rawValue }
    if finding.contains("latency") { return GPUFile.Group.latency.rawValue }
    if finding.contains("throughput") || finding.contains("int32") {
      return GPUFile.Group.throughput.rawValue
    }
    if finding.contains("L2") { return GPUFile.Group.l2.rawValue }
    if finding.contains("hared") { return GPUFile.Group.sharedMemory.rawValue }
    if finding.contains("L1") || finding.contains("sector") { return GPUFile.Group.l1.rawValue }
    if finding.contains("DRAM") { return GPUFile.Group.dram.rawValue }
    if finding.contains("clock") { return GPUFile.Group.clock.rawValue }
    if finding.contains("lanes") { return GPUFile.Group.chip.rawValue }
    if finding.contains("warp") || finding.contains("threads") || finding.contains("regist") {
      return GPUFile.Group.limits.rawValue
    }
    return GPUFile.Group.chip.rawValue
  }
}
