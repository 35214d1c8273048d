import Hardware
import Scheduling
import Workload

/// A block that is resident, and how far it is.
private struct ResidentBlock {
  let block: ThreadBlock
  var next = 0
}

/// One replay while it runs.
struct ReplayMachine {
  let replay: KernelReplay
  private let occupancy: Occupancy
  /// The L2's books when the kernel started.
  private let start: L2Books
  private(set) var memory: MemoryHierarchy
  private var library: StepLibrary
  private var requests: [RequestCounts]
  private var causes: [CauseCounts]
  private var levels: [LevelCounts]
  private let output: Int
  /// Sectors that the flush at the end wrote.
  private var flushed = 0
  private var rounds: [L2Round] = []
  /// What the rounds so far come to.
  private var counted = L2Round()

  init(_ replay: KernelReplay, l2: L2State) {
    self.replay = replay
    let schedule = replay.schedule
    occupancy = replay.occupancy
    start = L2Books(of: l2)
    let accesses = schedule.chain.operands.map {
      OperandAccess($0, of: schedule, at: replay.placement.bases[$0] ?? .zero)
    }
    output = accesses.firstIndex { $0.operand == .ofm } ?? 0
    requests = Array(repeating: RequestCounts(), count: accesses.count)
    causes = Array(repeating: .zero, count: accesses.count)
    levels = Array(repeating: LevelCounts(), count: accesses.count)
    library = StepLibrary(
      schedule, accesses: accesses, l1SectorsPerLine: replay.gpu.l1Line.count / replay.gpu.sector.count)
    // Blocks that go in turn leave the last ones idle.
    let busy =
      replay.facts.multiprocessors == nil
      ? min(replay.gpu.multiprocessors, schedule.blocks.count) : replay.gpu.multiprocessors
    memory = MemoryHierarchy(
      replay.gpu, multiprocessors: busy,
      carveOut: occupancy.carveOut, parameters: replay.parameters, l2: l2, extents: accesses.map(\.extent))
  }

  private var blocksPerWave: Int {
    occupancy.blocksPerMultiprocessor * replay.gpu.multiprocessors
  }

  /// Runs all blocks, and leaves nothing in the multiprocessors' store buffers.
  mutating func run() {
    let blocks = replay.schedule.blocks
    let multiprocessors = replay.gpu.multiprocessors
    var waiting = WaitingBlocks(
      count: blocks.count, on: multiprocessors, takenBy: replay.facts.multiprocessors)
    func launch(in place: Int) -> ResidentBlock? {
      waiting.take(on: place % multiprocessors).map { ResidentBlock(block: blocks[blocks.startIndex + $0]) }
    }
    var places = (0..<blocksPerWave).map { launch(in: $0) }
    var busy = places.count { $0 != nil }
    while busy > 0 {
      for place in places.indices {
        guard var resident = places[place] else { continue }
        if takeTurn(&resident, on: place % multiprocessors) {
          places[place] = resident
        } else {
          places[place] = launch(in: place)
          if places[place] == nil { busy -= 1 }
        }
      }
      if busy == 0 { memory.drain(operand: output, &levels[output]) }
      if replay.countsRounds { endRound() }
    }
  }

  /// Books what crossed to the L2 since the last round.
  private mutating func endRound() {
    var all = L2Round()
    for level in levels {
      all.read += (level.l2ReadHits + level.l2ReadMisses).total * Coalescer.sectorBytes
      all.written += (level.l2WriteHits + level.l2WriteMisses).total * Coalescer.sectorBytes
    }
    var round = L2Round()
    round.read = all.read - counted.read
    round.written = all.written - counted.written
    rounds.append(round)
    counted = all
  }

  /// True if the block has more to do.
  private mutating func takeTurn(_ resident: inout ResidentBlock, on multiprocessor: Int) -> Bool {
    let block = resident.block
    while library.surveyedImages <= block.image { library.surveyNextImage() }
    let program = library.programs[block.channelTile]
    let end = min(program.count, resident.next + replay.parameters.stepsPerTurn)
    while resident.next < end {
      switch program[resident.next] {
      case .load(let operand, let slot, _, let isRepeat):
        guard let (step, cause) = library.take(operand, slot: slot, isRepeat: isRepeat, by: block) else {
          break
        }
        requests[operand].add(step)
        memory.load(
          step.stream, as: cause, sectors: step.sectors, operand: operand, on: multiprocessor,
          &levels[operand])
      case .store: store(by: block, on: multiprocessor)
      case .compute: break
      }
      resident.next += 1
    }
    return resident.next < program.count
  }

  private mutating func store(by block: ThreadBlock, on multiprocessor: Int) {
    let (step, isFirst) = library.store(output, replay.schedule.outputRegion(of: block))
    requests[output].add(step)
    let first = library.accesses[output].extent.lowerBound
    for index in step.sectors.indices {
      causes[output][isFirst[index] ? .compulsory : .writeMerge] += 1
      let write = SectorWrite(
        sector: first + Int(step.sectors[index]), mask: step.masks[index], isFirst: isFirst[index])
      memory.store(write, operand: output, on: multiprocessor, &levels[output])
    }
  }

