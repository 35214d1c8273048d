import Foundation
import TestSupport
import Testing

/// `compare`, `gpu calibrate` and `simulate --trace` on files in the forms that GPUs' tools write.
@Suite struct MeasurementTests {
  private func folder() throws -> TemporaryFolder {
    let folder = try TemporaryFolder()
    _ = try folder.file("net.yaml", sevenLayers)
    return folder
  }

  private func object(_ text: String) throws -> [String: Any] {
    try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
  }

  private func simulation(_ arguments: [String], in folder: TemporaryFolder) throws -> [String: Any] {
    let run = try CommandRunner.run(
      ["simulate", "net.yaml", "--json", "--min-blocks", "8"] + arguments, in: folder)
    #expect(run.status == 0, "\(run.errors)")
    _ = try folder.file("sim.json", run.output)
    return try #require(try object(run.output)["data"] as? [String: Any])
  }

  /// The simulation's own counters as `ncu --csv --page raw` prints them, `runs` whole runs; `change` may spoil a value.
  private func profile(
    _ data: [String: Any], runs: Int, _ change: (String, Int, Int, Int) -> Int = { _, value, _, _ in value }
  ) throws -> String {
    let counters = try #require(data["counters"] as? [[String: Any]])
    let measured = counters.compactMap { counter -> (name: String, metric: String)? in
      guard let name = counter["name"] as? String, let metric = counter["metric"] as? String else {
        return nil
      }
      return (name, metric)
    }
    let columns = [
      "ID", "Process ID", "Process Name", "Host Name", "Kernel Name", "Context", "Stream", "Block Size",
      "Grid Size", "Device", "CC",
    ]
    func line(_ cells: [String]) -> String { cells.map { "\"\($0)\"" }.joined(separator: ",") + "\n" }
    var text = "==PROF== Connected to process 71 (/tmp/fuselab-gpu)\n"
    text += line(columns + measured.map(\.metric))
    text += line(columns.map { _ in "" } + measured.map { $0.metric.contains("bytes") ? "Kbyte" : "" })
    let kernels = try #require(data["kernels"] as? [[String: Any]])
    for run in 0..<runs {
      for (index, kernel) in kernels.enumerated() {
        let values = try #require(kernel["counters"] as? [String: Int])
        let schedule = try #require(kernel["schedule"] as? [String: Any])
        let cells = measured.map { counter in
          let value = change(counter.name, values[counter.name] ?? 0, index, run)
          guard counter.metric.contains("bytes") else {
            return value.formatted(.number.locale(Locale(identifier: "en_US")))
          }
          return "\(value / 1000).\(String(format: "%03d", value % 1000))"
        }
        text += line(
          [
            "\(run * kernels.count + index)", "71", "fuselab-gpu", "127.0.0.1",
            "fcm_\(kernel["kind"] as? String ?? "")_fp32(fcm::Pointers)", "1", "7",
            "(\(schedule["threads"] as? Int ?? 0), 1, 1)", "(\(values["grid_blocks"] ?? 0), 1, 1)", "0",
            "7.5",
          ] + cells)
      }
    }
    return text + "==PROF== Disconnected from process 71\n"
  }

  @Test("A profile that says what the simulation says has no error in any counter, over all repeats")
  func agreement() throws {
    let folder = try folder()
    let data = try simulation(["--unfused"], in: folder)
    _ = try folder.file("raw.csv", try profile(data, runs: 3))
    let run = try CommandRunner.run(
      ["compare", "sim.json", "--ncu", "raw.csv", "--tolerance", "0%", "--json"], in: folder)
    #expect(run.status == 0, "\(run.errors)\(run.output)")
    let found = try #require(try object(run.output)["data"] as? [String: Any])
    let section = try #require(found["profile"] as? [String: Any])
    #expect(section["measured_kernels"] as? Int == 7 && section["repeats_least"] as? Int == 3)
    let counters = try #require(section["counters"] as? [[String: Any]])
    #expect(counters.count >= 18)
    for counter in counters {
      #expect(counter["wape_share"] as? Double == 0 && counter["hardware_spread_share"] as? Double == 0)
    }
  }

