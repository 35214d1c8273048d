import Foundation
import TestSupport
import Testing

/// A bad file, the command that reads it, and how that ends.
struct BadFile: CustomTestStringConvertible, Sendable {
  let name, text: String
  let codes: [String]
  let status: Int32
  var arguments = ["inspect"]
  var testDescription: String { "\(name): \(codes) \(status)" }

  static func network(
    _ layers: String, _ code: String, _ status: Int32 = 2,
    input: String = "{channels: 4, rows: 9, columns: 9}"
  ) -> BadFile {
    let text = "version: 1\nname: x\ninput: \(input)\nlayers:\n  - {\(layers)}\n"
    return BadFile(name: "net.yaml", text: text, codes: [code], status: status)
  }

  static func dag(_ nodes: String, _ code: String, _ status: Int32 = 2) -> BadFile {
    BadFile(name: "dag.json", text: nodes, codes: [code], status: status)
  }

  static func yaml(_ text: String, _ code: String, _ status: Int32 = 2) -> BadFile {
    BadFile(name: "any.yaml", text: text, codes: [code], status: status, arguments: ["config", "check"])
  }
}

@Suite struct BadFileTests {
  private func outcome(_ file: BadFile, extra: [String] = []) throws -> CommandOutcome {
    let folder = try TemporaryFolder()
    try folder.file(file.name, file.text)
    return try CommandRunner.run(file.arguments + [file.name] + extra, in: folder)
  }

  private func check(_ file: BadFile) throws {
    let outcome = try outcome(file)
    #expect(outcome.status == file.status, "\(outcome.errors)")
    #expect(Array(outcome.codes.prefix(file.codes.count)) == file.codes, "\(outcome.errors)")
    #expect(outcome.errors.contains("--> \(file.name)"))
    #expect(outcome.output.isEmpty)
  }

  private static let conv = "name: a, op: conv, filters: 4, kernel: 3"

  @Test(
    "Sizes and attributes that cannot be end with their code",
    arguments: [
      BadFile.network("name: a, op: add, inputs: [$input, b]", "input-undefined"),
      .network("name: a, op: relu", "dim-zero", input: "{channels: 0, rows: 9, columns: 9}"),
      .network("name: a, op: relu", "dim-negative", input: "{channels: -1, rows: 9, columns: 9}"),
      .network("name: a, op: relu", "limit-dim", 4, input: "{channels: 2147483648, rows: 9, columns: 9}"),
      .network(
        "name: a, op: relu", "shape-overflow",
        input: "{channels: 2147483647, rows: 2147483647, columns: 2147483647}"),
      .network(
        "name: a, op: relu", "shape-overflow",
        input: "{channels: 4194305, rows: 4194305, columns: 211106198978564}"),
      .network(
        "name: a, op: relu", "dim-unresolved", 3, input: "{batch: N, channels: 4, rows: 9, columns: 9}"),
      .network("\(conv), groups: 3", "group-mismatch"), .network("\(conv), stride: [1, 1, 1]", "attr-length"),
      .network("\(conv), stride: 0", "stride-zero"),
      .network("\(conv), padding: [0, -1, 0, 0]", "pad-negative", 3),
      .network("name: a, op: conv, filters: 4, kernel: 11, padding: valid", "empty-output"),
      .network("name: a, op: relu, input: $input, inputs: [$input]", "attr-conflict"),
      .network("name: a, op: swish", "op-unknown"),
    ])
  func networks(file: BadFile) throws { try check(file) }

  @Test(
    "model_dag.json that is broken ends with its code",
    arguments: [
      BadFile.dag("[{\"id\": 0}]", "dag-missing-key"), .dag("// none\n[]", "dag-comment"),
      .dag("\u{feff}[]", "dag-byte-order-mark"), .dag("[NaN]", "dag-not-a-number"),
      .dag(String(repeating: "[", count: 200), "dag-too-deep"), .dag("[{\"a\": 1", "dag-syntax"),
      .dag("{}", "dag-type"),
    ])
  func graphs(file: BadFile) throws { try check(file) }

