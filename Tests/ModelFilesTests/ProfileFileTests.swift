import ModelFiles
import Testing
import Workload

/// Profiles, results and budgets: what is wrong with them, and that nothing traps.
@Suite struct ProfileFileTests {
  private static let head =
    "\"ID\",\"Kernel Name\",\"Grid Size\",\"dram__bytes_read.sum\"\n\"\",\"\",\"\",\"byte\"\n"

  @Test(
    "Numbers are read as ncu writes them in English, and in no other way",
    arguments: [
      ("1,234,567.50", 1_234_567.5), ("1234", 1234), ("0.00", 0), ("-3", -3), ("1.5e+06", 1_500_000),
      ("999,000", 999_000),
    ])
  func numbers(_ text: String, _ value: Double) throws {
    let file = try NCUFile.parse(text: Self.head + "\"0\",\"k\",\"(1, 1, 1)\",\"\(text)\"\n", path: "x")
    #expect(file.kernels.first?.metrics["dram__bytes_read.sum"] == value)
  }

  @Test(
    "Broken profiles end with a stable code and name the line",
    arguments: [
      (head + "\"0\",\"k\",\"(1, 1, 1)\",\"27.595.520\"\n", DiagnosticCode.ncuNumber, "line 3"),
      (head + "\"0\",\"k\",\"(1, 1, 1)\",\"65,77\"\n", .ncuNumber, "line 3"),
      (head.replacing("byte\"", with: "furlong\"") + "\"0\",\"k\",\"\",\"1\"\n", .ncuUnit, "line 3"),
      (head + "\"0\",\"k\",\"\"\n", .ncuRow, "line 3"),
      (head + "\"x\",\"k\",\"\",\"1\"\n", .ncuRow, "line 3"),
      (head + "\"0\",\"k", .csvSyntax, "line 3"), (head + "\"0\"k,\"\",\"\",\"\"\n", .csvSyntax, "line 3"),
      ("==ERROR== No kernels were profiled.\n", .ncuHeader, "\"ID\""),
      ("\"ID\",\"Name\"\n", .ncuHeader, "line 1"),
      ("\"ID\",\"Kernel Name\"\n", .ncuHeader, "no column is a metric"),
    ])
  func broken(_ text: String, _ code: DiagnosticCode, _ words: String) {
    let errors = #expect(throws: FileErrors.self) { try NCUFile.parse(text: text, path: "x.csv") }
    #expect(errors?.codes == [code])
    #expect(errors?.description.contains(words) == true, "\(errors?.description ?? "")")
    #expect(errors?.exitStatus == 2)
  }

  @Test(
    "Metrics that are no numbers, and unit prefixes, are handled; a quoted name may hold commas and quotes")
  func details() throws {
    let text =
      "\"ID\",\"Kernel Name\",\"device__attribute_display_name\",\"gpu__time_duration.sum\",\"lts__t_bytes.sum\"\r\n"
      + "\"\",\"\",\"\",\"msecond\",\"Gbyte\"\r\n"
      + "\"0\",\"void k<(int)3, \"\"x\"\">(int, float*)\",\"NVIDIA H200\",\"1.5\",\"2\"\r\n"
    let file = try NCUFile.parse(text: text, path: "x")
    #expect(file.kernels[0].metrics == ["gpu__time_duration.sum": 1.5e6, "lts__t_bytes.sum": 2e9])
    #expect(file.kernels[0].blocks == nil)
  }

