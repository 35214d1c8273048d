import Foundation
import TestSupport
import Testing

@Suite struct OutputTests {
  @Test("Equal inputs give equal bytes whatever the locale, the threads and the folder")
  func determinism() throws {
    let folder = try TemporaryFolder()
    try folder.file("net.json", BadFileTests.graph)
    let commands = [
      ["inspect", "mobilenet_v2"], ["inspect", "net.json"], ["gpu", "list"], ["gpu", "show", "a100"],
      ["model", "list"], ["model", "import", "net.json"], ["config", "check", "net.json"],
    ]
    for command in commands {
      for format in [[], ["--json"]] {
        let expected = try CommandRunner.run(command + format, in: folder)
        #expect(expected.status == 0, "\(expected.errors)")
        for locale in ["C", "tr_TR.UTF-8", "de_DE.UTF-8"] {
          let outcome = try CommandRunner.run(
            command + format, environment: ["LC_ALL": locale, "LANG": locale, "TERM": "dumb"], in: folder)
          #expect(outcome.output == expected.output)
          #expect(outcome.errors == expected.errors)
        }
        for threads in ["1", "2", "16"] {
          let outcome = try CommandRunner.run(command + format + ["--threads", threads], in: folder)
          #expect(outcome.output == expected.output)
        }
      }
    }
    let here = try CommandRunner.run(["inspect", "net.json", "--json"], in: folder)
    let there = try CommandRunner.run(["inspect", folder.path("net.json"), "--json"])
    #expect(here.output == there.output)
  }

  @Test("The envelope names schema, tool and inputs, with the checksum that sha256sum gives")
  func envelope() throws {
    let folder = try TemporaryFolder()
    try folder.file("net.json", BadFileTests.graph)
    let outcome = try CommandRunner.run(["inspect", "net.json", "--json"], in: folder)
    let parsed = try JSONSerialization.jsonObject(with: Data(outcome.output.utf8)) as? [String: Any]
    let envelope = try #require(parsed)
    #expect(envelope.keys.sorted() == ["data", "inputs", "schema", "tool", "warnings"])
    #expect(envelope["schema"] as? String == "fuselab.inspect/1")
    let inputs = try #require(envelope["inputs"] as? [[String: Any]])
    let sum = try CommandRunner.shell("sha256sum net.json", in: folder).output.prefix(64)
    #expect(inputs.count == 1)
    #expect(inputs.first?["sha256"] as? String == String(sum))
    #expect(inputs.first?["bytes"] as? Int == BadFileTests.graph.utf8.count)
    let warnings = try #require(envelope["warnings"] as? [[String: Any]])
    #expect(!warnings.isEmpty)
    #expect(warnings.allSatisfy { $0.keys.sorted() == ["code", "message", "where"] })
  }

  @Test("A file that exists stays unless --force; no temporary file is left")
  func overwriting() throws {
    let folder = try TemporaryFolder()
    try folder.file("out.yaml", "old")
    let command = ["gpu", "show", "l4", "-o", "out.yaml"]
    let refused = try CommandRunner.run(command, in: folder)
    #expect(refused.status == 2)
    #expect(refused.codes == ["output-exists"])
    #expect(try folder.text("out.yaml") == "old")
    let replaced = try CommandRunner.run(command + ["--force"], in: folder)
    #expect(replaced.status == 0)
    #expect(try folder.text("out.yaml").hasPrefix("version: 1\nid: l4\n"))
    #expect(try folder.names == ["out.yaml"])
  }

  @Test("Folders, read-only files, missing folders and full disks are refused, the old file intact")
  func refusals() throws {
    let folder = try TemporaryFolder()
    try folder.file("locked.yaml", "old")
    try folder.file("full.yaml", "old")
    _ = try CommandRunner.shell("chmod 444 locked.yaml; mkdir folder", in: folder)
    let before = try folder.names
    let cases = [
      ("folder", "output-is-directory"), ("locked.yaml", "output-read-only"),
      ("none/out.yaml", "output-no-folder"), ("/dev/full", "output-failed"),
    ]
    for (path, code) in cases {
      let outcome = try CommandRunner.run(["gpu", "show", "l4", "--force", "-o", path], in: folder)
      #expect(outcome.status == 2)
      #expect(outcome.codes == [code])
    }
    let full = try CommandRunner.shell(
      "ulimit -f 1; \"$FUSELAB\" model import - --force -o full.yaml <<'E'\n\(Self.largeNetwork)E\n",
      in: folder)
    #expect(full.status == 2)
    #expect(full.codes == ["output-disk-full"], "\(full.errors)")
    #expect(try folder.text("locked.yaml") == "old")
    #expect(try folder.text("full.yaml") == "old")
    #expect(try folder.names == before)
  }

