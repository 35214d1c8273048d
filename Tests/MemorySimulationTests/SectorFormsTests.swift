import Testing
import Workload

@testable import MemorySimulation

@Suite struct SectorFormsTests {
  /// Marks sectors in a row of bits, byte by byte.
  private struct Marks {
    var words = [UInt64](repeating: 0, count: 1 << 10)
    var count = 0

    mutating func mark(_ address: Int, bytes: Int) {
      for byte in address..<address + max(0, bytes) {
        let sector = byte / 32
        if words[sector / 64] >> UInt64(sector % 64) & 1 == 0 { count += 1 }
        words[sector / 64] |= 1 << UInt64(sector % 64)
      }
    }
  }

  @Test("By hand")
  func byHand() {
    #expect(SectorForms.interval(0, bytes: 32) == 1)
    #expect(SectorForms.interval(31, bytes: 2) == 2)
    #expect(SectorForms.interval(5, bytes: 0) == 0)
    // Rows of 9 fp32 on a pitch of 14: bytes 0–35, 56–91, 112–147; sectors 01, 12, 34.
    #expect(SectorForms.rectangle(0, bytes: 36, pitch: 56, rows: 3) == 5)
    // The same of a second plane of 10 rows of 14 later: 560 = 17·32 + 16; bytes 560–595, 616–651, 672–707.
    #expect(SectorForms.rectangle(560, bytes: 36, pitch: 56, rows: 3) == 6)
    #expect(SectorForms.box(0, bytes: 36, pitch: 56, rows: 3, planePitch: 560, planes: 2) == 11)
  }

  @Test("Intervals are as enumerated, on 100,000 random ones")
  func intervals() {
    var random = SeededGenerator(seed: 21)
    for _ in 0..<100_000 {
      let (address, bytes) = (random.next(in: 0...4_095), random.next(in: 0...200))
      var marks = Set<Int>()
      for byte in address..<address + bytes { marks.insert(byte / 32) }
      #expect(SectorForms.interval(address, bytes: bytes) == marks.count)
    }
  }

  @Test("Rectangles are as enumerated, on 100,000 random ones")
  func rectangles() {
    var random = SeededGenerator(seed: 22)
    for _ in 0..<100_000 {
      let size = random.next(in: 0...1) == 0 ? 1 : 4
      let (address, bytes) = (random.next(in: 0...1_023) * size, random.next(in: 1...24) * size)
      let (pitch, rows) = (bytes + random.next(in: 0...24) * size, random.next(in: 1...16))
      var marks = Marks()
      for row in 0..<rows { marks.mark(address + row * pitch, bytes: bytes) }
      let found = SectorForms.rectangle(address, bytes: bytes, pitch: pitch, rows: rows)
      if found != marks.count { Issue.record("\(address) \(bytes) \(pitch) \(rows)") }
    }
  }

  @Test("Boxes are as enumerated, on 100,000 random ones")
  func boxes() {
    var random = SeededGenerator(seed: 23)
    for _ in 0..<100_000 {
      let size = random.next(in: 0...1) == 0 ? 1 : 4
      let (address, bytes) = (random.next(in: 0...255) * size, random.next(in: 1...12) * size)
      let (pitch, rows) = (bytes + random.next(in: 0...12) * size, random.next(in: 1...5))
      let extent = (rows - 1) * pitch + bytes
      let planePitch = max(32, extent) + random.next(in: 0...20) * size
      let planes = random.next(in: 1...12)
      var marks = Marks()
      for plane in 0..<planes {
        for row in 0..<rows { marks.mark(address + plane * planePitch + row * pitch, bytes: bytes) }
      }
      let found = SectorForms.box(
        address, bytes: bytes, pitch: pitch, rows: rows, planePitch: planePitch, planes: planes)
      if found != marks.count { Issue.record("\(address) \(bytes) \(pitch) \(rows) \(planePitch) \(planes)") }
    }
  }

  @Test("Requests' sectors are as enumerated, on 100,000 random warps")
  func requests() {
    var random = SeededGenerator(seed: 24)
    var touched: [Coalescer.Touched] = []
    withUnsafeTemporaryAllocation(of: Int.self, capacity: 32) { lanes in
      for _ in 0..<100_000 {
        let size = 1 << random.next(in: 0...4)
        let stride = random.next(in: 0...6)
        let base = random.next(in: 0...255)
        var sectors = Set<Int>()
        for lane in lanes.indices {
          lanes[lane] = random.next(in: 0...4) == 0 ? -1 : (base + lane * stride) * size
          if lanes[lane] >= 0 { for byte in lanes[lane]..<lanes[lane] + size { sectors.insert(byte / 32) } }
        }
        Coalescer.sectors(of: lanes, size: size, into: &touched)
        if Set(touched.map(\.sector)) != sectors || touched.count != sectors.count {
          Issue.record("\(base) \(stride) \(size)")
        }
      }
    }
  }
}
