import Hardware
import Scheduling
import Workload

/// What a block does, with its loads by number: blocks of one channel tile take the same actions, each on its own piece of
/// the maps.
enum BlockAction {
  /// Of tensor number `operand`; `slot` numbers its different channels and filters. `isRepeat`: the block loaded them before.
  case load(operand: Int, slot: Int, region: Region, isRepeat: Bool)
  case store
  case compute
}

/// A load step that some blocks take alike, coalesced once: every spatial tile loads the same weights, every channel tile
/// the same piece of the input.
struct LoadStep {
  /// L1 lines; each access with the cause that it has for the first block.
  let stream: [LineAccess]
  let instructions, requests, elements, lines, sectors: Int
  /// The first block that takes it, images outermost, then channel tiles, whatever the launch order.
  let firstBlock: Int
  /// Blocks that are still to take it.
  var remaining = 0
}

/// The load steps of a kernel, each with the causes of its accesses.
///
/// Causes follow decision 0004, so that no launch order moves them: a block comes after all blocks of earlier channel tiles
/// of its image, and of earlier spatial tiles of its channel tile. For this each image is surveyed, block by block, before
/// the first of its blocks runs. Steps of maps are dropped when the last block has taken them.
struct StepLibrary {
  private let schedule: Schedule
  private let sectorsPerLine: Int
  /// Of each channel tile.
  let programs: [[BlockAction]]
  private(set) var accesses: [OperandAccess]
  private var touched: [TouchHistory]
  private var constants: [LoadStep?]
  private var maps: [Int: [LoadStep?]] = [:]
  private let mapSlots: Int
  private(set) var surveyedImages = 0

  init(_ schedule: Schedule, accesses: [OperandAccess], l1SectorsPerLine: Int) {
    self.schedule = schedule
    self.accesses = accesses
    sectorsPerLine = l1SectorsPerLine
    touched = accesses.map { TouchHistory(sectors: $0.extent.count) }
    var writer = ProgramWriter(schedule)
    programs = writer.programs()
    constants = Array(repeating: nil, count: writer.constantSlots)
    mapSlots = writer.mapSlots
  }

  private var spatialTiles: Int { schedule.rows.count * schedule.columns.count }

  /// The block's place in the order that causes follow.
  func place(of block: ThreadBlock) -> Int {
    ((block.image * schedule.channelTiles + block.channelTile) * schedule.rows.count + block.rowTile)
      * schedule.columns.count + block.columnTile
  }

  /// Each block of an image and channel tile has its own piece of a map.
  private func index(of slot: Int, for block: ThreadBlock) -> Int {
    slot * spatialTiles + block.rowTile * schedule.columns.count + block.columnTile
  }

  private func isMap(_ operand: Int) -> Bool {
    accesses[operand].operand.isInputMap
  }

  /// Works out what the blocks of the next image load that no block before them loads.
  mutating func surveyNextImage() {
    let perImage = spatialTiles * schedule.channelTiles
    let blocks = schedule.blocks
    let image = surveyedImages
    surveyedImages += 1
    var ordered = Array(blocks[image * perImage..<(image + 1) * perImage])
    for block in blocks[image * perImage..<(image + 1) * perImage] {
      ordered[place(of: block) - image * perImage] = block
    }
    var steps: [LoadStep?] = Array(repeating: nil, count: mapSlots * spatialTiles)
    for block in ordered {
      for case .load(let operand, let slot, let region, _) in programs[block.channelTile] {
        if isMap(operand) {
          let index = index(of: slot, for: block)
          if steps[index] == nil {
            let step = TileStep.load(accesses[operand].operand, region)
            if case .load(_, let moved) = schedule.step(step, movedTo: block) {
              steps[index] = load(operand, moved, by: place(of: block))
            }
          }
          steps[index]?.remaining += 1
        } else if constants[slot] == nil {
          constants[slot] = load(operand, region, by: place(of: block))
        }
      }
    }
    maps[image] = steps
  }

  /// What `block` loads now, and the cause of all its accesses; nil where each has its own.
  mutating func take(
    _ operand: Int, slot: Int, isRepeat: Bool, by block: ThreadBlock
  ) -> (step: LoadStep, cause: SectorCause?)? {
    let place = place(of: block)
    guard isMap(operand) else {
      guard let step = constants[slot] else { return nil }
      if isRepeat { return (step, .recompute) }
      if step.firstBlock == place { return (step, nil) }
      return (step, tile(of: step.firstBlock) == block.channelTile ? .reread : .recompute)
    }
    let index = index(of: slot, for: block)
    guard var step = maps[block.image]?[index] else { return nil }
    step.remaining -= 1
    maps[block.image]?[index] = step.remaining == 0 ? nil : step
    if isRepeat { return (step, .reread) }
    if step.firstBlock == place { return (step, nil) }
    return (step, schedule.chain.stages.count == 1 ? .reread : .recompute)
  }

