import Hardware
import Scheduling
import TestSupport
import Testing
import Workload

@testable import MemorySimulation

/// The input sectors of a schedule, block after block, as a drawing: requests apart, ` | ` between blocks, and for
/// each sector the answer of a cache.
private func draw(_ schedule: Schedule, _ answer: (_ sector: Int, _ block: Int) -> Character) -> String {
  schedule.blocks.map { block in
    var requests: [String] = []
    for case .load(.ifm(let input), let region) in schedule.steps(of: block) {
      let width = schedule.vectorWidth(of: .ifm(input))
      let bytes = schedule.chain.elementBytes(of: .ifm(input))
      schedule.forEachWarpRequest(of: .ifm(input), region, width: width) { lanes, _ in
        for lane in lanes.indices where lanes[lane] >= 0 { lanes[lane] *= bytes }
        var touched: [Coalescer.Touched] = []
        Coalescer.sectors(of: lanes, size: width * bytes, into: &touched)
        requests.append(String(touched.map { answer($0.sector, block.index) }))
      }
    }
    return requests.joined(separator: " ")
  }.joined(separator: " | ")
}

/// M miss, h hit.
private func draw(_ schedule: Schedule, ways: Int, sets: Int = 1) -> String {
  var cache = CacheShape(sets: sets, ways: ways, line: 128).cache
  return draw(schedule) { sector, _ in
    if cache.touch(sector: sector) { return "h" }
    _ = cache.insert(sector: sector)
    return "M"
  }
}

/// 1 L1 hit, 2 L2 hit, M miss: from DRAM. Block `i` runs on multiprocessor `i mod multiprocessors`.
private func drawLevels(_ schedule: Schedule, multiprocessors: Int, granularity: Int) throws -> String {
  var draft = GPUDraft()
  draft.multiprocessors = multiprocessors
  draft.l2FetchGranularity = granularity
  var memory = MemoryHierarchy(
    try draft.gpu(), multiprocessors: multiprocessors, carveOut: Bytes(64 << 10),
    parameters: SimulationParameters())
  return draw(schedule) { sector, block in
    var counts = LevelCounts()
    memory.load(sector: sector, on: block % multiprocessors, &counts)
    return counts.l1Hits.total == 1 ? "1" : counts.l2ReadHits.total == 1 ? "2" : "M"
  }
}

/// The maps are 16 fp32 wide: a row is 64 B, two sectors, half a line, and a request of 32 lanes takes two rows.
@Suite struct HaloTraceTests {
  /// Windows of three rows and one column on 6 rows.
  private func rowTiles(of rows: Int, stride: Int = 1) throws -> Schedule {
    var sample = Sample(rows: (6, 3, stride, 0), columns: (16, 1, 1, 0))
    sample.tile.rows = rows
    return try sample.schedule()
  }

  // Tiles of 2 output rows read rows 0–3 and 2–5; rows 2 and 3 are there already.
  @Test("The second row tile finds its halo")
  func haloHits() throws { #expect(try draw(rowTiles(of: 2), ways: 8) == "MMMM MMMM | hhhh MMMM") }

  // Lines hold rows 01, 23, 45. Two ways: when the second tile starts, 01 and 23 are in.
  @Test("One line keeps the halo of tiles of two rows, but not of tiles of one")
  func smallCaches() throws {
    #expect(try draw(rowTiles(of: 2), ways: 2) == "MMMM MMMM | hhhh MMMM")
    // One line: 23 is the last one in when the first tile ends, so even it hits.
    #expect(try draw(rowTiles(of: 2), ways: 1) == "MMMM MMMM | hhhh MMMM")
    // Tiles of one row read 012, 123, 234, 345. 01 must make way for row 2, comes back for row 1 and goes again;
    // then 23 stays until row 4 comes.
    #expect(try draw(rowTiles(of: 1), ways: 1) == "MMMM MM | MMMM MM | hhhh MM | MMMM MM")
  }

  @Test("Tiles of one row find two of their three rows")
  func singleRows() throws {
    #expect(try draw(rowTiles(of: 1), ways: 8) == "MMMM MM | hhhh MM | hhhh MM | hhhh MM")
  }

  // Stride 2: output rows 0 and 1 read rows 0–2 and 2–4; row 2 is shared.
  @Test("At stride 2 the halo is one row")
  func strided() throws {
    #expect(try draw(rowTiles(of: 1, stride: 2), ways: 8) == "MMMM MM | hhMM MM")
  }

  // 6 rows are three lines, read once for each of two tiles of filters.
  @Test("A second tile of filters hits if the map fits, and thrashes if one line is missing")
  func channelTiles() throws {
    var sample = Sample(filters: 2, rows: (6, 1, 1, 0), columns: (16, 1, 1, 0))
    sample.tile.channels = 1
    let schedule = try sample.schedule()
    #expect(draw(schedule, ways: 3) == "MMMM MMMM MMMM | hhhh hhhh hhhh")
    #expect(draw(schedule, ways: 2) == "MMMM MMMM MMMM | MMMM MMMM MMMM")
  }

  @Test("On the same multiprocessor the halo is in L1, on another in L2")
  func levels() throws {
    let schedule = try rowTiles(of: 2)
    #expect(try drawLevels(schedule, multiprocessors: 1, granularity: 32) == "MMMM MMMM | 1111 MMMM")
    #expect(try drawLevels(schedule, multiprocessors: 2, granularity: 32) == "MMMM MMMM | 2222 MMMM")
  }

  @Test("A granule of 64 B brings each second sector, one of 128 B three of four")
  func granularity() throws {
    let schedule = try rowTiles(of: 2)
    #expect(try drawLevels(schedule, multiprocessors: 2, granularity: 64) == "M2M2 M2M2 | 2222 M2M2")
    #expect(try drawLevels(schedule, multiprocessors: 2, granularity: 128) == "M222 M222 | 2222 M222")
  }
}
