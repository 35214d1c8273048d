import Hardware
import Workload

/// The memory of a GPU while one kernel runs: an L1 and a store buffer for each multiprocessor, an L2 for all, DRAM.
/// Addresses are sector numbers.
struct MemoryHierarchy {
  private var l1: L1Caches
  private var storeBuffers: StoreBuffers
  private(set) var l2: L2Simulation
  private let allocatesOnStore: Bool
  private let isBuffered: Bool
  private let l1SectorsPerLine, l2SectorsPerLine: Int
  private var missed: [LineAccess] = []

  /// - Parameters:
  ///   - multiprocessors: Those that get a block; the others need no L1.
  ///   - l2: What the L2 holds at the start; nothing by default.
  ///   - extents: Sectors of each tensor of the kernel.
  init(
    _ gpu: GPU, multiprocessors: Int, carveOut: Bytes, parameters: SimulationParameters, l2: L2State? = nil,
    extents: [Range<Int>]
  ) {
    let perLine = gpu.l1Line.count / gpu.sector.count
    let sectors = (extents.map(\.lowerBound).min() ?? 0)..<(extents.map(\.upperBound).max() ?? 0)
    l1 = L1Caches(
      gpu, count: multiprocessors, carveOut: carveOut,
      lines: sectors.lowerBound / perLine..<(sectors.upperBound + perLine - 1) / perLine)
    self.l2 = L2Simulation(
      gpu, parameters: parameters, state: l2 ?? L2State(of: gpu, parameters: parameters), extents: extents)
    storeBuffers = StoreBuffers(
      places: parameters.storeMergeLines, multiprocessors: multiprocessors,
      sectorsPerLine: gpu.l2.line.count / gpu.sector.count)
    allocatesOnStore = parameters.l1AllocatesOnStore
    isBuffered = parameters.storeMergeLines > 0
    l1SectorsPerLine = perLine
    l2SectorsPerLine = gpu.l2.line.count / gpu.sector.count
  }

  /// Loads a step's stream of L1 lines of tensor number `operand`.
  /// - Parameters:
  ///   - cause: Of all of it; by default each access has its own.
  ///   - sectors: How many it asks for, where that is known.
  mutating func load(
    _ stream: [LineAccess], as cause: SectorCause? = nil, sectors: Int? = nil, operand: Int,
    on multiprocessor: Int, _ counts: inout LevelCounts
  ) {
    l1.load(stream, as: cause, sectors: sectors, on: multiprocessor, &counts, missed: &missed)
    if l1SectorsPerLine != l2SectorsPerLine { missed = missed.regrouped(l1SectorsPerLine, l2SectorsPerLine) }
    l2.read(missed, on: multiprocessor, operand: operand, &counts)
  }

  mutating func store(
    _ write: SectorWrite, operand: Int, on multiprocessor: Int, _ counts: inout LevelCounts
  ) {
    if allocatesOnStore {
      l1.allocate(sector: write.sector, isWhole: write.mask == .max, on: multiprocessor)
    }
    guard isBuffered else { return l2.store(write, on: multiprocessor, operand: operand, &counts) }
    switch storeBuffers.store(write, on: multiprocessor) {
    case .merged: counts.mergedStores += 1
    case .out(let writes):
      for write in writes { l2.store(write, on: multiprocessor, operand: operand, &counts) }
    }
  }

  /// Ends the kernel: what multiprocessors still collect goes to the L2.
  mutating func drain(operand: Int, _ counts: inout LevelCounts) {
    for (multiprocessor, write) in storeBuffers.drain() {
      l2.store(write, on: multiprocessor, operand: operand, &counts)
    }
  }

  mutating func flush() { l2.flush() }
}

/// Sectors of one operand at each level below the requests.
struct LevelCounts: Hashable {
  var l1Hits = CauseCounts()
  var l1Misses = CauseCounts()
  /// By what the L1 says of them: sectors that it had before are `eviction`.
  var l2ReadHits = CauseCounts()
  var l2ReadMisses = CauseCounts()
  var l2WriteHits = CauseCounts()
  var l2WriteMisses = CauseCounts()
  var dramReads = CauseCounts()
  /// Stores that joined another one before the L2.
  var mergedStores = 0
  /// Sectors that went from one partition of the L2 to the other.
  var fabric = 0
  /// Sectors that the kernel asked for first and that an earlier one had left in the L2.
  var inherited = 0
}

extension [LineAccess] {
  /// The same sectors in lines of another size.
  func regrouped(_ from: Int, _ to: Int) -> [LineAccess] {
    var stream: [LineAccess] = []
    for access in self {
      for bit in 0..<from where access.mask & 1 << UInt8(bit) != 0 {
        let sector = access.line * from + bit
        stream.add(line: sector / to, bit: 1 << UInt8(sector % to), cause: access.cause)
      }
    }
    return stream
  }
}