  private func tile(of place: Int) -> Int { place / spatialTiles % schedule.channelTiles }

  private mutating func load(_ operand: Int, _ region: Region, by place: Int) -> LoadStep {
    let step = accesses[operand].loads(of: region, by: schedule)
    let first = accesses[operand].extent.lowerBound
    var stream: [LineAccess] = []
    for (sector, mask) in zip(step.sectors, step.masks) {
      let number = first + Int(sector)
      stream.add(
        line: number / sectorsPerLine, bit: 1 << UInt8(number % sectorsPerLine),
        cause: cause(of: Int(sector), mask, operand, by: place))
    }
    return LoadStep(
      stream: stream, instructions: step.instructions, requests: step.requests, elements: step.elements,
      lines: step.lines, sectors: step.sectors.count, firstBlock: place)
  }

  /// Why a block asks for bytes of a sector in a step that no block before it took.
  private mutating func cause(of sector: Int, _ mask: UInt32, _ operand: Int, by place: Int) -> SectorCause {
    let (before, first) = touched[operand].touch(sector, mask, by: place)
    if before == 0 { return .compulsory }
    if before & mask == 0 { return .overfetch }
    let isAlone = schedule.chain.stages.count == 1
    guard isMap(operand) else {
      return first != place && tile(of: first) == tile(of: place) ? .reread : .recompute
    }
    if first == place { return .reread }
    if tile(of: first) != tile(of: place) { return isAlone ? .reread : .recompute }
    return schedule.recomputesHalo ? .recompute : .halo
  }

  /// The accesses of a store step, and which of them are the first to their sector.
  mutating func store(_ operand: Int, _ region: Region) -> (step: StepAccesses, isFirst: [Bool]) {
    let step = accesses[operand].results(
      of: region, after: schedule.chain.stages.count - 1, by: schedule)
    let isFirst = zip(step.sectors, step.masks).map { sector, mask in
      touched[operand].touch(Int(sector), mask, by: 0).before == 0
    }
    return (step, isFirst)
  }
}

extension Operand {
  /// Whether each block has a piece of its own of it.
  fileprivate var isInputMap: Bool {
    switch self {
    case .ifm, .residual: true
    case .weights, .bias, .multipliers, .ofm: false
    }
  }
}

/// Which bytes of each sector any request touched so far, and the first block to touch the sector.
private struct TouchHistory {
  private var masks: [UInt32]
  private var firstBlocks: [Int]

  init(sectors: Int) {
    masks = Array(repeating: 0, count: sectors)
    firstBlocks = Array(repeating: 0, count: sectors)
  }

  mutating func touch(_ sector: Int, _ mask: UInt32, by block: Int) -> (before: UInt32, first: Int) {
    let before = masks[sector]
    if before == 0 { firstBlocks[sector] = block }
    masks[sector] |= mask
    return (before, firstBlocks[sector])
  }
}

/// Numbers the different loads of a schedule.
private struct ProgramWriter {
  private struct Key: Hashable {
    let operand: Operand
    let outer: Range<Int>
    let channels: Range<Int>
  }

  private let schedule: Schedule
  private var constants: [Key: Int] = [:]
  private var maps: [Key: Int] = [:]

  init(_ schedule: Schedule) { self.schedule = schedule }

  var constantSlots: Int { constants.count }
  var mapSlots: Int { maps.count }

  /// The actions of each channel tile's blocks, barriers left out.
  mutating func programs() -> [[BlockAction]] {
    var first: [ThreadBlock?] = Array(repeating: nil, count: schedule.channelTiles)
    let perImage = schedule.rows.count * schedule.columns.count * schedule.channelTiles
    for block in schedule.blocks.prefix(perImage) where first[block.channelTile] == nil {
      first[block.channelTile] = block
    }
    return first.map { block in
      guard let block else { return [] }
      var taken: Set<Key> = []
      return schedule.steps(of: block).compactMap { action($0, &taken) }
    }
  }

  private mutating func action(_ step: TileStep, _ taken: inout Set<Key>) -> BlockAction? {
    switch step {
    case .barrier: return nil
    case .compute: return .compute
    case .store: return .store
    case .load(let operand, let region):
      let isMap = operand.isInputMap
      let key = Key(operand: operand, outer: isMap ? 0..<1 : region.outer, channels: region.channels)
      let known = isMap ? maps : constants
      let slot = known[key] ?? known.count
      if isMap { maps[key] = slot } else { constants[key] = slot }
      let index = schedule.chain.operands.firstIndex(of: operand) ?? 0
      let isRepeat = !taken.insert(key).inserted
      return .load(operand: index, slot: slot, region: region, isRepeat: isRepeat)
    }
  }
}
