import Foundation
import Testing
import Workload

@testable import MemorySimulation

/// pycachesim, by the Python that `FUSELAB_PYTHON` names. It has power-of-two sets, lines that are fetched whole, and of our
/// replacements LRU and FIFO.
private enum CachePeer {
  static var interpreter: String? { ProcessInfo.processInfo.environment["FUSELAB_PYTHON"] }

  /// The lines it prints; nil where that Python lacks it.
  static func answers(_ cases: [String]) throws -> [String]? {
    guard let interpreter else { return nil }
    let file = FileManager.default.temporaryDirectory.appending(path: "fuselab-" + UUID().uuidString)
    try cases.joined(separator: "\n").write(to: file, atomically: true, encoding: .utf8)
    defer { try? FileManager.default.removeItem(at: file) }
    let process = Process()
    process.executableURL = URL(filePath: interpreter)
    let script = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "pycachesim_cases.py")
    process.arguments = [script.path, file.path]
    let pipe = Pipe()
    process.standardOutput = pipe
    try process.run()
    let output = pipe.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    if process.terminationStatus == 77 { return nil }
    try #require(process.terminationStatus == 0)
    return String(decoding: output, as: UTF8.self).split(separator: "\n").map(String.init)
  }
}

@Suite(.enabled(if: CachePeer.interpreter != nil, "skipped: FUSELAB_PYTHON names no Python with pycachesim"))
struct CachePeerTests {
  private static let traces =
    Trace.all + [
      Trace.random(20_000, below: 3_000, seed: 7), Trace.streaming(2_500, passes: 6),
      Trace.tiled(width: 96, rows: 90, tile: 8, halo: 2), Trace.tiled(width: 128, rows: 60, tile: 5, halo: 3),
    ]

  @Test("Hits and misses are pycachesim's on random, streaming and tiled traces")
  func equalCounts() throws {
    var cases: [String] = []
    var ours: [String] = []
    for trace in Self.traces {
      for (sets, ways) in [(1, 1), (1, 8), (16, 1), (8, 4), (64, 16), (128, 2)] {
        for line in [32, 128] {
          for (policy, name) in [(Replacement.lru, "LRU"), (.fifo, "FIFO")] {
            let addresses = trace.map { String($0 * 32) }.joined(separator: " ")
            cases.append("\(name) \(sets) \(ways) \(line) \(addresses)")
            // Whole lines, as pycachesim has them: every access asks for all sectors of its line.
            var cache = SectoredCache(
              capacity: Bytes(sets * ways * line), line: Bytes(line), ways: ways, replacement: policy)
            let perLine = line / 32
            let lines = trace.map { LineAccess(line: $0 / perLine, mask: UInt8(1 << perLine - 1)) }
            var counts = HitCounts()
            var missed: [LineAccess] = []
            cache.load(lines, counts: &counts, missed: &missed)
            ours.append("\(counts.hits.total / perLine) \(missed.count)")
            guard policy == .lru else { continue }
            var reader = ReadCache(
              capacity: Bytes(sets * ways * line), line: Bytes(line), ways: ways, lines: 0..<20_000)
            var (again, lost) = (HitCounts(), [LineAccess]())
            reader.load(lines, counts: &again, missed: &lost)
            #expect(again == counts && lost == missed)
          }
        }
      }
    }
    guard let theirs = try CachePeer.answers(cases) else {
      print("skipped: the comparison with pycachesim, which this Python lacks")
      return
    }
    #expect(ours == theirs)
  }
}
