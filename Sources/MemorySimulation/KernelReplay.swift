import Hardware
import Scheduling
import Workload

/// Replays a schedule on a GPU, warp request by warp request.
///
/// Blocks go to multiprocessors in launch order as places get free, as many resident as occupancy allows; resident
/// blocks take turns, `stepsPerTurn` steps each. L1 is what the carve-out for shared memory leaves of each
/// multiprocessor's memory, and is empty at the start, for hardware invalidates it between dependent kernels.
public struct KernelReplay: Sendable {
  public let schedule: Schedule
  public let gpu: GPU
  public let parameters: SimulationParameters
  public let placement: DataPlacement

  /// - Parameter placement: Where the tensors lie; one after the other from address 0 by default.
  /// - Precondition: A block fits a multiprocessor (`checkLegality(on:)`), and a turn is at least one step: else
  ///   no block would ever run, or none would ever end.
  public init(
    _ schedule: Schedule, on gpu: GPU, parameters: SimulationParameters = SimulationParameters(),
    placement: DataPlacement? = nil
  ) {
    let resident = schedule.occupancy(on: gpu).blocksPerMultiprocessor
    precondition(resident > 0, "the schedule is illegal on the GPU")
    precondition(parameters.stepsPerTurn > 0, "a turn is at least one step")
    self.schedule = schedule
    self.gpu = gpu
    self.parameters = parameters
    self.placement = placement ?? DataPlacement(of: schedule.chain)
  }

  /// From a cold L2, which is flushed at the end unless `parameters` say otherwise.
  public func run() -> KernelTraffic {
    var machine = ReplayMachine(self, l2: L2State(of: gpu))
    machine.run()
    if parameters.flushesAtEnd { machine.memory.flush() }
    return machine.traffic(isFlushed: parameters.flushesAtEnd)
  }

  /// From what earlier kernels left in the L2, and leaves there what this one does, so that the kernels of a
  /// network can run one after the other.
  public func run(from l2: inout L2State) -> KernelTraffic {
    var machine = ReplayMachine(self, l2: l2)
    machine.run()
    l2 = machine.memory.l2
    l2.isCold = false
    return machine.traffic(isFlushed: false)
  }
}

/// A block that is resident, and how far it is.
private struct ResidentBlock {
  let block: ThreadBlock
  let steps: [TileStep]
  var next = 0
}

private struct ReplayMachine {
  let replay: KernelReplay
  private let occupancy: Occupancy
  /// The L2's books when the kernel started.
  private let start: L2Books
  fileprivate var memory: MemoryHierarchy
  private var accesses: [OperandAccess]
  private var counts: [(requests: RequestCounts, levels: LevelCounts)]
  private var store = StepStore()
  private var sharedSteps: SharedMemorySteps

  init(_ replay: KernelReplay, l2: L2State) {
    self.replay = replay
    let schedule = replay.schedule
    occupancy = schedule.occupancy(on: replay.gpu)
    start = L2Books(of: l2)
    let accesses = schedule.chain.operands.map {
      OperandAccess($0, of: schedule, at: replay.placement.bases[$0] ?? .zero)
    }
    self.accesses = accesses
    counts = Array(repeating: (RequestCounts(), LevelCounts()), count: accesses.count)
    memory = MemoryHierarchy(
      replay.gpu, multiprocessors: min(replay.gpu.multiprocessors, schedule.blocks.count),
      carveOut: occupancy.carveOut, parameters: replay.parameters, l2: l2, extents: accesses.map(\.extent))
    sharedSteps = SharedMemorySteps(schedule)
  }

  private var blocksPerWave: Int {
    occupancy.blocksPerMultiprocessor * replay.gpu.multiprocessors
  }

  mutating func run() {
    let blocks = replay.schedule.blocks
    var waiting = blocks.startIndex
    func launch() -> ResidentBlock? {
      guard waiting < blocks.endIndex else { return nil }
      defer { waiting += 1 }
      return ResidentBlock(block: blocks[waiting], steps: replay.schedule.steps(of: blocks[waiting]))
    }
    let multiprocessors = replay.gpu.multiprocessors
    var places = (0..<min(blocksPerWave, blocks.count)).map { _ in launch() }
    var busy = places.count
    while busy > 0 {
      for place in places.indices {
        guard var resident = places[place] else { continue }
        places[place] = nil
        takeTurn(&resident, on: place % multiprocessors)
        places[place] = resident.next < resident.steps.count ? resident : launch()
        if places[place] == nil { busy -= 1 }
      }
    }
  }

