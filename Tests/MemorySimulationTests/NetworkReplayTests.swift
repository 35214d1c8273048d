import Hardware
import Scheduling
import TestSupport
import Testing
import Workload

@testable import MemorySimulation

@Suite struct NetworkReplayTests {
  /// Two PW layers of 4 channels on 8×8: a map is 1 KB, 32 sectors, the weights 2 sectors.
  private func network(l2: Int) throws -> NetworkReplay {
    var draft = GPUDraft()
    draft.multiprocessors = 2
    draft.l2 = CacheSpec(capacity: Bytes(l2), ways: 8)
    draft.l2FetchGranularity = 32
    let first = try Sample(channels: 4, rows: (8, 1, 1, 0), columns: (8, 1, 1, 0)).schedule()
    let layer = first.chain.stages[0]
    let next = Layer(
      name: "next", operation: .convolution, shape: layer.shape, hasBias: false, inputs: [.layer(0)])
    let second = try Schedule(Chain([next], precision: .fp32), tiling: first.tiling, lanes: first.lanes)
    return NetworkReplay(
      [
        .init(layers: [0], inputs: [.input(0)], schedule: first),
        .init(layers: [1], inputs: [.layer(0)], schedule: second),
      ], on: try draft.gpu())
  }

  @Test("The second kernel reads its input where the first wrote it")
  func placements() throws {
    let places = try network(l2: 1 << 16).placements()
    #expect(places[0].bases == [.ifm(0): .zero, .weights(stage: 0): Bytes(1024), .ofm: Bytes(1280)])
    #expect(places[1].bases == [.ifm(0): Bytes(1280), .weights(stage: 0): Bytes(2304), .ofm: Bytes(2560)])
  }

  /// DRAM reads and writes of each kernel, in sectors, then what it found in the L2.
  private func drawing(_ traffic: [KernelTraffic]) -> String {
    traffic.map { kernel in
      #expect(kernel.checkConservation() == [])
      return "\(kernel.dramRead.count / 32) \(kernel.dramWritten.count / 32) \(kernel.total.inherited)"
    }.joined(separator: " | ")
  }

  @Test(
    "Cold, each kernel moves all; warm, maps that fit stay and nothing is written; flushed, they stay, written"
  )
  func fits() throws {
    let network = try network(l2: 1 << 16)
    #expect(drawing(network.run(.cold, threads: 2)) == "34 32 0 | 34 32 0")
    #expect(drawing(network.run(.warm, threads: 2)) == "34 0 0 | 2 0 32")
    #expect(drawing(network.run(.flushed, threads: 2)) == "34 32 0 | 2 32 32")
  }

  @Test("No count of threads moves a number, and a kernel of a network is what it is alone")
  func threads() throws {
    let network = try network(l2: 1 << 16)
    for between in L2BetweenKernels.allCases {
      let alone = network.run(between, threads: 1)
      for threads in [2, 3, 16] { #expect(network.run(between, threads: threads) == alone) }
      guard between == .cold else { continue }
      #expect(alone == network.kernels.map { KernelReplay($0.schedule, on: network.gpu).run() })
      #expect(alone.allSatisfy { $0.shared.requests > 0 && $0.multiplyAddInstructions > 0 })
    }
  }

  // 8 lines hold one map. The first kernel's stores push its input out; the second finds its input, dirty, and pushes it out
  // with its own stores.
  @Test("In an L2 of one map the second kernel finds its input and writes it back")
  func evicts() throws {
    let traffic = try network(l2: 1 << 10).run(.warm, threads: 1)
    #expect(traffic[1].earlierKernels.dramWrites.count + traffic[1].dramWritten.count / 32 > 0)
    #expect(traffic.map { $0.checkConservation() } == [[], []])
  }

  @Test("Partitions: what both halves read is there twice; passed through, once, and crosses over each time")
  func partitions() throws {
    var draft = GPUDraft()
    draft.multiprocessors = 2
    draft.l2FetchGranularity = 32
    draft.l2 = CacheSpec(capacity: Bytes(1 << 16), ways: 8)
    let gpu = try draft.gpu()
    // Two channel tiles, one on each multiprocessor, read the same map of 12 rows of 16 fp32: 24 sectors, 6 lines, all at
    // home in the first half. And 1 sector of weights.
    var sample = Sample(filters: 2, rows: (12, 1, 1, 0), columns: (16, 1, 1, 0))
    sample.tile.channels = 1
    let schedule = try sample.schedule()
    func books(_ partitions: SimulationParameters.Partitions) -> OperandTraffic {
      var parameters = SimulationParameters()
      parameters.l2Partitions = partitions
      let traffic = KernelReplay(schedule, on: gpu, parameters: parameters).run()
      #expect(traffic.checkConservation() == [])
      return traffic.operands[.ifm(0)] ?? .zero
    }
    #expect(books(.one).fabric == .zero)
    for partitions in [SimulationParameters.Partitions.through, .duplicated] {
      #expect(books(partitions).fabric == Sectors(24))
      #expect(books(partitions).dramReads == Sectors(24))
      #expect(books(partitions).l2ReadHits + books(partitions).l2ReadMisses == Sectors(48))
    }
  }

  @Test("A store buffer merges the halves of sectors that its multiprocessor stores, and the books balance")
  func storeBuffer() throws {
    var draft = GPUDraft()
    draft.multiprocessors = 1
    let gpu = try draft.gpu()
    var sample = Sample(rows: (2, 1, 1, 0), columns: (8, 1, 1, 0))
    sample.tile.columns = 4
    var parameters = SimulationParameters()
    // Two tiles of 4 columns: each stores half of both rows' sectors.
    for (lines, writes) in [(0, 4), (1, 2), (4, 2)] {
      parameters.storeMergeLines = lines
      let traffic = KernelReplay(try sample.schedule(), on: gpu, parameters: parameters).run()
      #expect(traffic.stores.l2Writes == Sectors(writes))
      #expect(traffic.stores.mergedStores == Sectors(4 - writes))
      #expect(traffic.checkConservation() == [])
    }
  }

  @Test("Atoms of 64 B: half of what DRAM moves for single sectors is for no one")
  func atoms() throws {
    var draft = GPUDraft()
    draft.l2FetchGranularity = 32
    var parameters = SimulationParameters()
    parameters.dramAtom = Bytes(64)
    // One sector in, one out, one of weights.
    let schedule = try Sample(rows: (1, 1, 1, 0), columns: (8, 1, 1, 0)).schedule()
    let traffic = KernelReplay(schedule, on: try draft.gpu(), parameters: parameters).run()
    #expect(traffic.dramRead == Bytes(2 * 64) && traffic.dramWritten == Bytes(64))
    #expect(traffic.operands[.ifm(0)]?.causes[.dramReads][.overfetch] == 1)
    #expect(traffic.checkConservation() == [])
  }
}
