import Hardware
import TestSupport
import Workload

@testable import MemorySimulation

/// Shapes of caches: sets, ways, bytes of a line.
struct CacheShape: Sendable, CustomStringConvertible {
  let sets, ways, line: Int
  var description: String { "\(sets) sets of \(ways) ways of \(line) B" }
  var cache: SectoredCache {
    SectoredCache(capacity: Bytes(sets * ways * line), line: Bytes(line), ways: ways)
  }
  var plain: PlainCache { PlainCache(sets: sets, ways: ways, sectorsPerLine: line / 32) }

  static let all = [
    Self(sets: 1, ways: 1, line: 32), Self(sets: 1, ways: 4, line: 128), Self(sets: 4, ways: 1, line: 128),
    Self(sets: 8, ways: 4, line: 128), Self(sets: 3, ways: 2, line: 128), Self(sets: 7, ways: 5, line: 64),
    Self(sets: 6, ways: 3, line: 96), Self(sets: 2, ways: 16, line: 256),
  ]
}

/// Sectors in the order in which they are asked for.
enum Trace {
  static func random(_ count: Int, below extent: Int, seed: UInt64) -> [Int] {
    var random = SeededGenerator(seed: seed)
    return (0..<count).map { _ in random.next(in: 0...extent - 1) }
  }

  /// Several passes over a run.
  static func streaming(_ extent: Int, passes: Int) -> [Int] {
    (0..<passes).flatMap { _ in 0..<extent }
  }

  /// Square tiles of a map `width` sectors wide, overlapping by `halo`.
  static func tiled(width: Int, rows: Int, tile: Int, halo: Int) -> [Int] {
    stride(from: 0, to: rows - halo, by: tile).flatMap { top in
      stride(from: 0, to: width - halo, by: tile).flatMap { left in
        (top..<min(rows, top + tile + halo)).flatMap { row in
          (left..<min(width, left + tile + halo)).map { row * width + $0 }
        }
      }
    }
  }

  static let all = [
    random(1_500, below: 60, seed: 1), random(1_500, below: 400, seed: 2), streaming(130, passes: 4),
    streaming(37, passes: 6), tiled(width: 24, rows: 20, tile: 4, halo: 2),
    tiled(width: 13, rows: 15, tile: 3, halo: 1),
  ]
}

extension MemoryHierarchy {
  /// Memory with one tensor of 64 K sectors.
  init(_ gpu: GPU, multiprocessors: Int, carveOut: Bytes, parameters: SimulationParameters) {
    self.init(
      gpu, multiprocessors: multiprocessors, carveOut: carveOut, parameters: parameters,
      extents: [0..<1 << 16])
  }

  mutating func load(sector: Int, on multiprocessor: Int, _ counts: inout LevelCounts) {
    load(
      [LineAccess(line: sector / 4, mask: 1 << UInt8(sector % 4))], operand: 0, on: multiprocessor, &counts)
  }

  mutating func store(sector: Int, mask: UInt32, on multiprocessor: Int, _ counts: inout LevelCounts) {
    store(
      SectorWrite(sector: sector, mask: mask, isFirst: true), operand: 0, on: multiprocessor, &counts)
  }
}

enum SampleMemory {
  /// Memory of one multiprocessor with an L1 of so many lines.
  static func l1(lines: Int) throws -> MemoryHierarchy {
    var draft = GPUDraft()
    (draft.multiprocessors, draft.carveOuts, draft.unifiedL1) = (1, [100 << 10], (100 << 10) + lines * 128)
    return MemoryHierarchy(
      try draft.gpu(), multiprocessors: 1, carveOut: Bytes(100 << 10), parameters: SimulationParameters())
  }
}