  @Test("Results of other commands, and budgets of what is not there, are refused with their place")
  func results() throws {
    let wrong = #expect(throws: FileErrors.self) {
      try ResultFile.parse(text: "{\"schema\": \"fuselab.verify/1\", \"data\": {}}", path: "x")
    }
    #expect(wrong?.codes == [.resultSchema])
    for (text, code) in [
      ("{\"schema\": \"fuselab.plan/1\"}", DiagnosticCode.resultType), ("[", .jsonSyntax),
      ("{\"a\": 1, \"a\": 1}", .jsonDuplicateKey),
    ] {
      let errors = #expect(throws: FileErrors.self) { try ResultFile.parse(text: text, path: "x") }
      #expect(errors?.codes == [code])
    }
    let result = try ResultFile.parse(text: Self.plan, path: "x")
    #expect(result.totals == ["gma_bytes": 30, "fused_kernels": 1])
    let budget = try BudgetFile.parse(
      text: """
        version: 1
        budgets:
          - {counter: gma_bytes, at_most: 29}
          - {counter: gma_bytes, layer: b, at_most: 20}
        """, path: "x")
    #expect(try budget.check(result).map(\.holds) == [false, true])
    let typo = try BudgetFile.parse(
      text: "version: 1\nbudgets:\n  - {counter: gma_byte, at_most: 29}\n", path: "b.yaml")
    let errors = #expect(throws: FileErrors.self) { try typo.check(result) }
    #expect(errors?.description.contains("b.yaml:3:5") == true)
    #expect(errors?.diagnostics.first?.remedy == "did you mean 'gma_bytes'?")
    for (text, code) in [
      ("version: 1\nbudgets: []\n", DiagnosticCode.limitRecord),
      ("version: 1\nbudgets:\n  - {counter: x, at_most: -1}\n", .yamlRange),
      ("version: 1\nbudgets:\n  - {counter: x, atmost: 1}\n", .unknownKey),
    ] {
      let errors = #expect(throws: FileErrors.self) { try BudgetFile.parse(text: text, path: "x") }
      #expect(errors?.codes.contains(code) == true)
    }
  }

  static let plan = """
    {"schema": "fuselab.plan/1", "data": {"network": "n", "gpu": "g", "element_type": "fp32",
     "groups": [{"kind": "pw", "layers": ["a"], "gma_bytes": 10, "reason": null},
                {"kind": "dwpw", "layers": ["b", "c"], "gma_bytes": 20, "schedule": {"threads": 64}}],
     "totals": {"gma_bytes": 30, "fused_kernels": 1}}}
    """

  static let kernels = """
    {"schema": "fuselab.simulate/1", "data": {"network": "n", "gpu": "g", "element_type": "fp32", "layout": "nchw",
     "batch": 1, "kernels": [{"layers": ["a", "b"], "schedule": {"block_order": "swizzled", "buffers": 1,
      "channels_per_thread": 4, "pixels_per_thread": 1, "reduction_channels": [8, 1], "threads": 128,
      "tile_channels": 8, "tile_columns": 7, "tile_rows": 5, "uses_tensor_cores": true, "vector_width": 2}},
      {"layers": ["c"], "schedule": null}]}}
    """

  static let code = """
    {"check": [{"kernel": "k0", "layers": ["a", "b"], "code_bytes": 4096, "registers": 40, "local_bytes": 8},
      {"layers": ["c"], "code_bytes": null}]}
    """

  static let bench = """
    {"device": {"device": "NVIDIA H200", "driver": 13020, "planned_for": "h200", "network": "n", "element_type": "int8"},
     "check": [], "bench": [
      {"kernel": "k000", "kind": "pw", "l2": "cold", "microseconds": [3.5, 2.5, 9.0], "layers": ["a"], "work": {"blocks": 4}},
      {"kernel": "k000", "kind": "pw", "l2": "warm", "microseconds": [1.5], "work": {"blocks": 4}},
      {"kernel": "k001", "kind": "dw", "failure": "element 0 differs"}]}
    """

  static let measurement = """
    version: 1
    profile: a.csv
    network: mobilenet_v2
    element_type: fp32
    l2: cold
    device: NVIDIA H200
    driver: "13.0"
    ncu: "2025.3"
    date: 2026-05-01
    command: ncu --csv
    """

  @Test("A script's results are read as a bench: cold kernels that were right, the middle run")
  func benchOfScript() throws {
    let bench = try BenchFile.parse(text: Self.bench, path: "x")
    #expect(bench.kernels.map(\.median) == [3.5])
    #expect(bench.driver == "13.2" && bench.device == "NVIDIA H200" && bench.plannedFor == "h200")
    #expect(bench.elementType == .int8 && bench.kernels[0].work == ["blocks": 4])
    let lacking = Self.bench.replacing(", \"work\": {\"blocks\": 4}", with: "")
    let errors = #expect(throws: FileErrors.self) { try BenchFile.parse(text: lacking, path: "x") }
    #expect(errors?.codes == [.benchWork])
  }

  @Test("A measurement says what it is of, and every key is checked")
  func measurements() throws {
    let file = try MeasurementFile.parse(text: Self.measurement, path: "x")
    #expect(file.profile == "a.csv" && file.l2 == .cold && file.elementType == .fp32 && !file.isUnfused)
    for (old, new, code) in [
      ("a.csv", "../a.csv", DiagnosticCode.yamlType), ("fp32", "fp16", .yamlType),
      ("cold", "tepid", .yamlType),
      ("2026-05-01", "May", .yamlType), ("ncu: ", "nsight: ", .unknownKey),
      ("date: 2026-05-01\n", "", .missingKey),
    ] {
      let errors = #expect(throws: FileErrors.self) {
        try MeasurementFile.parse(
          text: Self.measurement.replacing(old, with: new, maxReplacements: 1), path: "x")
      }
      #expect(errors?.codes.contains(code) == true)
    }
  }
}
