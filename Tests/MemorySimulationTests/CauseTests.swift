import Hardware
import Scheduling
import TestSupport
import Testing
import Workload

@testable import MemorySimulation

/// The definition of the causes of requests, with no thought of speed: blocks one after the other in the order of decision
/// 0004, dictionaries of bytes.
private struct PlainCauses {
  private(set) var counts: [Operand: [SectorCause: Int]] = [:]
  private struct Step: Hashable {
    let operand: Operand
    let region: Region
  }
  /// Bytes touched of each sector, and the block that touched it first.
  private var bytes: [Operand: [Int: Set<Int>]] = [:]
  private var first: [Operand: [Int: ThreadBlock]] = [:]
  private var firstTakers: [Step: ThreadBlock] = [:]
  /// By the block that is at it.
  private var taken: Set<Step> = []
  private let schedule: Schedule

  init(_ schedule: Schedule) {
    self.schedule = schedule
    let order = schedule.blocks.sorted {
      ($0.image, $0.channelTile, $0.rowTile, $0.columnTile)
        < ($1.image, $1.channelTile, $1.rowTile, $1.columnTile)
    }
    for block in order {
      taken = []
      for case .load(let operand, let region) in schedule.steps(of: block) { load(operand, region, block) }
    }
  }

  private mutating func load(_ operand: Operand, _ region: Region, _ block: ThreadBlock) {
    let size = schedule.chain.elementBytes(of: operand)
    let width = schedule.vectorWidth(of: operand)
    let isConstant = if case .ifm = operand { false } else { true }
    let step = Step(operand: operand, region: region)
    let taker = firstTakers[step]
    firstTakers[step] = taker ?? block
    let isRepeat = !taken.insert(step).inserted
    var requests: [[Int: Set<Int>]] = []
    schedule.forEachWarpRequest(of: operand, region, width: width) { lanes, _ in
      var sectors: [Int: Set<Int>] = [:]
      for lane in lanes where lane >= 0 {
        for byte in lane * size..<(lane + width) * size { sectors[byte / 32, default: []].insert(byte) }
      }
      requests.append(sectors)
    }
    for (sector, asked) in requests.flatMap(\.self) {
      let before = bytes[operand]?[sector] ?? []
      let cause: SectorCause
      if before.isEmpty {
        cause = .compulsory
      } else if before.isDisjoint(with: asked) {
        cause = .overfetch
      } else {
        let other = isRepeat ? block : taker ?? first[operand]?[sector] ?? block
        cause = self.cause(isConstant, block, other)
      }
      counts[operand, default: [:]][cause, default: 0] += 1
      bytes[operand, default: [:]][sector, default: []].formUnion(asked)
      if before.isEmpty { first[operand, default: [:]][sector] = block }
    }
  }

  private func cause(_ isConstant: Bool, _ block: ThreadBlock, _ other: ThreadBlock) -> SectorCause {
    let isAlone = schedule.chain.stages.count == 1
    if isConstant { return other == block || other.channelTile != block.channelTile ? .recompute : .reread }
    if other == block { return .reread }
    if other.channelTile != block.channelTile { return isAlone ? .reread : .recompute }
    return schedule.recomputesHalo ? .recompute : .halo
  }
}

@Suite struct CauseTests {
  private static let chains: [[RandomStage]] = [
    [.dw], [.pw], [.conv], [.grouped], [.pool], [.add], [.dw, .pw], [.pw, .dw], [.pw, .pw], [.pw, .dw, .pw],
  ]