  private mutating func takeTurn(_ resident: inout ResidentBlock, on multiprocessor: Int) {
    var taken = 0
    while taken < replay.parameters.stepsPerTurn, resident.next < resident.steps.count {
      let step = resident.steps[resident.next]
      resident.next += 1
      switch step {
      case .load(let operand, let region): move(operand, region, of: resident.block, on: multiprocessor)
      case .store(let region): move(.ofm, region, of: resident.block, on: multiprocessor)
      case .barrier: continue
      case .compute(let stage, let channels, let reducing):
        // A stage that does not mix channels reduces at once.
        let chain = replay.schedule.chain
        sharedSteps.compute(
          stage, channels: channels, reducing: reducing.count,
          ends: !chain.mixesChannels(stage)
            || reducing.upperBound == chain.stages[stage].shape.inputChannels)
      }
      taken += 1
    }
  }

  private mutating func move(
    _ operand: Operand, _ region: Region, of block: ThreadBlock, on multiprocessor: Int
  ) {
    guard let index = accesses.firstIndex(where: { $0.operand == operand }) else { return }
    let first = accesses[index].extent.lowerBound
    var levels = counts[index].levels
    if operand == .ofm {
      let step = accesses[index].stores(of: region, by: replay.schedule)
      counts[index].requests.add(step)
      for (sector, mask) in zip(step.sectors, step.masks) {
        memory.store(sector: first + Int(sector), mask: mask, on: multiprocessor, &levels)
      }
    } else {
      let step = store.accesses(to: region, by: block, index, &accesses[index])
      counts[index].requests.add(step)
      sharedSteps.stage(operand, region, width: accesses[index].walk.vectorWidth)
      for sector in step.sectors { memory.load(sector: first + Int(sector), on: multiprocessor, &levels) }
    }
    counts[index].levels = levels
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
}

/// What the L2 has counted since it was made, and how many sectors are dirty.
private struct L2Books {
  let fills, dirtied, cleaned, dirty: Int
  let isCold: Bool

  init(of l2: L2State) {
    (fills, dirtied, cleaned) = (l2.cache.fills, l2.cache.dirtied, l2.cache.cleaned)
    isCold = l2.isCold
    dirty = l2.cache.dirtySectors
  }
}

extension ReplayMachine {
  /// The books of the kernel, after it has run.
  func traffic(isFlushed: Bool) -> KernelTraffic {
    var traffic = KernelTraffic(occupancy: occupancy)
    for index in accesses.indices {
      traffic.operands[accesses[index].operand] = operandTraffic(index)
      traffic.elementBytes[accesses[index].operand] = accesses[index].elementBytes
    }
    traffic.earlierKernels.dramReads = Sectors(memory.mergeReads[accesses.count])
    traffic.earlierKernels.dramWrites = Sectors(memory.writtenBack[accesses.count])
    traffic.sharedStaging = sharedSteps.staging
    traffic.sharedReads = sharedSteps.operandReads
    traffic.sharedIntermediates = sharedSteps.intermediateWrites
    traffic.multiplyAddInstructions = sharedSteps.multiplyAdds
    traffic.blocks = replay.schedule.blocks.count
    traffic.blocksPerWave = blocksPerWave
    traffic.startsCold = start.isCold
    traffic.isFlushed = isFlushed
    let end = L2Books(of: memory.l2)
    traffic.l2.fills = Sectors(end.fills - start.fills)
    traffic.l2.dirtied = Sectors(end.dirtied - start.dirtied)
    traffic.l2.writtenBack = Sectors(end.cleaned - start.cleaned)
    traffic.l2.dirtyAtStart = Sectors(start.dirty)
    traffic.l2.dirtyAtEnd = Sectors(end.dirty)
    traffic.l2.mergeReads = Sectors(memory.mergeReads.reduce(0, +))
    return traffic
  }

  private func operandTraffic(_ index: Int) -> OperandTraffic {
    let (requests, levels) = counts[index]
    var traffic = OperandTraffic()
    traffic.accesses = Elements(requests.elements)
    traffic.distinct = Elements(accesses[index].distinctElements)
    traffic.instructions = requests.instructions
    traffic.requests = requests.requests
    traffic.lines = requests.lines
    traffic.sectors = Sectors(requests.sectors)
    traffic.distinctSectors = Sectors(accesses[index].distinctSectors)
    traffic.l1Hits = Sectors(levels.l1Hits)
    traffic.l1Misses = Sectors(levels.l1Misses)
    traffic.l2ReadHits = Sectors(levels.l2ReadHits)
    traffic.l2ReadMisses = Sectors(levels.l2ReadMisses)
    traffic.l2Writes = Sectors(levels.l2WriteHits + levels.l2WriteMisses)
    traffic.l2WriteHits = Sectors(levels.l2WriteHits)
    traffic.l2WriteMisses = Sectors(levels.l2WriteMisses)
    traffic.dramReads = Sectors(levels.dramReads + memory.mergeReads[index])
    traffic.dramWrites = Sectors(memory.writtenBack[index])
    return traffic
  }
}