  /// Over 2 KiB of YAML.
  private static let largeNetwork =
    "version: 1\nname: x\ninput: {channels: 4, rows: 9, columns: 9}\nlayers:\n"
    + (0..<100).map { "  - {name: layer\($0), op: relu}\n" }.joined()

  @Test("A symbolic link is followed, and the mode of a replaced file stays")
  func links() throws {
    let folder = try TemporaryFolder()
    try folder.file("real.yaml", "old")
    _ = try CommandRunner.shell("chmod 640 real.yaml; ln -s real.yaml link.yaml", in: folder)
    #expect(
      try CommandRunner.run(["gpu", "show", "l4", "--force", "-o", "link.yaml"], in: folder).status == 0)
    #expect(try folder.text("real.yaml").hasPrefix("version: 1"))
    let modes = try CommandRunner.shell("stat -c '%a %F' real.yaml link.yaml", in: folder).output
    #expect(modes == "640 regular file\n777 symbolic link\n")
  }

  @Test("- writes to stdout, and not together with --json")
  func standardOutput() throws {
    let file = try CommandRunner.run(["gpu", "show", "l4", "-o", "-"])
    #expect(file.output.hasPrefix("version: 1\nid: l4\n"))
    let both = try CommandRunner.run(["gpu", "show", "l4", "-o", "-", "--json"])
    #expect(both.status == 2)
    #expect(both.output.isEmpty)
  }

  @Test("An imported network is the network: written as YAML and read again")
  func importing() throws {
    let folder = try TemporaryFolder()
    try folder.file("dag.json", BadFileTests.graph)
    #expect(try CommandRunner.run(["model", "import", "dag.json", "-o", "net.yaml"], in: folder).status == 0)
    let fromYAML = try CommandRunner.run(["inspect", "net.yaml"], in: folder).output
    let fromDAG = try CommandRunner.run(["inspect", "dag.json"], in: folder).output
    let isSameTable =
      fromYAML.split(separator: "\n").dropFirst() == fromDAG.split(separator: "\n").dropFirst()
    #expect(isSameTable)
  }

  @Test("FusePlanner's hardware files become descriptions that check")
  func gpuImport() throws {
    let folder = try TemporaryFolder()
    try folder.file("gtx.cfg", "SMs::22\nL1::96\nshmem::64\nwarp_size::32\n")
    #expect(try CommandRunner.run(["gpu", "import", "gtx.cfg", "-o", "gtx.yaml"], in: folder).status == 0)
    let check = try CommandRunner.run(["gpu", "check", "gtx.yaml"], in: folder)
    #expect(check.output == "ok  gtx.yaml: gpu gtx\n", "\(check.errors)")
    #expect(try folder.text("gtx.yaml").contains("FusePlanner's hardware file gtx.cfg"))
  }

  @Test("Names from files reach the terminal without control characters")
  func hostileNames() throws {
    let names = [
      #""</script><img onerror=x>""#, #""=cmd|' /C calc'!A0""#, #""\u202Eevil""#, #""a\0b""#,
      #""\e[2J\e]0;title\a""#, #""\x9b2J""#, "\"" + String(repeating: "n", count: 1 << 20) + "\"",
    ]
    let layers = names.map { "  - {name: \($0), op: opaque, operator: \($0)}\n" }.joined()
    let text = "version: 1\nname: \(names[4])\ninput: {channels: 4, rows: 9, columns: 9}\nlayers:\n" + layers
    let folder = try TemporaryFolder()
    try folder.file("net.yaml", text)
    try folder.file("bad\u{1b}[2J.yaml", "version: 1\n\(names[4]): 1\n")
    let commands = [
      ["inspect", "net.yaml"], ["inspect", "net.yaml", "--json"], ["inspect", "net.yaml", "--strict"],
      ["config", "check", "net.yaml"], ["config", "check", "bad\u{1b}[2J.yaml"],
      ["inspect", "none\u{1b}[2J.yaml"], ["inspect", "\u{1b}[2J"], ["\u{1b}[2J"],
      ["inspect", "a", "\u{1b}[2J"],
      ["model", "import", "net.yaml"], ["inspect", "net.yaml", "--color", "\u{1b}[2J"],
      ["gpu", "show", "l4", "-o", "none\u{1b}[2J/x"],
    ]
    for command in commands {
      let outcome = try CommandRunner.run(command, in: folder)
      for scalar in (outcome.output + outcome.errors).unicodeScalars where scalar != "\n" {
        let isSafe = ![.control, .format, .lineSeparator].contains(scalar.properties.generalCategory)
        #expect(isSafe, "U+\(String(scalar.value, radix: 16)) from \(command)")
        if !isSafe { break }
      }
      let isData = command.contains("--json") || command.contains("import")
      let longest = outcome.output.split(separator: "\n").map(\.count).max() ?? 0
      #expect(isData || longest < 500)
    }
  }
}