  mutating func flush() {
    let before = memory.l2.dramWrites
    memory.flush()
    flushed = memory.l2.dramWrites - before
  }
}

/// What the requests of one operand add up to.
private struct RequestCounts {
  var instructions = 0
  var requests = 0
  var elements = 0
  var lines = 0
  var sectors = 0

  mutating func add(_ step: StepAccesses) {
    instructions += step.instructions
    requests += step.requests
    elements += step.elements
    lines += step.lines
    sectors += step.sectors.count
  }

  mutating func add(_ step: LoadStep) {
    instructions += step.instructions
    requests += step.requests
    elements += step.elements
    lines += step.lines
    sectors += step.sectors
  }
}

/// What the L2 has counted since it was made, and how many sectors are dirty.
private struct L2Books {
  let fills, dirtied, cleaned, dirty: Int
  let isCold: Bool

  init(of l2: L2State) {
    (fills, dirtied, cleaned) = l2.books
    isCold = l2.isCold
    dirty = l2.dirtySectors.count
  }
}

extension ReplayMachine {
  /// The books of the kernel, after it has run; those of shared memory stay empty.
  func traffic(isFlushed: Bool) -> KernelTraffic {
    let schedule = replay.schedule
    var traffic = KernelTraffic(occupancy: occupancy)
    traffic.launchReads = replay.parameters.launchReads
    for (index, access) in library.accesses.enumerated() {
      traffic.operands[access.operand] = operandTraffic(index)
      traffic.elementBytes[access.operand] = access.elementBytes
    }
    let others = library.accesses.count
    traffic.earlierKernels.book(.dramReads, memory.l2.mergeReads[others])
    traffic.earlierKernels.book(.dramWrites, memory.l2.writtenBack[others])
    traffic.instructionsPerMatrix = replay.gpu.instructionsPerMatrix
    traffic.copiesAsynchronously = replay.gpu.hasAsynchronousCopies
    if traffic.copiesAsynchronously { traffic.asynchronousCopies = asynchronousCopies(traffic) }
    traffic.flushedSectors = Sectors(flushed)
    traffic.rounds = rounds
    traffic.blocks = schedule.blocks.count
    traffic.blocksPerWave = blocksPerWave
    traffic.startsCold = start.isCold
    traffic.isFlushed = isFlushed
    let end = L2Books(of: memory.l2.state)
    traffic.l2.fills = Sectors(end.fills - start.fills)
    traffic.l2.dirtied = Sectors(end.dirtied - start.dirtied)
    traffic.l2.writtenBack = Sectors(end.cleaned - start.cleaned)
    traffic.l2.dirtyAtStart = Sectors(start.dirty)
    traffic.l2.dirtyAtEnd = Sectors(end.dirty)
    traffic.l2.mergeReads = Sectors(memory.l2.mergeReads.reduce(0) { $0 + $1[.writeMerge] })
    traffic.l2.atomReads = Sectors(memory.l2.atomReads)
    traffic.l2.atomWrites = Sectors(memory.l2.atomWrites)
    return traffic
  }

  /// A copy fills with zeros what lies outside the map, so that a warp copies for any lane that has an item; what is to be filled
  /// with anything else is not copied.
  private func asynchronousCopies(_ traffic: KernelTraffic) -> Int {
    let copied = replay.schedule.operandCopies.filter {
      $0.path(on: replay.gpu.architecture) == .asynchronous
    }
    return copied.reduce(0) { sum, copy in
      guard let own = traffic.operands[copy.operand] else { return sum }
      return sum + (replay.schedule.chain.elementType == .int8 ? own.requests : own.instructions)
    }
  }

  private func operandTraffic(_ index: Int) -> OperandTraffic {
    let (requests, levels, access) = (requests[index], levels[index], library.accesses[index])
    var traffic = OperandTraffic()
    traffic.accesses = Elements(requests.elements)
    traffic.distinct = Elements(access.distinctElements)
    traffic.instructions = requests.instructions
    traffic.requests = requests.requests
    traffic.lines = requests.lines
    traffic.distinctSectors = Sectors(access.distinctSectors)
    traffic.book(.requests, index == output ? causes[index] : levels.l1Hits + levels.l1Misses)
    traffic.sectors = Sectors(requests.sectors)
    traffic.book(.l1Hits, levels.l1Hits)
    traffic.book(.l1Misses, levels.l1Misses)
    traffic.book(.l2ReadHits, levels.l2ReadHits)
    traffic.book(.l2ReadMisses, levels.l2ReadMisses)
    traffic.book(.l2WriteHits, levels.l2WriteHits)
    traffic.book(.l2WriteMisses, levels.l2WriteMisses)
    traffic.book(.dramReads, levels.dramReads + memory.l2.mergeReads[index])
    traffic.book(.dramWrites, memory.l2.writtenBack[index])
    traffic.mergedStores = Sectors(levels.mergedStores)
    traffic.fabric = Sectors(levels.fabric)
    traffic.inherited = Sectors(levels.inherited)
    return traffic
  }
}
