import Testing

@testable import MemorySimulation

@Suite struct LineHistoryTests {
  @Test("Sectors of a line that came one after the other are all remembered, line by line")
  func remembers() {
    var history = LineHistory(100..<300)
    let answers = [(100, 1), (100, 2), (100, 4), (299, 8), (299, 8), (100, 8), (163, 1), (164, 2), (163, 2)]
      .map {
        history.add(UInt8($0.1), to: $0.0)
      }
    #expect(answers == [0, 1, 3, 0, 8, 7, 0, 0, 1])
  }

  @Test("Lines of no tensor are not remembered")
  func outside() {
    var history = LineHistory(100..<300)
    for line in [99, 300, 99, 300] {
      let before = history.add(1, to: line)
      #expect(before == 0)
    }
  }

  // One way of one line: sectors 0 and 1 of line 0 come one after the other, line 1 takes the place, both come again.
  @Test("An L1 that lost a line knows each sector that it had of it")
  func evictions() throws {
    var memory = try SampleMemory.l1(lines: 1)
    var counts = LevelCounts()
    for sector in [0, 1, 4, 0, 1] { memory.load(sector: sector, on: 0, &counts) }
    let reads = counts.l2ReadHits + counts.l2ReadMisses
    #expect((reads[.compulsory], reads[.eviction]) == (3, 2))
  }
}