  @Test(
    "Graphs with wrong ids, links, cycles and ranks end with their code",
    arguments: [
      ("\"id\": 1", "\"id\": 7", "dag-ids"), ("\"parents\": [0]", "\"parents\": []", "dag-links"),
      ("\"parents\": [], \"children\": [1]", "\"parents\": [1], \"children\": [1]", "dag-links"),
      ("[8, 3, 3, 3]", "[8, 3, 3]", "rank-mismatch"),
    ])
  func graphEdits(old: String, new: String, code: String) throws {
    #expect(Self.graph.contains(old))
    try check(.dag(Self.graph.replacing(old, with: new, maxReplacements: 1), code))
  }

  @Test("A cycle is graph-cycle and printed")
  func cycle() throws {
    let text = Self.graph.replacing("\"parents\": []", with: "\"parents\": [1]")
      .replacing("\"children\": []", with: "\"children\": [0]")
    let outcome = try outcome(.dag(text, "graph-cycle"))
    #expect(outcome.status == 2)
    #expect(outcome.codes == ["graph-cycle"], "\(outcome.errors)")
  }

  static let graph = """
    [{"name": "quantize", "id": 0, "activation": "0", "parents": [], "children": [1], "ifms_scales": 0.5,
      "ifms_zero_points": 127, "ifms_shape": [1, 9, 9, 3], "ofms_shape": [1, 9, 9, 3]},
     {"name": "conv_2d", "id": 1, "activation": "RELU6", "parents": [0], "children": [], "type": "s",
      "weights_shape": [8, 3, 3, 3], "ifms_shape": [3, 9, 9], "ofms_shape": [8, 5, 5], "strides": 2}]
    """

  @Test("An operation that is not computed is a warning; with --strict it ends with 3")
  func unsupportedOperation() throws {
    let file = BadFile.dag(Self.graph, "op-unsupported")
    let lenient = try outcome(file)
    #expect(lenient.status == 0)
    #expect(lenient.codes.contains("op-unsupported"))
    #expect(lenient.output.contains("coverage: 1 of 2 nodes (50.0%)"))
    let strict = try outcome(file, extra: ["--strict"])
    #expect(strict.status == 3)
    #expect(strict.codes.last == "op-unsupported")
    #expect(strict.output.isEmpty)
    let quiet = try outcome(file, extra: ["--quiet", "--json"])
    #expect(quiet.errors.isEmpty)
    #expect(quiet.output.contains("\"code\": \"op-unsupported\""))
  }

  @Test("More work than can be counted is limit-macs, exit 4")
  func uncountableWork() throws {
    let layers = (0..<40).map { "  - {name: l\($0), op: conv, filters: 4096, kernel: 2}\n" }.joined()
    let text = "version: 1\nname: x\ninput: {channels: 4096, rows: 4096, columns: 4096}\nlayers:\n" + layers
    let outcome = try CommandRunner.run(["inspect", "-"], input: text)
    #expect(outcome.status == 4)
    #expect(outcome.codes == ["limit-macs"])
    #expect(try CommandRunner.run(["inspect", "xception", "--batch", "2147483647"]).status == 4)
  }

  @Test("Padding as large as the window is a warning")
  func largePadding() throws {
    let outcome = try outcome(.network("\(Self.conv), padding: [3, 3, 3, 3]", "pad-too-large"))
    #expect(outcome.status == 0)
    #expect(outcome.codes == ["pad-too-large"])
  }

  @Test(
    "YAML beyond what is read plainly ends with its code",
    arguments: [
      BadFile.yaml("version: 1\nname: x\nname: y\nlayers: []\n", "yaml-duplicate-key"),
      .yaml("version: 1\n\tname: x\n", "yaml-syntax"), .yaml("a: &b 1\nc: *b\n", "yaml-alias"),
    ])
  func yaml(file: BadFile) throws { try check(file) }

