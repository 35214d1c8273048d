import Foundation
import TestSupport
import Testing

/// `simulate --plan`: the kernels of a file.
@Suite struct GivenPlanTests {
  private func run(_ arguments: [String], _ files: [String: String] = [:]) throws -> CommandOutcome {
    let folder = try TemporaryFolder()
    _ = try folder.file("net.yaml", sevenLayers)
    for (name, text) in files { _ = try folder.file(name, text) }
    return try CommandRunner.run(arguments, in: folder)
  }

  /// What the command found, without what it read.
  private func data(_ outcome: CommandOutcome) throws -> NSDictionary {
    let envelope = try JSONSerialization.jsonObject(with: Data(outcome.output.utf8)) as? [String: Any]
    return try #require(envelope?["data"] as? NSDictionary)
  }

  @Test(
    "What plan and simulate wrote gives the same replay again, whatever would be planned",
    arguments: [["--min-blocks", "8"], ["--dtype", "int8", "--layout", "nhwc"], ["--max-fuse", "1"]])
  func again(_ options: [String]) throws {
    let format = options.contains("int8") ? options : []
    let (planned, first) = (
      try run(["plan", "net.yaml", "--json"] + options),
      try run(["simulate", "net.yaml", "--json"] + options)
    )
    #expect(planned.status == 0 && first.status == 0)
    for file in [planned.output, first.output] {
      let again = try run(
        ["simulate", "net.yaml", "--json", "--objective", "energy", "--plan", "p.json"] + format,
        ["p.json": file])
      #expect(again.status == 0, "\(again.errors)")
      #expect(try data(again) == data(first))
    }
    #expect(first.output.contains("\"uses_tensor_cores\": true") == options.contains("int8"))
  }

  /// A kernel of `pw1` and `dw1`.
  private static let kernel = """
    {"layers": ["pw1", "dw1"], "schedule": {"block_order": "column-fastest", "buffers": 1, "channels_per_thread": 4,
    "pixels_per_thread": 1, "reduction_channels": [8, 1], "threads": 128, "tile_channels": 8, "tile_columns": 7,
    "tile_rows": 7, "uses_tensor_cores": false, "vector_width": 1}}
    """

  private static func file(_ kernels: String) -> String {
    """
    {"schema": "fuselab.simulate/1", "data": {"network": "net", "gpu": "g", "element_type": "fp32", "layout": "nchw",
    "batch": 1, "kernels": [\(kernels)]}}
    """
  }

  @Test("A file's kernels may be part of the network")
  func part() throws {
    let outcome = try run(
      ["simulate", "net.yaml", "--json", "--plan", "p.json"], ["p.json": Self.file(Self.kernel)])
    #expect(outcome.status == 0, "\(outcome.errors)")
    let envelope = try JSONSerialization.jsonObject(with: Data(outcome.output.utf8)) as? [String: Any]
    let kernels = try #require((envelope?["data"] as? [String: Any])?["kernels"] as? [[String: Any]])
    #expect(kernels.count == 1)
    #expect(outcome.codes == ["plan-partial"])
    #expect((kernels[0]["counters"] as? [String: Int])?["grid_blocks"] == 64)
  }

  @Test(
    "A file of another network, format or GPU is refused, and so are tiles that are none",
    arguments: [
      ("\"dw1\"]", "\"dw9\"]"), ("\"dw1\"]", "\"pw1\"]"), ("\"dw1\"]", "\"pw2\"]"), ("[8, 1]", "[8]"),
      ("[8, 1]", "[0, 1]"),
      ("\"tile_rows\": 7", "\"tile_rows\": 0"), ("\"tile_rows\": 7", "\"tile_rows\": 9007199254740992"),
      ("\"threads\": 128", "\"threads\": 100"), ("\"threads\": 128", "\"threads\": 9007199254740992"),
      ("\"threads\": 128", "\"threads\": 2048"), ("_thread\": 4", "_thread\": 9007199254740992"),
      ("pixels_per_thread\": 1", "pixels_per_thread\": 9007199254740992"), ("column-fastest", "sideways"),
      ("\"element_type\": \"fp32\"", "\"element_type\": \"int8\""), ("nchw", "nhwc"),
      ("\"batch\": 1", "\"batch\": 2"),
      ("\"net\"", "\"nat\""), ("\"dw1\"]", "\"dw1\", \"pw2\", \"pw3\", \"pw4\"]"),
      ("[\"pw1\", \"dw1\"]", "[]"),
      ("[\"pw1\", \"dw1\"]", "[\"dw1\", \"pw1\"]"),
    ])
  func mismatches(_ old: String, _ new: String) throws {
    let text = Self.file(Self.kernel)
    try #require(text.contains(old))
    let outcome = try run(
      ["simulate", "net.yaml", "--plan", "p.json"], ["p.json": text.replacingOccurrences(of: old, with: new)])
    #expect(outcome.codes == ["plan-mismatch"] && outcome.status == 2, "\(outcome.errors)")
    #expect(outcome.output.isEmpty)
  }

  @Test("A kernel of so many steps that no memory holds them is refused")
  func steps() throws {
    let wide = """
      version: 1
      name: net
      input: {channels: 256, rows: 1, columns: 1}
      layers:
        - {name: a, op: pointwise, filters: 256}
        - {name: b, op: pointwise, filters: 256}
        - {name: c, op: pointwise, filters: 256}
        - {name: d, op: pointwise, filters: 256}
        - {name: e, op: add, inputs: [d, d]}
      """
    func kernel(_ layers: String, _ chunks: String) -> String {
      Self.kernel.replacingOccurrences(of: "\"pw1\", \"dw1\"", with: layers)
        .replacingOccurrences(of: "[8, 1]", with: chunks).replacingOccurrences(of: "s\": 7", with: "s\": 1")
    }
    let long = try run(
      ["simulate", "net.yaml", "--plan", "p.json"],
      ["net.yaml": wide, "p.json": Self.file(kernel("\"a\", \"b\", \"c\", \"d\"", "[1, 1, 1, 1]"))])
    #expect(long.codes == ["limit-replay"] && long.status == 4, "\(long.errors)")
    let twice = try run(
      ["simulate", "net.yaml", "--plan", "p.json"],
      ["net.yaml": wide, "p.json": Self.file(kernel("\"d\", \"e\"", "[256, 1]"))])
    #expect(twice.codes == ["plan-mismatch"] && twice.status == 2, "\(twice.errors)")
  }

  @Test("Damaged files, and options that contradict a file, are refused")
  func refusals() throws {
    for (text, code) in [
      (Self.file(Self.kernel + "," + Self.kernel), "plan-mismatch"), (Self.file(""), "plan-mismatch"),
      ("{}", "result-schema"),
      ("{", "json-syntax"),
      (Self.file(Self.kernel).replacingOccurrences(of: "false", with: "1"), "result-type"),
    ] {
      let outcome = try run(["simulate", "net.yaml", "--plan", "p.json"], ["p.json": text])
      #expect(outcome.codes == [code] && outcome.status == 2, "\(outcome.errors)")
    }
    let both = try run(
      ["simulate", "net.yaml", "--plan", "p.json", "--unfused"], ["p.json": Self.file(Self.kernel)])
    #expect(both.codes == ["usage"] && both.status == 2)
  }
}