  @Test("A result that lacks a counter or has less than nothing of one is refused, and - is standard input")
  func damagedCounters() throws {
    let folder = try folder()
    _ = try simulation([], in: folder)
    let text = try String(contentsOf: folder.url.appendingPathComponent("sim.json"), encoding: .utf8)
    let first = try #require(text.range(of: "\"dram_read_bytes\": "))
    let rest = text[first.upperBound...]
    let negative = text[..<first.upperBound] + "-" + rest
    let missing = text.replacingCharacters(in: first, with: "\"other_bytes\": ")
    for (damaged, words) in [(String(negative), "less than nothing"), (missing, "has no 'dram_read_bytes'")] {
      let outcome = try CommandRunner.run(["compare", "sim.json", "-"], input: damaged, in: folder)
      #expect(outcome.status == 2 && outcome.codes == ["result-type"], "\(outcome.errors)")
      #expect(outcome.errors.contains(words), "\(outcome.errors)")
    }
    let same = try CommandRunner.run(["compare", "-", "sim.json"], input: text, in: folder)
    #expect(same.status == 0, "\(same.errors)")
    #expect(!same.output.contains("tail_basis_points"))
  }

  @Test("Errors of known size are found in their counter, level, kernel and tensor, and end with 1")
  func errors() throws {
    let folder = try folder()
    let data = try simulation([], in: folder)
    let text = try profile(data, runs: 5) { name, value, kernel, run in
      switch name {
      case "dram_read_bytes": value + (run == 4 ? value / 2 : 0)
      case "l2_write_sectors": kernel == 1 ? value * 2 : value
      default: value
      }
    }
    _ = try folder.file("raw.csv", text)
    let run = try CommandRunner.run(["compare", "sim.json", "--ncu", "raw.csv"], in: folder)
    #expect(run.status == 1, "\(run.errors)")
    #expect(run.output.contains("over tolerance from l2 on"))
    #expect(run.output.contains("as if ofm alone were wrong"))
    // The median of five runs is not moved by the fifth; the spread tells of it.
    let line = try #require(run.output.split(separator: "\n").first { $0.hasPrefix("dram_read_bytes") })
    #expect(line.contains("0.00%") && line.contains("50.00%"))
    for (arguments, code, status) in [
      (["compare", "sim.json"], "usage", Int32(2)), (["compare", "net.yaml", "sim.json"], "json-syntax", 2),
      (["compare", "sim.json", "--ncu", "net.yaml"], "ncu-header", 2),
      (["compare", "sim.json", "--ncu", "raw.csv", "--tolerance", "x"], "usage", 2),
    ] {
      let outcome = try CommandRunner.run(arguments, in: folder)
      #expect(outcome.codes == [code] && outcome.status == status, "\(outcome.errors)")
    }
  }

  @Test("Two results are compared, and a budget is held, with exit 1 where not")
  func results() throws {
    let folder = try folder()
    _ = try simulation([], in: folder)
    let same = try CommandRunner.run(["compare", "sim.json", "sim.json", "--tolerance", "0"], in: folder)
    #expect(same.status == 0 && same.output.contains("every total is within 0.00%"), "\(same.errors)")
    for (objective, file) in [("gma", "a.json"), ("time", "b.json")] {
      let run = try CommandRunner.run(
        ["plan", "net.yaml", "--min-blocks", "8", "--json", "--objective", objective], in: folder)
      _ = try folder.file(file, run.output)
    }
    let plans = try CommandRunner.run(["compare", "a.json", "b.json", "--tolerance", "0%"], in: folder)
    #expect(plans.status == 1, "\(plans.output)\(plans.errors)")
    _ = try folder.file(
      "budget.yaml",
      "version: 1\nbudgets:\n  - {counter: gma_bytes, at_most: 1}\n  - {counter: gma_bytes, layer: pw1, at_most: 99999999}\n"
    )
    let over = try CommandRunner.run(["compare", "a.json", "--budget", "budget.yaml"], in: folder)
    #expect(over.status == 1 && over.output.contains("1 of 2 budgets passed over"), "\(over.errors)")
    _ = try folder.file("budget.yaml", "version: 1\nbudgets:\n  - {counter: gma_bite, at_most: 1}\n")
    let typo = try CommandRunner.run(["compare", "a.json", "--budget", "budget.yaml"], in: folder)
    #expect(typo.codes == ["unknown-name"] && typo.errors.contains("budget.yaml:3:5"), "\(typo.errors)")
  }

