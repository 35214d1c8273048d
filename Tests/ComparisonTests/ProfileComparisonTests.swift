import Comparison
import ModelFiles
import Testing

/// Two like pointwise kernels and a depthwise one, with what a profiler has measured of them in two whole runs.
@Suite struct ProfileComparisonTests {
  static let simulation = """
    {"schema": "fuselab.simulate/1", "tool": {}, "inputs": [], "warnings": [], "data": {
      "network": "n", "gpu": "gtx1660", "element_type": "fp32",
      "counters": [
        {"name": "grid_blocks", "title": "Grid", "unit": "blocks", "metric": "launch__grid_size"},
        {"name": "waves", "title": "Waves", "unit": "waves", "metric": null},
        {"name": "l1_load_sectors", "title": "L1", "unit": "sectors",
         "metric": "l1tex__t_sectors_pipe_lsu_mem_global_op_ld.sum"},
        {"name": "l2_write_sectors", "title": "L2", "unit": "sectors", "metric": "lts__t_sectors_op_write.sum"},
        {"name": "dram_read_bytes", "title": "DRAM", "unit": "bytes", "metric": "dram__bytes_read.sum"}],
      "kernels": [
        {"kind": "pw", "layers": ["a"], "schedule": {"threads": 256},
         "counters": {"grid_blocks": 8, "waves": 1, "l1_load_sectors": 1000, "l2_write_sectors": 400,
                      "dram_read_bytes": 32000},
         "operands": {"ifm": {"sectors": 900, "dram_read_sectors": 900}, "ofm": {"l2_write_sectors": 400}}},
        {"kind": "pw", "layers": ["b"], "schedule": {"threads": 256},
         "counters": {"grid_blocks": 8, "waves": 1, "l1_load_sectors": 1000, "l2_write_sectors": 400,
                      "dram_read_bytes": 32000},
         "operands": {"ifm": {"sectors": 900}, "ofm": {"l2_write_sectors": 400}}},
        {"kind": "dw", "layers": ["c"], "schedule": {"threads": 128},
         "counters": {"grid_blocks": 4, "waves": 1, "l1_load_sectors": 100, "l2_write_sectors": 100,
                      "dram_read_bytes": 3200},
         "operands": {"ifm": {"sectors": 90}, "ofm": {"l2_write_sectors": 100}}}],
      "totals": {}}}
    """

  static let header =
    "\"ID\",\"Process ID\",\"Process Name\",\"Host Name\",\"Kernel Name\",\"Context\",\"Stream\",\"Block Size\","
    + "\"Grid Size\",\"Device\",\"CC\",\"dram__bytes_read.sum\",\"l1tex__t_sectors_pipe_lsu_mem_global_op_ld.sum\","
    + "\"launch__grid_size\",\"lts__t_sectors_op_write.sum\"\n"
    + "\"\",\"\",\"\",\"\",\"\",\"\",\"\",\"\",\"\",\"\",\"\",\"Kbyte\",\"sector\",\"\",\"sector\"\n"

  static func row(_ id: Int, _ name: String, _ threads: Int, _ blocks: Int, _ values: [String]) -> String {
    "\"\(id)\",\"71\",\"fuselab-gpu\",\"127.0.0.1\",\"\(name)(fcm::Pointers)\",\"1\",\"7\",\"(\(threads), 1, 1)\","
      + "\"(\(blocks), 1, 1)\",\"0\",\"7.5\"," + values.map { "\"\($0)\"" }.joined(separator: ",") + "\n"
  }

  /// Every value as predicted, but DRAM: 32.64 KB of 32 KB in one of two runs of the first.
  static let profile =
    header + row(0, "fcm_pw_fp32", 256, 8, ["32.00", "1,000", "8", "400"])
    + row(1, "fcm_pw_fp32", 256, 8, ["32.00", "1,000", "8", "400"])
    + row(2, "fcm_dw_fp32", 128, 4, ["3.20", "100", "4", "100"])
    + row(3, "fcm_pw_fp32", 256, 8, ["33.28", "1,000", "8", "400"])
    + row(4, "other_kernel", 256, 8, ["1", "1", "1", "1"])
    + row(5, "fcm_pw_fp32", 256, 8, ["32.00", "1,000", "8", "400"])
    + row(6, "fcm_dw_fp32", 128, 4, ["3.20", "100", "4", "100"])

  private func comparison(_ profile: String) throws -> ProfileComparison {
    try ProfileComparison(
      ResultFile.parse(text: Self.simulation, path: "a"), NCUFile.parse(text: profile, path: "b"))
  }

