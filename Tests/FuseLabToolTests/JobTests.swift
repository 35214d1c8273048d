import Foundation
import TestSupport
import Testing

/// A network small enough to run in a debug build.
private let small = """
  version: 1
  name: small
  input: {channels: 3, rows: 24, columns: 24}
  layers:
    - {name: stem, op: conv, filters: 16, kernel: 3, stride: 2, activation: relu6}
    - {name: dw1, op: depthwise, kernel: 3, activation: relu6}
    - {name: pw1, op: pointwise, filters: 24}
    - {name: pw2, op: pointwise, filters: 48, activation: relu6}
    - {name: dw2, op: depthwise, kernel: 5, dilation: 2, activation: relu}
    - {name: pw3, op: pointwise, filters: 24}
    - {name: add, op: add, inputs: [pw1, pw3]}
    - {name: out, op: opaque, operator: softmax}
  """

@Suite struct JobTests {
  private func run(_ arguments: [String], environment: [String: String] = [:]) throws -> CommandOutcome {
    let folder = try TemporaryFolder()
    _ = try folder.file("small.yaml", small)
    return try CommandRunner.run(arguments, environment: environment, in: folder)
  }

  private func data(_ outcome: CommandOutcome) throws -> [String: Any] {
    let envelope = try #require(
      try JSONSerialization.jsonObject(with: Data(outcome.output.utf8)) as? [String: Any])
    return try #require(envelope["data"] as? [String: Any])
  }

  @Test(
    "verify finds every kernel equal, in every number format and order",
    arguments: [
      [], ["--dtype", "int8"], ["--dtype", "int8", "--requant", "tflite"], ["--fp32-order", "xnnpack"],
      ["--seed", "7", "--batch", "2"],
    ])
  func verify(_ options: [String]) throws {
    let outcome = try run(["verify", "small.yaml", "--json", "--min-blocks", "1"] + options)
    #expect(outcome.status == 0, "\(outcome.errors)")
    let data = try data(outcome)
    #expect(data["passes"] as? Bool == true)
    #expect(try #require(data["bytes_compared"] as? Int) > 0)
    let layers = try #require(data["layers"] as? [[String: Any]])
    #expect(layers.map { $0["verdict"] as? String } == Array(repeating: "equal", count: 7) + ["not-executed"])
    #expect(try #require(data["fused_kernels"] as? [Any]).count >= 2)
  }

  @Test("A layer whose values hardly differ fails verify with exit 1")
  func poorlySpread() throws {
    // A maximum over nearly the whole map is the same few values everywhere.
    let folder = try TemporaryFolder()
    _ = try folder.file(
      "flat.yaml",
      """
      version: 1
      name: flat
      input: {channels: 1, rows: 80, columns: 80}
      layers:
        - {name: pool, op: max_pool, kernel: 41, stride: 1, padding: valid}
      """)
    let outcome = try CommandRunner.run(["verify", "flat.yaml", "--dtype", "int8"], in: folder)
    #expect(outcome.status == 1, "\(outcome.output) \(outcome.errors)")
    #expect(outcome.output.contains("1 layers have too few or saturated values"))
  }

  @Test("The plan says what each group moves, and its totals and certificate add up")
  func plan() throws {
    let data = try data(try run(["plan", "small.yaml", "--json", "--min-blocks", "4"]))
    let groups = try #require(data["groups"] as? [[String: Any]])
    let totals = try #require(data["totals"] as? [String: Int])
    #expect(groups.reduce(0) { $0 + ($1["gma_bytes"] as? Int ?? 0) } == totals["gma_bytes"])
    #expect(groups.reduce(0) { $0 + ($1["unfused_gma_bytes"] as? Int ?? 0) } == totals["unfused_gma_bytes"])
    let certificate = try #require(data["certificate"] as? [String: Any])
    #expect(certificate["gap_bytes"] as? Int == 0)
    #expect(certificate["lower_bound_bytes"] as? Int == totals["gma_bytes"])
    let names = groups.flatMap { $0["layers"] as? [String] ?? [] }
    #expect(names == ["stem", "dw1", "pw1", "pw2", "dw2", "pw3", "add", "out"])
    let decisions = try #require(data["decisions"] as? [[String: Any]])
    let verdicts = Set(decisions.compactMap { $0["verdict"] as? String })
    #expect(verdicts.isSuperset(of: ["fused", "fork", "kinds-not-fused"]))
  }

  @Test(
    "plan --from holds a fusion list against the plan: what is illegal says why, what is legal what it costs")
  func review() throws {
    let folder = try TemporaryFolder()
    _ = try folder.file("small.yaml", small)
    _ = try folder.file("theirs.cfg", "0,1,dwpw\n2,3,pwpw\n3,4,pwdw_wide\n4,5,dwpw\n")
    let arguments = ["plan", "small.yaml", "--min-blocks", "4", "--from"]
    let text = try CommandRunner.run(arguments + ["theirs.cfg"], in: folder)
    #expect(text.status == 0, "\(text.errors)")
    #expect(text.output.contains("stem + dw1 as dwpw: illegal: the layers are conv and dw"))
    #expect(text.output.contains("pw1 + pw2 as pwpw: illegal: its output is read by 2 layers"))
    #expect(text.output.contains("dw2 + pw3 as dwpw: illegal: layer 4 is in another kernel already"))
    #expect(text.output.contains("1 of 4 are legal here"))
    let json = try CommandRunner.run(arguments + ["theirs.cfg", "--json"], in: folder)
    let from = try #require(try data(json)["from"] as? [String: Any])
    let totals = try #require(try data(json)["totals"] as? [String: Int])
    #expect(try #require(totals["gma_bytes"]) <= (try #require(from["gma_bytes"] as? Int)))
    let decisions = try #require(from["decisions"] as? [[String: Any]])
    #expect(decisions.map { $0["verdict"] as? String }.first == "other-kinds")
    #expect(decisions.last?["verdict"] as? String == "taken")

    _ = try folder.file("far.cfg", "0,1,dwpw\n5,99,pwdw\n")
    _ = try folder.file("bad.cfg", "0;1;dwpw\n")
    _ = try folder.file("empty.cfg", "")
    for (file, code) in [
      ("far.cfg", "unknown-layer"), ("bad.cfg", "fusion-list-syntax"), ("empty.cfg", "empty-file"),
      ("none.cfg", "file-not-found"), (".", "not-a-regular-file"),
    ] {
      let outcome = try CommandRunner.run(arguments + [file], in: folder)
      #expect(outcome.status == 2)
      #expect(outcome.codes == [code])
      #expect(outcome.output.isEmpty)
    }
  }

  @Test(
    "A plan by time or energy is an estimate in every output, and its certificate adds up",
    arguments: [("time", "picoseconds"), ("energy", "picojoules")])
  func estimatedPlan(_ objective: String, _ unit: String) throws {
    let arguments = ["plan", "small.yaml", "--min-blocks", "4", "--objective", objective]
    let data = try data(try run(arguments + ["--json"]))
    #expect(data["is_estimate"] as? Bool == true)
    let groups = try #require(data["groups"] as? [[String: Any]])
    let total = groups.reduce(0) { $0 + ($1["objective_\(unit)"] as? Int ?? 0) }
    #expect(total > 0)
    #expect(try #require(data["totals"] as? [String: Any])["objective_\(unit)"] as? Int == total)
    let certificate = try #require(data["certificate"] as? [String: Any])
    #expect(certificate["lower_bound_\(unit)"] as? Int == total)
    #expect(certificate["gap_\(unit)"] as? Int == 0)
    let text = try run(arguments).output
    #expect(text.contains("estimated \(objective)") && text.contains("est.: estimates of a model"))
    #expect(text.contains("no other partition has less by this estimate"))
  }

  @Test("simulate and explain call their times and energies estimates, and name what limits each kernel")
  func estimates() throws {
    for arguments in [["simulate", "small.yaml"], ["explain", "small.yaml", "--layers", "1-2"]] {
      let text = try run(arguments).output
      #expect(text.contains("est.: estimates of a model, not calibrated"))
      let data = try data(try run(arguments + ["--json"]))
      let kernels = data["kernels"] as? [[String: Any]] ?? [data]
      for kernel in kernels {
        let estimate = try #require(kernel["estimate"] as? [String: Any])
        #expect(estimate["is_estimate"] as? Bool == true && estimate["is_calibrated"] as? Bool == false)
        let terms = try #require(estimate["time_terms"] as? [String: Int])
        let limit = try #require(estimate["limited_by"] as? String)
        #expect(terms["\(limit)_picoseconds"] == terms.values.max())
        let parts = try #require(estimate["energy_parts"] as? [String: Int])
        let energy = try #require(estimate["energy_picojoules"] as? Int)
        #expect(abs(energy - parts.values.reduce(0, +)) <= parts.count)
      }
    }
  }

  @Test(
    "simulate names every counter once, and each kernel and operand has its numbers",
    arguments: [[], ["--unfused"]])
  func counters(_ options: [String]) throws {
    let data = try data(try run(["simulate", "small.yaml", "--json", "--min-blocks", "4"] + options))
    let counters = try #require(data["counters"] as? [[String: Any]])
    #expect(counters.allSatisfy { $0.keys.sorted() == ["metric", "name", "title", "unit"] })
    let names = counters.compactMap { $0["name"] as? String }
    #expect(Set(names).count == names.count)
    #expect(names.count >= 20)
    let reads = try #require(counters.first { $0["name"] as? String == "dram_read_bytes" })
    #expect(reads["metric"] as? String == "dram__bytes_read.sum")
    #expect(reads["unit"] as? String == "bytes")
    #expect(counters.contains { $0["metric"] is NSNull })

    let kernels = try #require(data["kernels"] as? [[String: Any]])
    #expect(kernels.count >= (options.isEmpty ? 3 : 7))
    var sectors = 0
    for kernel in kernels {
      let values = try #require(kernel["counters"] as? [String: Int])
      #expect(values.keys.sorted() == names.sorted())
      let operands = try #require(kernel["operands"] as? [String: [String: Int]])
      #expect(operands.keys.contains("ofm"))
      func sum(_ keys: String...) -> Int {
        operands.values.reduce(0) { total, operand in keys.reduce(total) { $0 + (operand[$1] ?? 0) } }
      }
      #expect(sum("sectors") == (values["l1_load_sectors"] ?? 0) + (values["l1_store_sectors"] ?? 0))
      #expect(sum("l1_hit_sectors") == values["l1_load_hit_sectors"])
      #expect(sum("l1_miss_sectors") == sum("l2_read_hit_sectors", "l2_read_miss_sectors"))
      #expect(sum("dram_read_sectors") * 32 == values["dram_read_bytes"])
      #expect(sum("dram_write_sectors") * 32 == values["dram_write_bytes"])
      #expect(try #require(operands["ofm"])["l2_write_sectors"] == values["l1_store_sectors"])
      sectors += sum("sectors")
      // Each number again, by cause.
      let causes = try #require(kernel["sectors_by_cause"] as? [String: [String: [String: Int]]])
      for (name, key) in [
        ("requests", "sectors"), ("l1_misses", "l1_miss_sectors"), ("dram_reads", "dram_read_sectors"),
      ] {
        for (operand, numbers) in operands {
          #expect((causes[operand]?[name] ?? [:]).values.reduce(0, +) == numbers[key])
        }
      }
    }
    #expect(try #require(data["totals"] as? [String: Int])["sectors"] == sectors)
  }

  @Test("simulate --l2 warm finds in the L2 what the kernel before wrote, and says so")
  func warm() throws {
    func read(_ state: String) throws -> Int {
      let data = try data(try run(["simulate", "small.yaml", "--json", "--l2", state]))
      #expect(data["l2_between_kernels"] as? String == state)
      let kernels = try #require(data["kernels"] as? [[String: Any]])
      return kernels.reduce(0) { $0 + ((($1["counters"] as? [String: Int]) ?? [:])["dram_read_bytes"] ?? 0) }
    }
    #expect(try read("warm") < read("cold"))
    #expect(try read("warm") == read("flushed"))
    #expect(
      try run(["simulate", "small.yaml", "--l2", "warm"]).output.contains(
        "from the L2 that the one before left"))
  }

  @Test(
    "simulate --sweep-unknowns gives least, default and most of each counter, and the parameter that matters")
  func sweepUnknowns() throws {
    let data = try data(try run(["simulate", "small.yaml", "--json", "--sweep-unknowns"]))
    let parameters = try #require(data["parameters"] as? [[String: Any]])
    let names = parameters.compactMap { $0["name"] as? String }
    #expect(names.contains("l2_set_hash") && names.contains("dram_atom_bytes"))
    #expect(parameters.allSatisfy { ($0["source"] as? String)?.isEmpty == false })
    let counters = try #require(data["counters"] as? [[String: Any]])
    for counter in counters {
      let (least, most) = (counter["least"] as? Int ?? 1, counter["most"] as? Int ?? 0)
      #expect((least...max(least, most)).contains(counter["default"] as? Int ?? -1))
      #expect((least == most) == (counter["strongest_parameter"] is NSNull))
    }
    #expect(
      try run(["simulate", "small.yaml", "--sweep-unknowns", "--threads", "1"]).output
        == run(["simulate", "small.yaml", "--sweep-unknowns", "--threads", "3"]).output)
    #expect(try run(["simulate", "small.yaml", "--sweep-unknowns", "--l2", "warm"]).status == 2)
  }

  @Test("explain --chart draws unfused beside fused")
  func chart() throws {
    let svg = try run(["explain", "small.yaml", "--layers", "1-2", "--chart", "-"]).output
    #expect(svg.hasPrefix("<svg ") && svg.hasSuffix("</svg>\n"))
    #expect(svg.contains(">unfused</text>") && svg.contains(">fused</text>"))
  }

  @Test("Text has thousands separators wherever it has bytes, and fits 80 columns")
  func separators() throws {
    for command in [["plan", "small.yaml"], ["explain", "small.yaml", "--layers", "1-2"]] {
      let outcome = try run(command)
      #expect(outcome.status == 0, "\(outcome.errors)")
      #expect(outcome.output.contains(/[0-9],[0-9]{3} B/))
      #expect(!outcome.output.contains(/[0-9]{4} B/))
      #expect(outcome.output.split(separator: "\n").allSatisfy { $0.count <= 80 })
    }
  }

  @Test("What has no legal tile is said with the layer's name, made safe to print")
  func namedReasons() throws {
    let folder = try TemporaryFolder()
    _ = try folder.file(
      "long.yaml",
      """
      version: 1
      name: long
      input: {channels: 2, rows: 1, columns: 50000}
      layers:
        - {name: "long\\e[2J", op: depthwise, kernel: [1, 3]}
        - {name: next, op: pointwise, filters: 1}
      """)
    let outcome = try CommandRunner.run(["plan", "long.yaml"], in: folder)
    #expect(outcome.status == 0, "\(outcome.errors)")
    #expect(outcome.errors.contains("'long\\u{1b}[2J' reads more than 131,072 taps"))
    #expect(outcome.output.contains("no tile is legal: 'long\\u{1b}[2J' reads more"))
    #expect(!outcome.output.contains("\u{1b}") && !outcome.errors.contains("\u{1b}"))
  }

  @Test(
    "Equal inputs give equal bytes, whatever the threads and the locale",
    arguments: [
      ["plan", "small.yaml", "--json"], ["plan", "small.yaml", "--objective", "time"],
      ["simulate", "small.yaml", "--json"], ["simulate", "small.yaml"],
      ["verify", "small.yaml", "--dtype", "int8", "--json"], ["explain", "small.yaml", "--layers", "1-2"],
      ["graph", "small.yaml", "-o", "-"],
    ])
  func deterministic(_ arguments: [String]) throws {
    let first = try run(arguments + ["--threads", "1"])
    #expect(first.status == 0, "\(first.errors)")
    for (threads, locale) in [("1", "C"), ("2", "tr_TR.UTF-8"), ("16", "de_DE.UTF-8")] {
      let again = try run(
        arguments + ["--threads", threads], environment: ["LC_ALL": locale, "LANG": locale])
      #expect(again.output == first.output)
    }
  }

  @Test("A drawing of many clusters has the same bytes in every run")
  func equalDrawings() throws {
    let folder = try TemporaryFolder()
    let drawings = try (1...4).map { run in
      let file = "\(run).svg"
      let threads = String(run)
      let outcome = try CommandRunner.run(
        ["graph", "mobilenet_v2", "-o", file, "--threads", threads], in: folder)
      #expect(outcome.status == 0, "\(outcome.errors)")
      return try folder.text(file)
    }
    #expect(drawings.allSatisfy { $0 == drawings[0] })
  }

  @Test("A drawing is written once, and replaced only with --force")
  func graph() throws {
    let folder = try TemporaryFolder()
    _ = try folder.file("small.yaml", small)
    for file in ["a.svg", "a.dot"] {
      #expect(try CommandRunner.run(["graph", "small.yaml", "-o", file], in: folder).status == 0)
      let again = try CommandRunner.run(["graph", "small.yaml", "-o", file], in: folder)
      #expect(again.status == 2)
      #expect(again.codes == ["output-exists"])
      #expect(try CommandRunner.run(["graph", "small.yaml", "-o", file, "--force"], in: folder).status == 0)
    }
  }

  @Test(
    "What cannot be done ends with the documented code and status",
    arguments: [
      (["plan", "small.yaml", "--objective", "tme"], "usage", Int32(2)),
      (["plan", "small.yaml", "--max-fuse", "5"], "max-fuse-unsupported", 3),
      (["plan", "small.yaml", "--strict"], "op-unsupported", 3),
      (["verify", "small.yaml", "--engine", "blas"], "engine-unsupported", 3),
      (["verify", "small.yaml", "--engine", "emulater"], "usage", 2),
      (["explain", "small.yaml"], "usage", 2),
      (["explain", "small.yaml", "--layers", "7"], "chain-invalid", 2),
      (["explain", "small.yaml", "--layers", "2-6"], "chain-invalid", 2),
      (["verify", "small.yaml", "--layers", "dw3"], "unknown-layer", 2),
      (["graph", "small.yaml", "-o", "a.png"], "usage", 2), (["graph", "small.yaml"], "usage", 2),
      (["verify", "small.yaml", "--batch", "4000000"], "limit-memory", 4),
      (["simulate", "small.yaml", "--unfused", "--batch", "9000000"], "limit-replay", 4),
      (["simulate", "small.yaml", "--gpu", "gtx1661"], "unknown-name", 2),
    ])
  func refusals(_ arguments: [String], _ code: String, _ status: Int32) throws {
    let outcome = try run(arguments)
    #expect(outcome.codes == [code], "\(outcome.errors)")
    #expect(outcome.status == status)
    #expect(outcome.output.isEmpty)
  }
}