  @Test(
    "GPU descriptions that are mistyped or contradict themselves end with their code",
    arguments: [
      ("  multiprocessors: 22", "  multiprocessors: twenty", "yaml-type"),
      ("  multiprocessors: 22", "  multiprocessors: 99999999999999999999", "yaml-range"),
      ("  multiprocessors: 22", "  multiprocessors: 010", "yaml-type"),
      ("  gigabytes_per_second: 192", "  gigabytes_per_second: .inf", "yaml-type"),
      ("  l2_bytes:", "  l2_byte:", "unknown-key"),
      ("  multiprocessors: 22", "  multiprocessors: 0", "gpu-inconsistent"),
      ("  warp_size: 32", "  warp_size: 33", "gpu-inconsistent"),
      ("  warp_size: 32", "  warp_size: 0", "gpu-inconsistent"),
      ("  unified_bytes: 98304", "  unified_bytes: 4294967295", "gpu-inconsistent"),
      ("  unified_bytes: 98304", "  unified_bytes: 32768", "gpu-inconsistent"),
      ("  line_bytes: 128", "  line_bytes: 100", "gpu-inconsistent"),
    ])
  func gpus(old: String, new: String, code: String) throws {
    let folder = try TemporaryFolder()
    #expect(try CommandRunner.run(["gpu", "show", "gtx1660", "-o", "gpu.yaml"], in: folder).status == 0)
    let text = try folder.text("gpu.yaml")
    #expect(text.contains(old))
    try folder.file("gpu.yaml", text.replacing(old, with: new, maxReplacements: 1))
    for command in [["gpu", "check"], ["config", "check"], ["gpu", "show"]] {
      let outcome = try CommandRunner.run(command + ["gpu.yaml"], in: folder)
      #expect(outcome.status == 2)
      #expect(outcome.codes.contains(code), "\(outcome.errors)")
      #expect(outcome.output.isEmpty)
    }
    if code == "unknown-key" {
      let outcome = try CommandRunner.run(["gpu", "check", "gpu.yaml"], in: folder)
      #expect(outcome.errors.contains("^^^^^^^ did you mean 'l2_bytes'?"))
    }
  }

  @Test("What is no readable regular file ends with 2, too large a file with 4")
  func unreadable() throws {
    let folder = try TemporaryFolder()
    try folder.file("empty.yaml", "")
    try folder.file("bytes.yaml", "version: 1\n")
    let made = try CommandRunner.shell(
      "mkdir folder.yaml; mkfifo pipe.yaml; ln -s /dev/zero zero.yaml; printf '\\377\\376' > latin.yaml",
      in: folder)
    #expect(made.status == 0)
    let cases = [
      ("none.yaml", "file-not-found", 2), ("folder.yaml", "not-a-regular-file", 2),
      ("pipe.yaml", "not-a-regular-file", 2), ("zero.yaml", "not-a-regular-file", 2),
      ("empty.yaml", "empty-file", 2), ("latin.yaml", "not-utf8", 2), ("bytes.yaml", "limit-file-size", 4),
    ]
    for (name, code, status) in cases {
      for command in [["inspect"], ["gpu", "check"], ["config", "check"]] {
        let outcome = try CommandRunner.run(command + [name, "--max-file", "9"], in: folder)
        #expect(outcome.status == Int32(status), "\(command) \(name)")
        #expect(outcome.codes == [code])
      }
    }
    #expect(try CommandRunner.run(["inspect", "-"], input: "").codes == ["empty-file"])
    let large = try CommandRunner.run(["inspect", "-", "--max-file", "9"], input: "version: 1\n")
    #expect(large.codes == ["limit-file-size"] && large.status == 4)
  }

  @Test("config check finds the kind of each file and reports the errors of all")
  func manyFiles() throws {
    let folder = try TemporaryFolder()
    try folder.file("net.yaml", BadFile.network("name: a, op: relu", "").text)
    try folder.file("bad.yaml", BadFile.network("name: a, op: reluu", "").text)
    try folder.file("worse.yaml", "version: 1\nid: x\nchip:\n  multiprocesors: 1\n")
    _ = try CommandRunner.run(["gpu", "show", "l4", "-o", "gpu.yaml"], in: folder)
    let files = ["bad.yaml", "net.yaml", "worse.yaml", "gpu.yaml"]
    let outcome = try CommandRunner.run(["config", "check"] + files, in: folder)
    #expect(outcome.status == 2)
    #expect(outcome.output == "ok  net.yaml: network x\nok  gpu.yaml: gpu l4\n")
    #expect(outcome.codes.first == "op-unknown")
    #expect(outcome.errors.contains("did you mean 'multiprocessors'?"))
    let json = try CommandRunner.run(["config", "check", "--json"] + files, in: folder)
    #expect(json.status == 2)
    #expect(json.output.contains("\"code\": \"op-unknown\""))
  }
}