  @Test("Like kernels take turns, repeats are gathered, strangers are left out, and units are undone")
  func join() throws {
    let found = try comparison(Self.profile)
    #expect(found.measuredKernels == 3 && found.repeats == 2...2 && found.unmatched == 1)
    #expect(
      found.rows.map(\.counter.name) == [
        "grid_blocks", "l1_load_sectors", "l2_write_sectors", "dram_read_bytes",
      ])
    #expect(found.rows.map(\.level) == [.launch, .l1, .l2, .dram])
    let dram = try #require(found.rows.last?.error)
    #expect(dram.pairs.map(\.measured) == [[32000, 33280], [32000, 32000], [3200, 3200]])
    // The median of 32,000 and 33,280 is 32,640: 640 of 67,840.
    #expect(dram.weightedError == 640.0 / 67840)
    #expect(dram.spread == 1280.0 / 32640)
    #expect(found.rows.dropLast().allSatisfy { $0.error.weightedError == 0 })
    #expect(Localisation(found, tolerance: 0.01) == nil)
  }

  @Test("Machine code is added to what DRAM reads, of the kernels that have it, and to nothing else")
  func code() throws {
    let code = try CodeFile.parse(
      text: """
        {"check": [{"kernel": "k0", "layers": ["b"], "code_bytes": 4096}, {"kernel": "k1", "layers": ["c"]},
          {"kernel": "k2", "layers": ["a"], "code_bytes": null}, {"kernel": "k3", "layers": ["x"], "code_bytes": 9}]}
        """, path: "c")
    #expect(code.bytes == [["b"]: 4096, ["x"]: 9])
    #expect(throws: FileErrors.self) {
      try CodeFile.parse(
        text: "{\"check\": [{\"layers\": [], \"code_bytes\": 1073741825}]}", path: "c")
    }
    let plain = try comparison(Self.profile)
    let found = try ProfileComparison(
      ResultFile.parse(text: Self.simulation, path: "a"), NCUFile.parse(text: Self.profile, path: "b"),
      code: code)
    #expect(found.rows.last?.error.pairs.map(\.predicted) == [32000, 36096, 3200])
    #expect(found.rows.map(\.codeBytes) == [0, 0, 0, 4096])
    #expect(plain.rows.map(\.codeBytes) == [0, 0, 0, 0])
    #expect(found.rows.dropLast().map(\.error) == plain.rows.dropLast().map(\.error))
  }

  @Test("What a launch reads is added to what DRAM reads, whatever is known of the code")
  func launches() throws {
    let simulation = Self.simulation.replacing(
      "\"dram_read_bytes\":", with: "\"dram_launch_read_bytes\": 2176, \"dram_read_bytes\":")
    try #require(simulation != Self.simulation)
    let found = try ProfileComparison(
      ResultFile.parse(text: simulation, path: "a"), NCUFile.parse(text: Self.profile, path: "b"))
    let plain = try comparison(Self.profile)
    let added = zip(
      try #require(found.rows.last).error.pairs, try #require(plain.rows.last).error.pairs)
    #expect(added.allSatisfy { $0.predicted == $1.predicted + 2176 })
    #expect(found.rows.map(\.launchBytes) == [0, 0, 0, 3 * 2176])
    #expect(found.rows.dropLast().map(\.error) == plain.rows.dropLast().map(\.error))
  }

  @Test("Kernels with local memory are left out of L2 and DRAM, and of nothing before them")
  func localMemory() throws {
    let code = try CodeFile.parse(
      text: """
        {"check": [{"layers": ["a"], "local_bytes": 0, "registers": 40},
          {"layers": ["b"], "local_bytes": 8, "registers": 96}, {"layers": ["x"], "local_bytes": 8}]}
        """, path: "c")
    #expect(code.spilling == [["b"], ["x"]] && code.registers == [["a"]: 40, ["b"]: 96])
    for registers in [0, 256] {
      #expect(throws: FileErrors.self) {
        try CodeFile.parse(text: "{\"check\": [{\"layers\": [], \"registers\": \(registers)}]}", path: "c")
      }
    }
    #expect(throws: FileErrors.self) {
      try CodeFile.parse(text: "{\"check\": [{\"layers\": [\"a\"]}, {\"layers\": [\"a\"]}]}", path: "c")
    }
    let found = try ProfileComparison(
      ResultFile.parse(text: Self.simulation, path: "a"), NCUFile.parse(text: Self.profile, path: "b"),
      code: code)
    #expect(found.spilling == 1)
    #expect(found.rows.map { $0.error.pairs.map(\.kernel) } == [[0, 1, 2], [0, 1, 2], [0, 2], [0, 2]])
  }

  @Test("A mismatch is placed at its first level, its kernel, and the tensor whose part it is")
  func localisation() throws {
    // The first kernel's stores reach the L2 twice as often as they do, and DRAM follows.
    let wrong = Self.profile.replacing("\"1,000\",\"8\",\"400\"", with: "\"1,000\",\"8\",\"800\"")
      .replacing("\"33.28\"", with: "\"99\"")
    let place = try #require(Localisation(try comparison(wrong), tolerance: 0.05))
    #expect(place.level == .l2 && place.agreeing == [.launch, .l1])
    #expect(place.counter == "l2_write_sectors" && place.kernel == 0 && place.tensor == "ofm")
    #expect(place.predicted == 400 && place.measured == 800 && place.shareOfError == 0.5)
  }

  @Test("The form with a row a metric gives the same kernels")
  func longForm() throws {
    let head =
      "==PROF== Connected to process 71\n\n\"ID\",\"Process ID\",\"Process Name\",\"Host Name\",\"Kernel Name\","
      + "\"Context\",\"Stream\",\"Block Size\",\"Grid Size\",\"Device\",\"CC\",\"Section Name\",\"Metric Name\","
      + "\"Metric Unit\",\"Metric Value\"\n"
    func line(_ id: Int, _ metric: String, _ unit: String, _ value: String) -> String {
      "\"\(id)\",\"71\",\"fuselab-gpu\",\"127.0.0.1\",\"fcm_dw_fp32(fcm::Pointers)\",\"1\",\"7\",\"(128, 1, 1)\","
        + "\"(4, 1, 1)\",\"0\",\"7.5\",\"Command line profiler metrics\",\"\(metric)\",\"\(unit)\",\"\(value)\"\n"
    }
    let file = try NCUFile.parse(
      text: head + line(0, "dram__bytes_read.sum", "Kbyte", "3.20")
        + line(0, "l1tex__t_sectors_pipe_lsu_mem_global_op_ld.sum", "sector", "100")
        + line(1, "dram__bytes_read.sum", "byte", "3,456")
        + line(1, "gpu__time_duration.sum", "usecond", "2.50")
        + "==PROF== Disconnected from process 71\n", path: "x")
    #expect(file.kernels.map(\.id) == [0, 1])
    #expect(file.kernels[0].metrics["dram__bytes_read.sum"] == 3200)
    #expect(file.kernels[1].metrics == ["dram__bytes_read.sum": 3456, "gpu__time_duration.sum": 2500])
    #expect(
      file.kernels[0].name == "fcm_dw_fp32" && file.kernels[0].blocks == 4 && file.kernels[0].threads == 128)
  }

  @Test("What cannot be joined is said with a stable code")
  func refusals() throws {
    let strangers = Self.header + Self.row(0, "fcm_pw_fp32", 64, 8, ["1", "1", "1", "1"])
    #expect(throws: ProfileError.noKernelMatches(expected: "fcm_pw_fp32")) { try comparison(strangers) }
    let other = Self.profile.replacing("dram__", with: "gpu__").replacing("l1tex__", with: "gpc__")
      .replacing("lts__", with: "fbpa__").replacing("launch__", with: "device__")
    let error = #expect(throws: ProfileError.self) { try comparison(other) }
    #expect(error?.code == "ncu-no-metric")
    // Three launches of two kernels that are alike; of the kernel that has no like any count will do.
    let third = Self.row(7, "fcm_pw_fp32", 256, 8, ["32.00", "1,000", "8", "400"])
    let uneven = ProfileError.uneven(kernel: "fcm_pw_fp32", blocks: 8, launches: 5, kernels: 2)
    #expect(uneven.code == "ncu-uneven")
    #expect(throws: uneven) { try comparison(Self.profile + third) }
    let more = Self.row(7, "fcm_dw_fp32", 128, 4, ["3.20", "100", "4", "100"])
    #expect(try comparison(Self.profile + more).repeats == 2...3)
  }
}

