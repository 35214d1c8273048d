import Foundation
import TestSupport
import Testing

@Suite struct UsageTests {
  @Test(
    "A wrong command line ends with 2, words on stderr and nothing on stdout",
    arguments: [
      (["inspct", "mobilenet_v2"], "unknown-command", "did you mean 'inspect'?"),
      (["gpu", "lst"], "unknown-command", "did you mean 'list'?"),
      (["qqqqqqqq"], "unknown-command", "it has: demo, doctor"),
      (["inspect", "mobilenet_v2", "--jsn"], "usage", "Did you mean '--json'?"),
      (["inspect"], "usage", "Missing expected argument '<model>'"),
      (["inspect", "a", "b"], "usage", "Unexpected argument 'b'"),
      (["inspect", "mobilnet_v2"], "unknown-name", "did you mean 'mobilenet_v2'?"),
      (["gpu", "show", "gtx1600"], "unknown-name", "did you mean 'gtx1660'?"),
      (["inspect", "mobilenet_v2", "--batch", "x"], "usage", "The value 'x' is invalid"),
      (["inspect", "mobilenet_v2", "--batch", "0"], "dim-zero", "the batch is 0"),
      (["inspect", "mobilenet_v2", "--threads", "0"], "usage", "give 1 to 1024"),
      (["inspect", "mobilenet_v2", "--color", "pink"], "usage", "auto"),
      (["config", "check"], "usage", "Missing expected argument"),
      (
        ["simulate", "mobilenet_v1", "--sweep-unknowns", "--trace", "t.json"], "usage",
        "--trace is of one replay"
      ),
      (["explain", "mobilenet_v1", "--layers", "3", "--chart", "x.png"], "usage", "does not end in .svg"),
      (["verify", "mobilenet_v1", "--layers", "3", "--blocks", "3"], "usage", "add --kernel"),
      (
        ["verify", "mobilenet_v1", "--layers", "3", "--kernel", "x.cu", "--engine", "schedule"], "usage",
        "has no schedule to execute"
      ),
    ])
  func wrongUsage(arguments: [String], code: String, words: String) throws {
    let outcome = try CommandRunner.run(arguments)
    #expect(outcome.status == 2)
    #expect(outcome.codes == [code])
    #expect(outcome.errors.contains(words), "\(outcome.errors)")
    #expect(outcome.output.isEmpty)
  }

  @Test("Help and version go to stdout and end with 0")
  func helpAndVersion() throws {
    #expect(try CommandRunner.run(["--version"]).output.split(separator: ".").count == 3)
    let commands = [
      [], ["doctor"], ["inspect"], ["gpu"], ["gpu", "list"], ["gpu", "show"], ["gpu", "import"],
      ["gpu", "check"], ["gpu", "calibrate"], ["model"], ["model", "list"], ["model", "import"], ["config"],
      ["config", "check"],
      ["demo"], ["verify"], ["plan"], ["explain"], ["simulate"], ["graph"], ["cuda"], ["cuda", "bundle"],
      ["bench"], ["compare"],
    ]
    for command in commands {
      let outcome = try CommandRunner.run(command + ["--help"])
      #expect(outcome.status == 0)
      #expect(outcome.errors.isEmpty)
      #expect(outcome.output.contains("EXAMPLES:") && outcome.output.contains("EXIT CODES:"))
      #expect(outcome.output.components(separatedBy: "\n  fuselab ").count == 4, "\(command): three examples")
      let longest = outcome.output.split(separator: "\n").map(\.count).max() ?? 0
      #expect(longest <= 80, "\(command)")
    }
  }

  @Test("Global options may stand before the command or after it")
  func optionOrder() throws {
    let after = try CommandRunner.run(["gpu", "list", "--json", "--color", "never"])
    #expect(after.status == 0)
    #expect(try CommandRunner.run(["--json", "--color", "never", "gpu", "list"]).output == after.output)
    #expect(try CommandRunner.run(["--threads=2", "--json", "gpu", "list"]).output == after.output)
  }

