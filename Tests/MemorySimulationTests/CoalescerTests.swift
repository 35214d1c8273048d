import Testing
import Workload

@testable import MemorySimulation

/// The sectors of one request, as `sector:bytes`.
private func draw(_ lanes: [Int], size: Int) -> String {
  coalesce(lanes, size: size).map { "\($0.sector):\($0.bytes)" }.joined(separator: " ")
}

private func coalesce(_ lanes: [Int], size: Int) -> [Coalescer.Touched] {
  var offsets = lanes
  var touched: [Coalescer.Touched] = []
  offsets.withUnsafeMutableBufferPointer { Coalescer.sectors(of: $0, size: size, into: &touched) }
  return touched
}

@Suite struct CoalescerTests {
  private let lanes = Array(0..<32)

  @Test("32 neighbouring fp32 are four whole sectors")
  func contiguous() { #expect(draw(lanes.map { $0 * 4 }, size: 4) == "0:32 1:32 2:32 3:32") }

  @Test("The same lanes one word further on touch a fifth sector")
  func misaligned() { #expect(draw(lanes.map { 4 + $0 * 4 }, size: 4) == "0:28 1:32 2:32 3:32 4:4") }

  @Test("32 neighbouring INT8 are one sector")
  func bytes() { #expect(draw(lanes.map { 64 + $0 }, size: 1) == "2:32") }

  @Test("A lane a sector is 32 sectors of one word each")
  func scattered() {
    let expected = lanes.map { "\($0):4" }.joined(separator: " ")
    #expect(draw(lanes.map { $0 * 32 }, size: 4) == expected)
  }

  @Test("Lanes that read one address are one sector, counted once")
  func broadcast() { #expect(draw(lanes.map { _ in 36 }, size: 4) == "1:4") }

  @Test("Lanes that alternate between two addresses count each address once")
  func alternating() { #expect(draw(lanes.map { $0 % 2 * 4 }, size: 4) == "0:8") }

  @Test("16 B a lane are two lanes a sector, 16 sectors a warp")
  func vectors() {
    let expected = (0..<16).map { "\($0):32" }.joined(separator: " ")
    #expect(draw(lanes.map { $0 * 16 }, size: 16) == expected)
  }

  @Test("An access across a boundary is split")
  func across() { #expect(draw([24], size: 16) == "0:8 1:8") }

  @Test("Sectors come in the order in which lanes first touch them")
  func order() { #expect(draw([96, 0, 100, 32, 4], size: 4) == "3:8 0:8 1:4") }

  @Test("Inactive lanes touch nothing, before and between active ones")
  func inactive() {
    #expect(draw([-1, 0, -1, 4, -1], size: 4) == "0:8")
    #expect(draw(lanes.map { _ in -1 }, size: 4) == "")
  }

  @Test("Random lanes touch what counting byte by byte says")
  func bruteForce() {
    var random = SeededGenerator(seed: 41)
    for _ in 0..<3_000 {
      let size = [1, 2, 4, 8, 16][random.next(in: 0...4)]
      let spread = [8, 64, 700][random.next(in: 0...2)]
      let aligned = random.next(in: 0...1) == 0
      let lanes = (0..<32).map { _ -> Int in
        if random.next(in: 0...9) < 2 { return -1 }
        return random.next(in: 0...spread) * (aligned ? size : 1)
      }
      var bytes: Set<Int> = []
      for lane in lanes where lane >= 0 { bytes.formUnion(lane..<lane + size) }
      let expected = Dictionary(grouping: bytes) { $0 / 32 }.mapValues(\.count)
      let found = coalesce(lanes, size: size)
      #expect(found.count == expected.count, "\(lanes) of \(size) B")
      for access in found { #expect(access.bytes == expected[access.sector], "\(lanes) of \(size) B") }
    }
  }
}

@Suite struct LineTests {
  private func lines(_ sectors: [Int]) -> Int {
    Coalescer.lines(of: sectors.map { Coalescer.Touched(sector: $0, mask: 1) })
  }

  @Test("Four sectors are a line, in whatever order they come")
  func lines() {
    #expect(lines([]) == 0)
    #expect(lines([0, 1, 2, 3]) == 1)
    #expect(lines([3, 4]) == 2)
    #expect(lines([0, 8, 1, 9, 4]) == 3)
  }
}
