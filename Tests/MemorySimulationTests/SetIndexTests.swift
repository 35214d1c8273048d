import Testing
import Workload

@testable import MemorySimulation

@Suite struct SetIndexTests {
  private func drawing(_ index: SetIndex, _ lines: Range<Int>) -> String {
    lines.map { String(index($0)) }.joined(separator: " ")
  }

  @Test("Linear is the line modulo the sets, whatever the slices")
  func linear() {
    #expect(drawing(SetIndex(sets: 4), 0..<9) == "0 1 2 3 0 1 2 3 0")
    #expect(drawing(SetIndex(sets: 6, slices: 3), 4..<8) == "4 5 0 1")
  }

  // Four sets: the digits above the lowest are folded two bits at a time. Line 20 is 1·16 + 1·4 + 0: 1 ⊕ 1 ⊕ 0.
  @Test("The exclusive or moves each run of lines round by its number's folded digits")
  func xor() {
    #expect(drawing(SetIndex(sets: 4, hash: .xor), 0..<16) == "0 1 2 3 1 0 3 2 2 3 0 1 3 2 1 0")
    #expect(drawing(SetIndex(sets: 4, hash: .xor), 16..<24) == "1 0 3 2 0 1 2 3")
  }

  // Two bits: the irreducible polynomial is x² + x + 1, so x² leaves x + 1 (3) and x³ leaves 1. Above the index stand
  // 0, 1, 2, 3 (as they are), then 4 = x² → 3, 5 = x² + 1 → 2, 6 = x² + x → 1, 7 → 0, 8 = x³ → 1.
  @Test("The polynomial hash is the remainder by the least irreducible polynomial of the index's width")
  func ipoly() {
    let index = SetIndex(sets: 4, hash: .ipoly)
    #expect(
      (0..<9).map { index($0 * 4) } == [0, 1, 2, 3, 3, 2, 1, 0, 1])
  }

  @Test("Where the count is no power of two, runs are moved round by a sum")
  func rotation() {
    #expect(drawing(SetIndex(sets: 3, hash: .xor), 0..<9) == "0 1 2 1 2 0 2 0 1")
  }

  @Test(
    "Every aligned run of as many lines as there are sets visits each set once",
    arguments: SetHash.allCases, [(1, 1), (4, 1), (6, 3), (768, 12), (1024, 8), (35, 5), (2400, 48)])
  func balanced(_ hash: SetHash, _ shape: (sets: Int, slices: Int)) {
    let index = SetIndex(sets: shape.sets, slices: shape.slices, hash: hash)
    for run in [0, 1, 2, 17, 1_000, 54_321] {
      let lines = run * shape.sets..<(run + 1) * shape.sets
      #expect(Set(lines.map { index($0) }).sorted() == Array(0..<shape.sets))
      // And each run as long as the slices are many visits each slice once; linear sets are not numbered by slice.
      guard hash != .linear else { continue }
      let perSlice = shape.sets / shape.slices
      #expect(Set(lines.prefix(shape.slices).map { index($0) / perSlice }).count == shape.slices)
    }
  }

  // Lines that are 1024 apart, a column of a map 128 KB wide, are the worst case of a linear index.
  @Test("A column that all falls into one set by linear indexing is spread by both hashes")
  func column() {
    let lines = (0..<1024).map { $0 * 1024 }
    #expect(Set(lines.map { SetIndex(sets: 1024)($0) }).count == 1)
    #expect(Set(lines.map { SetIndex(sets: 1024, hash: .xor)($0) }).count == 1024)
    #expect(Set(lines.map { SetIndex(sets: 1024, hash: .ipoly)($0) }).count == 1024)
  }

  @Test("Remainders without division are remainders, on a hundred thousand random pairs")
  func remainders() {
    var random = SeededGenerator(seed: 11)
    for _ in 0..<100_000 {
      let divisor = random.next(in: 1...1 << random.next(in: 1...31))
      let value = random.next(in: 0...1 << random.next(in: 1...40))
      #expect(FastModulus(divisor)(value) == value % divisor)
    }
  }
}
