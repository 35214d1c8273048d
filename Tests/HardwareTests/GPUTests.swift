import TestSupport
import Testing
import Workload

@testable import Hardware

/// One alteration of a sound GPU and the single finding that it must give.
struct GPUFinding: CustomTestStringConvertible, Sendable {
  let finding: String
  let alter: @Sendable (inout GPUDraft) -> Void
  var testDescription: String { finding }

  init(_ finding: String, _ alter: @escaping @Sendable (inout GPUDraft) -> Void) {
    self.finding = finding
    self.alter = alter
  }

  static let all = [
    Self("The multiprocessors must be at least 1, not 0.") { $0.multiprocessors = 0 },
    Self("The register granularity must be at least 1, not -256.") { $0.registerGranularity = -256 },
    Self("The unified L1 of 16777217 is out of range.") { $0.unifiedL1 = 16 << 20 + 1 },
    Self("The L2 capacity of 1073743872 is out of range.") {
      $0.l2 = CacheSpec(capacity: Bytes(1 << 30 + 2048), ways: 16)
    },
    Self("The warp size must be at least 1, not 0.") { $0.warpSize = 0 },
    Self("The warp size must be at least 1, not -32.") { $0.warpSize = -32 },
    Self("The compute capability must be two numbers, such as 8.6.") { $0.computeCapability = "x" },
    Self("The compute capability must be two numbers, such as 8.6.") { $0.computeCapability = "8" },
    Self("The compute capability must be two numbers, such as 8.6.") {
      $0.computeCapability = "9223372036854775807.5"
    },
    // As many as a replay can have an L1 for.
    Self("The multiprocessors of 4097 is out of range.") { $0.multiprocessors = 4097 },
    Self("The registers of 4294967296 is out of range.") { $0.registers = 1 << 32 },
    Self("The L2 line of 1099511627776 is out of range.") {
      $0.l2 = CacheSpec(capacity: Bytes(4 << 20), line: Bytes(1 << 40), ways: 1 << 31)
    },
    Self("The shared memory per block of 9223372036854775807 is out of range.") {
      $0.sharedMemoryPerBlock = .max
    },
    Self("The shared memory reserved per block of 9223372036854775807 is out of range.") {
      $0.reserved = .max
    },
    Self("The shared-memory carve-out of 9223372036854775807 is out of range.") { $0.carveOuts = [0, .max] },
    Self("The warp size is 33; every CUDA GPU has 32.") {
      $0.warpSize = 33
      $0.threadsPerBlock = 33 * 32
    },
    Self("The sector is 64 B; every CUDA GPU has 32 B.") {
      $0.sector = 64
      $0.l2 = CacheSpec(capacity: Bytes(4 << 20), sector: Bytes(64), ways: 16)
    },
    Self("The L1 line of 100 B is no multiple of the sector.") { $0.l1Line = 100 },
    Self("The L2 sector of 16 B differs from the sector of 32 B.") {
      $0.l2 = CacheSpec(capacity: Bytes(4 << 20), sector: Bytes(16), ways: 16)
    },
    Self("An L2 line may have at most 8 sectors.") {
      $0.l2 = CacheSpec(capacity: Bytes(4 << 20), line: Bytes(512), ways: 16)
    },
    Self("An L1 line may have at most 8 sectors.") { $0.l1Line = 512 },
    Self("The L2 of 4194305 B is no whole number of sets of 16 lines of 128 B.") {
      $0.l2 = CacheSpec(capacity: Bytes(4 << 20 + 1), ways: 16)
    },
    Self("The L2 fetch granularity of 96 B must be whole sectors that divide the line.") {
      $0.l2FetchGranularity = 96
    },
    Self("The L2 fetch granularity of 16 B must be whole sectors that divide the line.") {
      $0.l2FetchGranularity = 16
    },
    Self("The shared-memory carve-outs must be listed in ascending order.") {
      $0.carveOuts = [16 << 10, 8 << 10, 100 << 10]
    },
    Self("The largest shared-memory carve-out of 131072 B leaves no L1 of the 131072 B.") {
      $0.carveOuts = [0, 128 << 10]
    },
    Self("Shared-memory sizes must not be negative.") { $0.carveOuts = [-8, 100 << 10] },
    Self("Shared-memory sizes must not be negative.") { $0.reserved = -1 },
    Self(
      "Shared memory per block, 101377 B and 1024 B reserved, exceeds the largest carve-out of 102400 B."
    ) { $0.sharedMemoryPerBlock = 99 << 10 + 1 },
    Self("1024 threads per block do not fit 31 warps per multiprocessor.") { $0.warps = 31 },
    Self("1000 threads per block do not fit 48 warps per multiprocessor.") { $0.threadsPerBlock = 1000 },
    Self("The DRAM bandwidth must be a positive number.") { $0.dramGigabytesPerSecond = 0 },
    Self("The DRAM bandwidth must be a positive number.") { $0.dramGigabytesPerSecond = .infinity },
    Self("The DRAM bandwidth must be a positive number.") { $0.dramGigabytesPerSecond = .nan },
  ]
}

@Suite("GPU")
struct GPUTests {
  @Test("A sound description is accepted", arguments: ["7.5", "8.0", "8.6", "8.7", "8.9", "9.0"])
  func sound(computeCapability: String) throws {
    let draft = try #require(GPUDraft.of(computeCapability: computeCapability))
    #expect(throws: Never.self) { try draft.gpu() }
  }

  @Test("One wrong fact gives one finding", arguments: GPUFinding.all)
  func finding(_ expected: GPUFinding) throws {
    var draft = GPUDraft()
    expected.alter(&draft)
    #expect(throws: GPUError(findings: [expected.finding])) { try draft.gpu() }
  }

  @Test("An L2 line of broken sectors is refused, and with it any fetch granularity")
  func brokenL2Line() throws {
    var draft = GPUDraft()
    draft.l2 = CacheSpec(capacity: Bytes(80 * 16 * 64), line: Bytes(80), ways: 16)
    let error = try #require(throws: GPUError.self) { try draft.gpu() }
    #expect(
      error.findings == [
        "The L2 line of 80 B is no multiple of the sector.",
        "The L2 fetch granularity of 64 B must be whole sectors that divide the line.",
      ])
  }

  @Test("An empty list of carve-outs is refused with everything that follows from it")
  func noCarveOut() throws {
    var draft = GPUDraft()
    draft.carveOuts = []
    let error = try #require(throws: GPUError.self) { try draft.gpu() }
    #expect(error.code == "gpu-inconsistent")
    #expect(error.findings.first == "The shared-memory carve-outs must be listed in ascending order.")
  }

  @Test("All findings of a description come at once")
  func severalFindings() throws {
    var draft = GPUDraft()
    draft.warpSize = 33
    draft.threadsPerBlock = 33 * 32
    draft.dramGigabytesPerSecond = -1
    let error = try #require(throws: GPUError.self) { try draft.gpu() }
    #expect(
      error.description
        == "The warp size is 33; every CUDA GPU has 32.\nThe DRAM bandwidth must be a positive number.")
  }

  @Test("A cache has capacity ÷ (line · ways) sets")
  func sets() {
    #expect(CacheSpec(capacity: Bytes(1536 << 10), ways: 16).sets == 768)
  }
}