  /// `cuda bench --json` with made-up times: twice the estimate's DRAM term and a launch of 2 us.
  private func bench(_ kernels: Int) -> String {
    let rows = (1...max(1, kernels)).map { index in
      let bytes = index * 1_920_000
      let time = 2 + 2 * Double(bytes) / 192_000
      return """
        {"kind": "pw", "layers": ["l\(index)"], "failure": null, "unfused": {},
         "fused": {"cold_l2": {"microseconds": [\(time * 0.999), \(time), \(time * 1.001)]}},
         "work": {"blocks": 220, "resident_blocks": 4, "multiply_add_instructions": 10, "instructions": 100,
          "shared_wavefronts": 100, "l1_sectors": 100, "l2_sectors": 100, "dram_bytes": \(bytes), "block_warps": 8, "waits": 0,
          "l1_hit_sectors": 0, "l2_hit_sectors": 0, "dram_sectors": 100}}
        """
    }
    return """
      {"schema": "fuselab.cuda-bench/1", "data": {"device": {"name": "GTX 1660", "driver": 13000}, "network": "net",
       "gpu": "gtx1660", "element_type": "fp32", "kernels": [\(rows.joined(separator: ","))]}}
      """
  }

  @Test(
    "calibrate finds the factor that made the times, writes a GPU file with the evidence, and plans go by it")
  func calibrate() throws {
    let folder = try folder()
    _ = try folder.file("bench.json", bench(12))
    let arguments = ["gpu", "calibrate", "bench.json", "--gpu", "gtx1660", "--date", "2026-05-01"]
    let run = try CommandRunner.run(arguments + ["-o", "mine.yaml"], in: folder)
    #expect(run.status == 0, "\(run.errors)")
    let text = try folder.text("mine.yaml")
    #expect(
      text.contains("dram_factor: 2\n"), "\(text.suffix(900))")
    // Handing out the blocks is a few of the 2,000 ns.
    let launch = text.firstMatch(of: /launch_nanoseconds: 19[89]\d\.\d/)
    #expect(launch != nil, "\(text.suffix(900))")
    #expect(text.contains("12 kernels of net fp32 from a cold L2 on GTX 1660, CUDA driver 13.0"))
    #expect(text.contains("by fuselab cuda bench, 2026-05-01"))
    #expect(try CommandRunner.run(["gpu", "check", "mine.yaml"], in: folder).status == 0)
    let plan = try CommandRunner.run(
      ["plan", "net.yaml", "--gpu", "mine.yaml", "--objective", "time", "--min-blocks", "8"], in: folder)
    #expect(plan.status == 0 && plan.output.contains("calibrated by measurements"), "\(plan.errors)")
    let again = try CommandRunner.run(arguments, in: folder)
    #expect(again.output == text)
  }

  @Test("Bad benches are refused with stable codes")
  func badBenches() throws {
    let folder = try folder()
    let good = bench(12)
    for (text, code, extra) in [
      (bench(3), "calibration-too-few", []), ("{}", "bench-format", []),
      ("{\"schema\": \"fuselab.plan/1\"}", "bench-format", []),
      (good.replacing("\"blocks\": 220,", with: ""), "bench-work", []),
      (good.replacing("\"work\"", with: "\"wrk\""), "bench-work", []),
      (good, "bench-gpu", ["--gpu", "a100"]), (good, "usage", ["--date", "yesterday"]),
      (good.replacing("[", with: "{"), "json-syntax", []),
    ] {
      _ = try folder.file("bench.json", text)
      let run = try CommandRunner.run(["gpu", "calibrate", "bench.json"] + extra, in: folder)
      #expect(run.codes == [code] && run.status == 2, "\(code): \(run.errors)")
    }
  }

  @Test("A trace has one track a place on which no events overlap, and every block once")
  func trace() throws {
    let folder = try folder()
    let data = try simulation(["--trace", "t.json"], in: folder)
    let trace = try object(try folder.text("t.json"))
    let events = try #require(trace["traceEvents"] as? [[String: Any]])
    var ends: [Int: Int] = [:]
    var blocks = 0
    for event in events where event["ph"] as? String == "X" {
      let (track, start) = (try #require(event["tid"] as? Int), try #require(event["ts"] as? Int))
      #expect(start >= ends[track] ?? 0)
      ends[track] = start + (try #require(event["dur"] as? Int))
      blocks += 1
    }
    let kernels = try #require(data["kernels"] as? [[String: Any]])
    #expect(blocks == kernels.reduce(0) { $0 + (($1["counters"] as? [String: Int])?["grid_blocks"] ?? 0) })
    let names = events.filter { $0["name"] as? String == "thread_name" }
    #expect(Set(names.compactMap { $0["tid"] as? Int }).isSuperset(of: ends.keys))
    // A counter holds from its event to the next: over all rounds it comes to the replay's own.
    var moved = ["read": 0, "written": 0]
    let counters = events.filter { $0["ph"] as? String == "C" }
    for (event, next) in zip(counters, counters.dropFirst()) {
      let rounds = try #require(next["ts"] as? Int) - (try #require(event["ts"] as? Int))
      for (key, bytes) in try #require(event["args"] as? [String: Int]) { moved[key]? += bytes * rounds }
    }
    for (key, counter) in [("read", "l2_read_sectors"), ("written", "l2_write_sectors")] {
      let sectors = kernels.reduce(0) { $0 + (($1["counters"] as? [String: Int])?[counter] ?? 0) }
      #expect(sectors > 0 && moved[key] == 32 * sectors)
    }
    #expect(
      (trace["otherData"] as? [String: Any])?["time_unit"] as? String
        == "one round of the replay's turns, shown as 1 us")
  }

  @Test("Corpus: every measurement in Configs/Measurements is within the bars of its README")
  func corpus() throws {
    let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().appendingPathComponent("Configs/Measurements")
    let files = try FileManager.default.subpathsOfDirectory(atPath: root.path).filter {
      $0.hasSuffix(".yaml")
    }.sorted()
    if files.isEmpty { print("no measurements in Configs/Measurements: not yet measured") }
    for file in files {
      let text = try String(contentsOf: root.appendingPathComponent(file), encoding: .utf8)
      try Corpus.check(text, file, root)
    }
  }

  @Test("The H200's factors are those that its measurements give")
  func factorsOfH200() throws {
    let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("../..")
    let files = ["plans-fp32", "plans-int8", "tiles-fp32", "tiles-int8"].map {
      root.appendingPathComponent("Configs/Measurements/h200/\($0).json").path
    }
    let run = try CommandRunner.run(["gpu", "calibrate"] + files + ["--gpu", "h200", "--json"])
    #expect(run.status == 0, "\(run.errors)")
    let data = try #require(try object(run.output)["data"] as? [String: Any])
    let file = try String(contentsOf: root.appendingPathComponent("Configs/GPUs/h200.yaml"), encoding: .utf8)
    func value(_ key: String) -> Double? {
      file.split(separator: "\n").last { $0.hasPrefix("  \(key): ") }.flatMap {
        Double($0.dropFirst(key.count + 4))
      }
    }
    let factors = try #require(data["factors"] as? [String: Double])
    #expect(factors.count == 8)
    for (term, factor) in factors { #expect(value("\(term)_factor") == factor, "\(term)") }
    #expect(value("launch_nanoseconds") == data["launch_nanoseconds"] as? Double)
    let error = try #require(data["mean_error_share_after"] as? Double)
    #expect(error < 0.075, "\(error)")
    let rankings = try #require(data["tile_rankings"] as? [[String: Any]])
    let taus = rankings.compactMap { $0["kendall_tau_given"] as? Double }
    #expect(taus.count == 16 && taus.reduce(0, +) / 16 >= 0.9, "\(taus)")
  }
}