  @Test("A variable stands in for a flag, a flag wins over the variable, a bad one is environment-value")
  func environment() throws {
    let json = try CommandRunner.run(["gpu", "list"], environment: ["FUSELAB_JSON": "1"])
    #expect(json.output.hasPrefix("{"))
    let text = try CommandRunner.run(["gpu", "list", "--no-json"], environment: ["FUSELAB_JSON": "1"])
    #expect(text.output.hasPrefix("name"))
    let layers = try CommandRunner.run(
      ["explain", "mobilenet_v1"], environment: ["FUSELAB_LAYERS": "0", "FUSELAB_GPU": "l4"])
    #expect(
      layers.output
        == (try CommandRunner.run(["explain", "mobilenet_v1", "--layers", "0", "--gpu", "l4"]).output))
    let engine = try CommandRunner.run(["verify", "mobilenet_v1"], environment: ["FUSELAB_ENGINE": "cuda"])
    #expect(engine.codes == ["engine-unsupported"])
    for (name, value) in [("JSON", "maybe"), ("THREADS", "two"), ("COLOR", "pink"), ("BATCH", "1.5")] {
      let outcome = try CommandRunner.run(["gpu", "list"], environment: ["FUSELAB_\(name)": value])
      #expect(outcome.status == 2)
      #expect(outcome.codes == ["environment-value"])
    }
  }

  @Test("--dim gives a size that the model names, from a flag or FUSELAB_DIM")
  func dimensions() throws {
    let text =
      "version: 1\nname: x\ninput: {batch: N, channels: 4, rows: M, columns: 9}\nlayers:\n"
      + "  - {name: a, op: relu}\n"
    func inspect(_ arguments: [String], _ variable: String = "") throws -> CommandOutcome {
      try CommandRunner.run(
        ["inspect", "-"] + arguments, input: text, environment: ["FUSELAB_DIM": variable])
    }
    let unresolved = try inspect(["--dim", "N=2"])
    #expect(unresolved.status == 3)
    #expect(unresolved.codes == ["dim-unresolved"])
    #expect(unresolved.errors.contains("give --dim M=1"))
    let named = try inspect(["--dim", "N=2", "--dim", "M=9"])
    #expect(named.status == 0, "\(named.errors)")
    #expect(try inspect([], "N=2,M=9").output == named.output)
    #expect(try inspect(["--dim", "N=0", "--dim", "M=9"]).codes == ["dim-zero"])
    #expect(try inspect(["--dim", "N=2147483648", "--dim", "M=9"]).status == 4)
    #expect(try inspect(["--dim", "N=2", "--dim", "N=3"]).codes == ["usage"])
    #expect(try inspect(["--dim", "N=two"]).codes == ["usage"])
    #expect(try inspect([], "N").codes == ["environment-value"])
    let builtIn = try CommandRunner.run(["--dim", "N=2", "inspect", "mobilenet_v1"])
    #expect(builtIn.status == 0)
    #expect(builtIn.codes == ["dim-unused"])
  }

  @Test("Limits take bytes or K, M, G and T; more memory than --max-memory is limit-memory, exit 4")
  func limits() throws {
    let small = try CommandRunner.run(["verify", "mobilenet_v1", "--layers", "0", "--max-memory", "1M"])
    #expect(small.status == 4)
    #expect(small.codes == ["limit-memory"])
    #expect(small.errors.contains("more than 1 MiB") && small.errors.contains("raise --max-memory"))
    let variable = try CommandRunner.run(
      ["verify", "mobilenet_v1", "--layers", "0"], environment: ["FUSELAB_MAX_MEMORY": "1m"])
    #expect(variable.codes == ["limit-memory"])
    for bytes in ["0", "2T", "x", "1.5G", "-1", "9999999999999T"] {
      #expect(try CommandRunner.run(["gpu", "list", "--max-memory=\(bytes)"]).codes == ["usage"], "\(bytes)")
    }
    #expect(try CommandRunner.run(["gpu", "check", "l4", "--max-file", "4K"]).status == 0)
  }

  @Test("Colour goes to no file unless asked for")
  func colour() throws {
    #expect(try !CommandRunner.run(["gpu", "list"]).output.contains("\u{1b}"))
    #expect(try CommandRunner.run(["gpu", "list", "--color", "always"]).output.contains("\u{1b}[1m"))
    let wrong = try CommandRunner.run(["gpu", "check", "nope", "--color", "always"])
    let unknown = try CommandRunner.run(["inspct", "--color=always"])
    #expect(unknown.errors.hasPrefix("\u{1b}[1;31merror[unknown-command]:"))
    #expect(wrong.errors.hasPrefix("\u{1b}[1;31merror[unknown-name]:\u{1b}[0m"))
  }

  @Test("A reader that leaves early is no error; a full or closed stdout is")
  func closedOutput() throws {
    let early = try CommandRunner.shell(
      "set -e; { \"$FUSELAB\" inspect xception --json; echo $? >&2; } | head -1")
    #expect(early.output == "{\n")
    #expect(early.errors == "0\n")
    let full = try CommandRunner.shell("\"$FUSELAB\" gpu list >/dev/full")
    #expect(full.status == 2)
    #expect(full.codes == ["output-disk-full"])
    let closed = try CommandRunner.shell("\"$FUSELAB\" gpu list >&-")
    #expect(closed.status == 2)
    #expect(closed.codes == ["output-failed"])
    #expect(try CommandRunner.shell("\"$FUSELAB\" gpu check nope 2>&-").status == 2)
  }

  @Test("doctor reports on this build")
  func doctor() throws {
    let outcome = try CommandRunner.run(["doctor"])
    #expect(outcome.status == 0, "\(outcome.output)")
    #expect(outcome.output.contains("graphviz") && outcome.output.contains("cuda"))
    #expect(try CommandRunner.run(["doctor", "--json"]).output.contains("\"schema\": \"fuselab.doctor/1\""))
  }

  @Test("Ctrl-C ends with 130, kill with 143", arguments: [SIGINT, SIGTERM])
  func signals(number: Int32) throws {
    let streams = try TemporaryFolder()
    let process = try CommandRunner.process(
      CommandRunner.executable(), ["inspect", "-"], environment: [:], streams: streams)
    let input = Pipe()
    process.standardInput = input
    try process.run()
    try waitUntilHandled(number, by: process.processIdentifier)
    kill(process.processIdentifier, number)
    process.waitUntilExit()
    try input.fileHandleForWriting.close()
    #expect(process.terminationReason == .exit)
    #expect(process.terminationStatus == (number == SIGINT ? 130 : 143))
  }

  /// Waits until the process no longer dies of the signal by default.
  private func waitUntilHandled(_ number: Int32, by process: Int32) throws {
    for _ in 0..<1000 {
      let file = URL(fileURLWithPath: "/proc/\(process)/status")
      let status = String(decoding: (try? Data(contentsOf: file)) ?? Data(), as: UTF8.self)
      let masks = status.split(separator: "\n").filter { $0.hasPrefix("SigIgn") || $0.hasPrefix("SigCgt") }
      let handled = masks.compactMap { $0.split(separator: "\t").last.flatMap { UInt64($0, radix: 16) } }
      if handled.contains(where: { $0 >> UInt64(number - 1) & 1 == 1 }) {
        usleep(50_000)
        return
      }
      usleep(10_000)
    }
    Issue.record("the signal is not handled")
  }
}