@Suite struct ResultDifferenceTests {
  private func file(_ change: (String) -> String = { $0 }) throws -> ResultFile {
    try ResultFile.parse(text: change(ProfileComparisonTests.simulation), path: "x")
  }

  @Test("Two simulations: totals, the kernel that differs, and its tensor")
  func simulations() throws {
    let difference = try ResultDifference(
      file(),
      file {
        $0.replacing("\"l1_load_sectors\": 100,", with: "\"l1_load_sectors\": 310,")
          .replacing("{\"sectors\": 90}", with: "{\"sectors\": 300}")
      })
    let row = try #require(difference.totals.first { $0.name == "l1_load_sectors" })
    #expect(row.before == 2100 && row.after == 2310 && row.change == 0.1)
    #expect(difference.exceeding(0.05).map(\.name) == ["l1_load_sectors"])
    #expect(difference.exceeding(0.1).isEmpty)
    #expect(difference.kernels.map(\.layers) == [["c"]])
    #expect(difference.kernels[0].tensor == "ifm")
    #expect(difference.onlyBefore.isEmpty && difference.onlyAfter.isEmpty)
  }

  @Test("Kernels of other layers are named, results of other networks refused")
  func unlike() throws {
    let other = try file { $0.replacing("[\"c\"]", with: "[\"c\", \"d\"]") }
    let difference = try ResultDifference(file(), other)
    #expect(difference.onlyBefore == [["c"]] && difference.onlyAfter == [["c", "d"]])
    let network = try file { $0.replacing("\"network\": \"n\"", with: "\"network\": \"m\"") }
    #expect(throws: DifferenceError.differentNetworks("n", "m")) { try ResultDifference(try file(), network) }
  }
}
