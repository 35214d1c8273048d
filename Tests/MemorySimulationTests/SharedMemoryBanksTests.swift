import Testing
import Workload

@testable import MemorySimulation

@Suite struct SharedMemoryBanksTests {
  private func wavefronts(_ lanes: [Int], size: Int) -> Int {
    var addresses = lanes
    return addresses.withUnsafeMutableBufferPointer { SharedMemoryBanks.wavefronts($0, size: size) }
  }

  private func wavefronts(stride words: Int) -> Int { wavefronts((0..<32).map { $0 * words * 4 }, size: 4) }

  // Stride s meets gcd(s, 32) lanes in each bank it uses, each with a word of its own.
  @Test(
    "A stride in words costs its common divisor with 32",
    arguments: [(1, 1), (2, 2), (3, 1), (4, 4), (6, 2), (8, 8), (31, 1), (32, 32), (33, 1), (64, 32)])
  func strides(_ words: Int, _ expected: Int) { #expect(wavefronts(stride: words) == expected) }

  @Test("All lanes reading one word is one wavefront")
  func broadcast() { #expect(wavefronts((0..<32).map { _ in 128 }, size: 4) == 1) }

  @Test("Two halves of the warp reading the same 16 words is one wavefront")
  func multicast() { #expect(wavefronts((0..<32).map { $0 % 16 * 4 }, size: 4) == 1) }

  @Test("Two words of one bank are two wavefronts, however many lanes read them")
  func twoRows() { #expect(wavefronts((0..<32).map { $0 % 2 * 128 }, size: 4) == 2) }

  @Test("INT8 lanes that share a word share its read: 32 bytes are 8 words, one wavefront")
  func bytes() {
    #expect(wavefronts(Array(0..<32), size: 1) == 1)
    // 4 lanes a row of 128 B, in one word: 8 rows of one bank.
    #expect(wavefronts((0..<32).map { $0 / 4 * 128 + $0 % 4 }, size: 1) == 8)
  }

  @Test("8 B a lane go in two halves, 16 B in four quarters, without conflicts where contiguous")
  func vectors() {
    #expect(wavefronts((0..<32).map { $0 * 8 }, size: 8) == 2)
    #expect(wavefronts((0..<32).map { $0 * 16 }, size: 16) == 4)
  }

  // 16 lanes, 16 B apart, touch words 0, 1, 4, 5, 8, …: lane 8 is back at bank 0. Two a half.
  @Test("8 B a lane, 16 B apart, conflict two by two in each half")
  func spreadVectors() { #expect(wavefronts((0..<32).map { $0 * 16 }, size: 8) == 4) }

  // 8 lanes, 32 B apart: lane 4 is back at bank 0. Two a quarter.
  @Test("16 B a lane, 32 B apart, conflict two by two in each quarter")
  func widerVectors() { #expect(wavefronts((0..<32).map { $0 * 32 }, size: 16) == 8) }

  @Test("Where all neighbours or lanes two apart read the same, halves join, of 16 B quarters")
  func vectorBroadcast() {
    #expect(wavefronts((0..<32).map { _ in 0 }, size: 8) == 1)
    #expect(wavefronts((0..<32).map { _ in 0 }, size: 16) == 2)
    // Pairs of neighbours, and of lanes two apart: 16 places of 8 B, 8 of 16 B in each half, all banks once.
    #expect(wavefronts((0..<32).map { $0 / 2 * 8 }, size: 8) == 1)
    #expect(wavefronts((0..<32).map { $0 / 2 * 16 }, size: 16) == 2)
    #expect(wavefronts((0..<32).map { ($0 / 4 * 2 + $0 % 2) * 8 }, size: 8) == 1)
    #expect(wavefronts((0..<32).map { ($0 / 4 * 2 + $0 % 2) * 16 }, size: 16) == 2)
    // Lanes four apart share and nothing joins; nor where one pair is by neighbours and the next by those two apart.
    #expect(wavefronts((0..<32).map { ($0 / 8 * 4 + $0 % 4) * 8 }, size: 8) == 2)
    #expect(wavefronts((0..<32).map { ($0 / 8 * 4 + $0 % 4) * 16 }, size: 16) == 4)
    #expect(wavefronts((0..<32).map { $0 < 4 ? $0 / 2 * 8 : ($0 / 4 * 2 + $0 % 2) * 8 }, size: 8) == 2)
    // The whole warp decides: a half in pairs does not join where the other has none. So 25 lanes of one filter and 7 of the next,
    // where the pair of lanes 24 and 25 has two.
    #expect(wavefronts((0..<32).map { $0 < 16 ? $0 / 2 * 16 : $0 * 16 }, size: 16) == 4)
    #expect(wavefronts((0..<32).map { $0 < 25 ? 0 : 80 }, size: 16) == 4)
    #expect(wavefronts((0..<32).map { $0 < 24 ? 0 : 80 }, size: 16) == 2)
    // Lanes that take no part are like any other.
    #expect(wavefronts((0..<32).map { $0 % 2 == 0 ? $0 * 8 / 2 : -1 }, size: 8) == 1)
  }

  @Test("Writes do not join, whichever lanes take part")
  func writes() {
    var lanes = (0..<32).map { $0 % 2 == 0 ? $0 * 4 : -1 }
    lanes.withUnsafeMutableBufferPointer {
      #expect(SharedMemoryBanks.cost(of: $0, size: 8, .write).wavefronts == 2)
      #expect(SharedMemoryBanks.cost(of: $0, size: 8, .read).wavefronts == 1)
    }
  }

  @Test("What joins takes as many passes as its fullest bank")
  func joinedConflicts() {
    // 16 places of 8 B, 16 B apart: two words of each bank.
    #expect(wavefronts((0..<32).map { $0 / 2 * 16 }, size: 8) == 2)
    // 8 places of 16 B in each half, 32 B apart.
    #expect(wavefronts((0..<32).map { $0 / 2 * 32 }, size: 16) == 4)
  }

  @Test("Inactive lanes cost nothing; a half with none active takes no pass")
  func inactive() {
    #expect(wavefronts((0..<32).map { _ in -1 }, size: 4) == 0)
    #expect(wavefronts((0..<32).map { $0 % 2 == 0 ? $0 * 4 : -1 }, size: 4) == 1)
    // Every second lane of a stride of 2: banks 0, 4, 8, …, each twice.
    #expect(wavefronts((0..<32).map { $0 % 2 == 0 ? $0 * 8 : -1 }, size: 4) == 2)
    #expect(wavefronts((0..<32).map { $0 < 16 ? $0 * 8 : -1 }, size: 8) == 1)
  }

  @Test("Random words cost the fullest bank, counted by sorting them into banks")
  func bruteForce() {
    var random = SeededGenerator(seed: 7)
    for _ in 0..<1_000 {
      let size = [1, 4][random.next(in: 0...1)]
      let lanes = (0..<32).map { _ in
        random.next(in: 0...9) == 0 ? -1 : random.next(in: 0...300) * size
      }
      let words = Set(lanes.filter { $0 >= 0 }.map { $0 / 4 })
      let fullest = Dictionary(grouping: words) { $0 % 32 }.values.map(\.count).max() ?? 0
      #expect(wavefronts(lanes, size: size) == fullest, "\(lanes)")
    }
  }
}