  @Test("The causes of requests are those of the plain definition, for any launch order", arguments: 0..<10)
  func requests(_ chain: Int) throws {
    var draft = GPUDraft()
    (draft.multiprocessors, draft.blocks) = (2, 3)
    let gpu = try draft.gpu()
    var kinds: Set<SectorCause> = []
    for seed in 0..<30 {
      var generator = RandomCaseGenerator(seed: UInt64(40_000 + chain * 1_000 + seed))
      let example = try generator.draw(Self.chains[chain])
      let plain = PlainCauses(example.schedule).counts
      let found = KernelReplay(example.schedule, on: gpu).run()
      for (operand, traffic) in found.operands where operand != .ofm {
        for cause in SectorCause.allCases {
          let count = traffic.causes[.requests][cause]
          if count > 0 { kinds.insert(cause) }
          try #require(
            count == plain[operand]?[cause] ?? 0, "\(operand) \(cause.name): \(example.description)")
        }
      }
    }
    #expect(kinds.count >= 2)
  }

  /// Sectors of a level by cause, as `3 compulsory, 1 halo`.
  private func text(_ counts: CauseCounts) -> String {
    SectorCause.allCases.filter { counts[$0] != 0 }.map { "\(counts[$0]) \($0.name)" }.joined(separator: ", ")
  }

  private func gpu(granularity: Int, l2Lines: Int? = nil, l1Lines: Int? = nil) throws -> GPU {
    var draft = GPUDraft()
    draft.multiprocessors = 1
    draft.l2FetchGranularity = granularity
    if let l2Lines { draft.l2 = CacheSpec(capacity: Bytes(l2Lines * 128), ways: l2Lines) }
    if let l1Lines { (draft.carveOuts, draft.unifiedL1) = ([100 << 10], (100 << 10) + l1Lines * 128) }
    return try draft.gpu()
  }

  // A map of 6 rows of 16 fp32, 2 sectors a row, under windows of 3 rows and 1 column, in two tiles of 2 rows: rows 0–3,
  // then 2–5. The second tile's rows 2 and 3 are halo, 4 sectors.
  private func rowTiles() throws -> Schedule {
    var sample = Sample(rows: (6, 3, 1, 0), columns: (16, 1, 1, 0))
    sample.tile.rows = 2
    return try sample.schedule()
  }

  @Test("Rows that two tiles share are halo, and hit the L1 of one multiprocessor")
  func halo() throws {
    let books = KernelReplay(try rowTiles(), on: try gpu(granularity: 32)).run().operands[.ifm(0)]?.causes
    #expect(text(books?[.requests] ?? .zero) == "12 compulsory, 4 halo")
    #expect(text(books?[.l1Hits] ?? .zero) == "4 halo")
    #expect(text(books?[.dramReads] ?? .zero) == "12 compulsory")
  }

  // One L1 line: the second tile starts with rows 2 and 3, which the first ended on; they are there. With tiles of one row
  // (rows 012 123 234 345; line 01, 23, 45) row 1 comes back after row 2 took the line, and so on.
  @Test("What an L1 of one line loses comes again as an eviction, of L2 hits")
  func l1Eviction() throws {
    var sample = Sample(rows: (6, 3, 1, 0), columns: (16, 1, 1, 0))
    sample.tile.rows = 1
    let gpu = try gpu(granularity: 32, l1Lines: 1)
    var draft = Sample(rows: (6, 3, 1, 0), columns: (16, 1, 1, 0))
    draft.tile.rows = 1
    var parameters = SimulationParameters()
    parameters.stepsPerTurn = 1_000
    let books = KernelReplay(try sample.schedule(), on: gpu, parameters: parameters).run()
      .operands[.ifm(0)]?.causes
    #expect(text(books?[.requests] ?? .zero) == "12 compulsory, 12 halo")
    #expect(books?.l2Reads[.eviction] ?? 0 > 0)
    #expect(books?[.l2ReadMisses].total == 12)
    #expect(text(books?[.dramReads] ?? .zero) == "12 compulsory")
  }

  // A granule of 128 B brings the line of a filter of 36 B, two of whose sectors no one asks for.
  @Test("Granules bring what no one asks for; what is asked for later was no overfetch")
  func overfetch() throws {
    let traffic = KernelReplay(
      try Sample(rows: (4, 3, 1, 0), columns: (8, 3, 1, 0)).schedule(), on: try gpu(granularity: 128)
    ).run()
    #expect(
      text(traffic.operands[.weights(stage: 0)]?.causes[.dramReads] ?? .zero) == "2 compulsory, 2 overfetch")
    #expect(text(traffic.operands[.ifm(0)]?.causes[.dramReads] ?? .zero) == "4 compulsory")
  }

  // Two tiles of filters read the map of 6 lines; an L2 of 3 lines has lost it all.
  @Test("What a small L2 loses is read again as an eviction")
  func l2Eviction() throws {
    var sample = Sample(filters: 2, rows: (12, 1, 1, 0), columns: (16, 1, 1, 0))
    sample.tile.channels = 1
    var parameters = SimulationParameters()
    parameters.stepsPerTurn = 1_000
    let traffic = KernelReplay(
      try sample.schedule(), on: try gpu(granularity: 32, l2Lines: 3, l1Lines: 3), parameters: parameters
    ).run()
    let books = traffic.operands[.ifm(0)]?.causes
    #expect(text(books?[.requests] ?? .zero) == "24 compulsory, 24 re-read")
    #expect(text(books?.l2Reads ?? .zero) == "24 compulsory, 24 eviction")
    #expect(text(books?[.dramReads] ?? .zero) == "24 compulsory, 24 eviction")
    #expect(traffic.checkConservation() == [])
  }

  // 4 columns of fp32 a tile are half a sector: the second tile's loads want bytes that none before wanted, and its stores
  // fill up what the first tile's began.
  @Test("Tiles that split sectors overfetch, and merge writes")
  func splitSectors() throws {
    var sample = Sample(rows: (2, 1, 1, 0), columns: (8, 1, 1, 0))
    sample.tile.columns = 4
    let traffic = KernelReplay(try sample.schedule(), on: try gpu(granularity: 32)).run()
    #expect(text(traffic.operands[.ifm(0)]?.causes[.requests] ?? .zero) == "2 compulsory, 2 overfetch")
    #expect(text(traffic.operands[.ofm]?.causes[.requests] ?? .zero) == "2 compulsory, 2 write merge")
    #expect(text(traffic.operands[.ofm]?.causes[.dramWrites] ?? .zero) == "2 compulsory")
  }
}
