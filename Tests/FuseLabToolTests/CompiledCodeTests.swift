import Foundation
import TestSupport
import Testing

/// `simulate --code`: registers as a compiler gave them.
@Suite struct CompiledCodeTests {
  /// Blocks that are resident, and their L1, of the layers that the network has alone.
  private func resident(_ registers: Int?) throws -> [Int] {
    let folder = try TemporaryFolder()
    let code =
      registers.map { "{\"check\": [{\"layers\": [\"dw2\"], \"registers\": \($0)}]}" } ?? "{\"check\": []}"
    _ = try folder.file("results.json", code)
    let outcome = try CommandRunner.run(
      [
        "simulate", "mobilenet_v1", "--layers", "0-1", "--unfused", "--gpu", "a100", "--json", "--code",
        "results.json",
      ], in: folder)
    #expect(outcome.status == 0, "\(outcome.errors)")
    #expect(outcome.codes == ["code-partial"])
    let envelope = try #require(
      try JSONSerialization.jsonObject(with: Data(outcome.output.utf8)) as? [String: Any])
    let data = try #require(envelope["data"] as? [String: Any])
    return try #require(data["kernels"] as? [[String: Any]]).map {
      ($0["counters"] as? [String: Int])?["resident_blocks"] ?? -1
    }
  }

  @Test("More registers leave fewer blocks resident, of the kernel that the file names alone")
  func registers() throws {
    let (estimated, few, many) = (try resident(nil), try resident(16), try resident(128))
    #expect(few[1] > many[1] && estimated[1] >= many[1])
    #expect(few[0] == estimated[0] && many[0] == estimated[0])
    // 65,536 registers hold one block of 512 threads with 128 each.
    #expect(many[1] == 1)
  }

  @Test("Blocks run where the file says, in the trace as well; blocks of another plan or GPU are refused")
  func places() throws {
    let folder = try TemporaryFolder()
    let simulate = ["simulate", "mobilenet_v1", "--layers", "1", "--unfused", "--gpu", "a100", "--json"]
    func run(_ takers: [Int], _ options: [String] = []) throws -> CommandOutcome {
      _ = try folder.file(
        "results.json",
        "{\"check\": [{\"layers\": [\"dw2\"], \"registers\": 32, "
          + "\"multiprocessor_of_block\": \(takers)}]}")
      return try CommandRunner.run(simulate + ["--code", "results.json", "--force"] + options, in: folder)
    }
    func counter(_ name: String, of outcome: CommandOutcome) throws -> Int {
      let envelope = try #require(
        try JSONSerialization.jsonObject(with: Data(outcome.output.utf8)) as? [String: Any])
      let data = try #require(envelope["data"] as? [String: Any])
      let kernel = try #require((data["kernels"] as? [[String: Any]])?.first)
      return try #require((kernel["counters"] as? [String: Int])?[name])
    }
    let inTurn = try CommandRunner.run(simulate, in: folder)
    let blocks = try counter("grid_blocks", of: inTurn)
    let spread = try run((0..<blocks).map { $0 % 108 })
    #expect(spread.status == 0, "\(spread.errors)")
    let together = try run(Array(repeating: 107, count: blocks), ["--trace", "t.json"])
    #expect(
      try counter("l2_read_sectors", of: together) < counter("l2_read_sectors", of: spread),
      "all blocks share one L1")
    #expect(try folder.text("t.json").contains("SM 107 place 0"))
    for takers in [Array(repeating: 0, count: blocks - 1), Array(repeating: 108, count: blocks)] {
      let refused = try run(takers)
      #expect(refused.status == 2 && refused.codes == ["code-places"])
    }
    #expect(try run([5000]).codes == ["result-type"])
  }

  @Test("A file of another kernel's registers, and estimates of what it would change, are refused")
  func refusals() throws {
    let folder = try TemporaryFolder()
    _ = try folder.file("results.json", "{\"check\": [{\"layers\": [\"conv1\"], \"registers\": 255}]}")
    _ = try folder.file("bad.json", "{\"check\": [{\"layers\": [\"conv1\"], \"registers\": 256}]}")
    let simulate = ["simulate", "mobilenet_v1", "--layers", "0", "--unfused"]
    let swept = try CommandRunner.run(simulate + ["--sweep-unknowns", "--code", "results.json"], in: folder)
    #expect(swept.codes == ["usage"] && swept.status == 2)
    let damaged = try CommandRunner.run(simulate + ["--code", "bad.json"], in: folder)
    #expect(damaged.codes == ["result-type"] && damaged.status == 2)
  }
}
