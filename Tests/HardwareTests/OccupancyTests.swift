import TestSupport
import Testing
import Workload

@testable import Hardware

/// One row of `occupancyTable`.
struct OccupancyCase: CustomTestStringConvertible {
  let text: String
  let computeCapability: String
  let footprint: BlockFootprint
  let blocks: Int
  let allocated: Bytes
  let carveOut: Bytes
  let limits: Set<String>

  var testDescription: String { text }

  init?(_ line: Substring) {
    let fields = line.split(separator: " ").filter { $0 != "|" }
    guard fields.count == 8 else { return nil }
    let numbers = fields[1...6].compactMap { Int($0) }
    guard numbers.count == 6 else { return nil }
    text = String(line)
    computeCapability = String(fields[0])
    footprint = BlockFootprint(
      threads: numbers[0], registersPerThread: numbers[1], sharedMemory: Bytes(numbers[2]))
    blocks = numbers[3]
    allocated = Bytes(numbers[4])
    carveOut = Bytes(numbers[5])
    limits = Set(fields[7].split(separator: "+").map(String.init))
  }

  static let all = occupancyTable.split(separator: "\n").compactMap(OccupancyCase.init)
}

@Suite("Occupancy")
struct OccupancyTests {
  @Test("The table holds 40 cases for each of six compute capabilities")
  func tableIsWhole() {
    let sizes = Dictionary(grouping: OccupancyCase.all, by: \.computeCapability).mapValues(\.count)
    #expect(sizes == ["7.5": 40, "8.0": 40, "8.6": 40, "8.7": 40, "8.9": 40, "9.0": 40])
  }

  @Test("Blocks, limits and carve-out equal those of NVIDIA's calculator", arguments: OccupancyCase.all)
  func equalsCalculator(_ expected: OccupancyCase) throws {
    let gpu = try #require(try GPUDraft.of(computeCapability: expected.computeCapability)?.gpu())
    let occupancy = Occupancy(expected.footprint, on: gpu)
    #expect(occupancy.blocksPerMultiprocessor == expected.blocks)
    #expect(Occupancy.residentBlocks(expected.footprint, on: gpu) == expected.blocks)
    #expect(Set(occupancy.limits.map(\.rawValue)) == expected.limits)
    #expect(occupancy.carveOut == expected.carveOut)
    #expect(Occupancy.allocated(expected.footprint.sharedMemory, on: gpu) == expected.allocated)
  }

  @Test("A block without threads is never resident")
  func noThreads() throws {
    let empty = BlockFootprint(threads: 0, registersPerThread: 32, sharedMemory: .zero)
    #expect(Occupancy(empty, on: try GPUDraft().gpu()).blocksPerMultiprocessor == 0)
  }

  @Test("A carve-out is the smallest that holds the resident blocks, and L1 keeps the rest")
  func smallestCarveOut() throws {
    // 6 blocks of 256 threads fill 48 warps; 6 · (1,024 + 1,024 reserved) B = 12 KiB, so 16 KiB it is.
    let gpu = try GPUDraft().gpu()
    let block = BlockFootprint(threads: 256, registersPerThread: 32, sharedMemory: Bytes(1024))
    let occupancy = Occupancy(block, on: gpu)
    #expect(occupancy.blocksPerMultiprocessor == 6)
    #expect(occupancy.limits == [.warps])
    #expect(occupancy.carveOut == Bytes(16 << 10))
  }

  // Carve-outs of compute capability 9.0, in KB: 0, 8, 16, 32, 64, 100, 132, 164, 196, 228. Blocks of 256 threads and 96
  // registers are resident two by two, of 32 registers eight at once, and one of 1024 threads and 40 registers alone.
  @Test(
    "A driver that doubles sets up twice what two or more blocks need, up to a bound",
    arguments: [
      (256, 96, 16_912, 102_400), (256, 96, 4_784, 32_768), (256, 96, 31_000, 135_168),
      (256, 96, 80_000, 167_936), (256, 32, 1_000, 32_768), (1024, 40, 20_000, 32_768),
      // As an H200 has it: 32 blocks at most have room, and 24 blocks are not doubled to more.
      (32, 32, 992, 65_536), (32, 34, 1_136, 102_400), (64, 40, 2_016, 102_400), (64, 32, 192, 65_536),
    ])
  func doubledCarveOut(_ threads: Int, _ registers: Int, _ shared: Int, _ expected: Int) throws {
    let plain = try #require(try GPUDraft.of(computeCapability: "9.0")?.gpu())
    let gpu = try plain.with(undocumented: [
      UndocumentedParameter(.carveOutDoubling, "135168", range: ["135168"], source: "a test")
    ])
    let block = BlockFootprint(
      threads: threads, registersPerThread: registers, sharedMemory: Bytes(shared))
    let occupancy = Occupancy(block, on: gpu)
    #expect(occupancy.carveOut == Bytes(expected))
    #expect(occupancy.blocksPerMultiprocessor == Occupancy(block, on: plain).blocksPerMultiprocessor)
    let single = Occupancy(block, on: gpu, carveOutDoubling: .zero)
    #expect(single.carveOut == Occupancy(block, on: plain).carveOut)
  }
}
