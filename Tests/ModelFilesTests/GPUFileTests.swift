import Hardware
import ModelFiles
import Testing
import Workload

@Suite struct GPUFileTests {
  /// What is wrong with the GTX 1660's file after one replacement.
  private func errors(_ old: String, _ new: String) throws -> FileErrors? {
    let text = try #require(BuiltIn.gpuText(named: "gtx1660"))
    #expect(text.contains(old))
    return #expect(throws: FileErrors.self) {
      try GPUFile.parse(text: text.replacing(old, with: new, maxReplacements: 1), path: "x.yaml")
    }
  }

  @Test(
    "Values that are no plain integers are refused, exit 2",
    arguments: [
      ("twenty", DiagnosticCode.yamlType), ("99999999999999999999", .yamlRange), (".inf", .yamlType),
      ("010", .yamlType), ("1_0", .yamlType), ("0x16", .yamlType), ("\"22\"", .yamlType), ("22.0", .yamlType),
      ("[22]", .yamlType), ("~", .yamlType), ("+22", .yamlType), ("--2", .yamlType), ("1e3", .yamlType),
      ("20:30", .yamlType),
    ])
  func integers(value: String, code: DiagnosticCode) throws {
    let errors = try errors("multiprocessors: 22", "multiprocessors: \(value)")
    #expect(errors?.codes == [code])
    #expect(errors?.exitStatus == 2)
    #expect(errors?.diagnostics.first?.location?.line == 7)
  }

  @Test("Bandwidths that are no decimal numbers are refused")
  func decimals() throws {
    for value in [".inf", ".nan", "1e3", "-1", "1.", "\"192\""] {
      #expect(try errors("per_second: 192", "per_second: \(value)")?.codes == [.yamlType])
    }
    #expect(try errors("per_second: 192", "per_second: 9999999999999")?.codes == [.yamlRange])
  }

  @Test("A duplicate key is yaml-duplicate-key at its second place, exit 2")
  func duplicates() throws {
    let errors = try errors("warp_size: 32\n", "warp_size: 32\n  warp_size: 64\n")
    #expect(errors?.codes == [.yamlDuplicateKey])
    #expect(errors?.exitStatus == 2)
    #expect(errors?.diagnostics.first?.location.map { [$0.line, $0.column] } == [15, 3])
  }

  @Test("Tabs and bad indentation are yaml-syntax, exit 2")
  func syntax() throws {
    let tab = try errors("  banks: 32", "\tbanks: 32")
    #expect(tab?.codes == [.yamlSyntax])
    #expect(tab?.exitStatus == 2)
    #expect(tab?.diagnostics.first?.remedy == "indent with spaces, not tabs")
    #expect(try errors("  banks: 32", " banks: 32")?.codes == [.yamlSyntax])
    #expect(try errors("id: gtx1660", "id: {")?.codes == [.yamlSyntax])
    #expect(try errors("id: gtx1660", "id: \"gtx\n  1660\"")?.codes == [.yamlSyntax])
    #expect(try errors("id: gtx1660", "id: a\0b")?.codes == [.yamlSyntax])
  }

  @Test("Anchors and aliases are yaml-alias, tags yaml-tag, exit 2")
  func aliases() throws {
    let alias = try errors("warp_size: 32", "warp_size: *x")
    #expect(alias?.codes == [.yamlAlias])
    #expect(alias?.exitStatus == 2)
    #expect(try errors("warp_size: 32", "warp_size: &x 32")?.codes == [.yamlAlias])
    #expect(try errors("warp_size: 32", "warp_size: !!int 32")?.codes == [.yamlTag])
    #expect(try errors("warp_size: 32", "warp_size: [&x 3]")?.codes == [.yamlAlias])
  }

  @Test("An anchor in quotes or in a comment is text")
  func harmlessAmpersands() throws {
    let text = try #require(BuiltIn.gpuText(named: "gtx1660"))
    let changed = text.replacing("name: GeForce GTX 1660", with: "name: \"&x: *y\"  # - &z ' \"")
    #expect(try GPUFile.parse(text: changed, path: "x").gpu.name == "&x: *y")
  }

  @Test("An unknown key is unknown-key with a suggestion, a missing one missing-key, exit 2")
  func keys() throws {
    let unknown = try errors("boost_mhz: 1785", "boost_mhz: 1785\n  bost_mhz: 1785")
    #expect(unknown?.codes == [.unknownKey])
    #expect(unknown?.exitStatus == 2)
    #expect(unknown?.diagnostics.first?.remedy == "did you mean 'boost_mhz'?")
    #expect(try errors("  boost_mhz: 1785\n", "")?.codes == [.missingKey])
    #expect(try errors("  unconfirmed: [ways]", "  unconfirmed: [wais]")?.codes == [.unknownKey])
    #expect(try errors("version: 1\n", "")?.codes == [.missingKey])
  }

  @Test("Another version is unsupported-version, exit 3")
  func version() throws {
    let errors = try errors("version: 1", "version: 2")
    #expect(errors?.codes == [.unsupportedVersion])
    #expect(errors?.exitStatus == 3)
  }

  @Test(
    "Impossible GPUs are gpu-inconsistent, exit 2",
    arguments: [
      ("multiprocessors: 22", "multiprocessors: 0"), ("warp_size: 32", "warp_size: 33"),
      ("warp_size: 32", "warp_size: 0"), ("unified_bytes: 98304", "unified_bytes: 4294967295"),
      ("compute_capability: 7.5", "compute_capability: Turing"),
      ("unified_bytes: 98304", "unified_bytes: 32768"), ("line_bytes: 128", "line_bytes: 100"),
      ("l2_bytes: 1572864", "l2_bytes: 1572865"), ("[32768, 65536]", "[65536, 32768]"),
      ("[32768, 65536]", "[]"), ("l2_bytes: 1572864", "l2_bytes: -1"),
      ("registers_per_thread: 255", "registers_per_thread: 9223372036854775807"),
    ])
  func inconsistent(old: String, new: String) throws {
    let errors = try errors(old, new)
    #expect(Set(errors?.codes ?? []) == [.gpuInconsistent])
    #expect(errors?.exitStatus == 2)
  }

  @Test("Facts for estimates are checked like all others: present, integers or decimals, and in order")
  func estimateFacts() throws {
    #expect(try errors("  l2_bytes_per_clock: 768\n", "")?.codes == [.missingKey])
    #expect(try errors("l1_clocks: 32", "l1_clocks: 32.5")?.codes == [.yamlType])
    #expect(try errors("dram_picojoules_per_byte: 112", "dram_picojoules_per_byte: -1")?.codes == [.yamlType])
    #expect(
      try errors("dram_picojoules_per_byte: 112", "dram_picojoules: 112")?.codes.contains(.unknownKey) == true
    )
    for (old, new, line) in [
      ("l1_clocks: 32", "l1_clocks: 300", "latency"),
      ("l2_bytes_per_clock: 768", "l2_bytes_per_clock: 0", "throughput"),
      ("dram_picojoules_per_byte: 112", "dram_picojoules_per_byte: 9999999", "energy"),
    ] {
      let found = try errors(old, new)
      #expect(found?.codes == [.gpuInconsistent])
      let text = try #require(BuiltIn.gpuText(named: "gtx1660"))
      let group = text.split(separator: "\n").firstIndex { $0 == line + ":" }
      #expect(
        found?.diagnostics.first?.location?.line == group.map { $0 + 2 }, "the finding points at its group")
    }
  }

  @Test("A file may have a calibration, whole and in range, and gives it back")
  func calibration() throws {
    let text = try #require(BuiltIn.gpuText(named: "gtx1660"))
    #expect(try GPUFile.parse(text: text, path: "x").gpu.estimates.calibration == nil)
    let group = """
      calibration:
        source: "bench"
        launch_nanoseconds: 1250.5
        dram_factor: 1.25
        l2_factor: 1
        l1_factor: 1
        shared_factor: 0.5
        issue_factor: 2
        compute_factor: 1
        distribution_factor: 1.5
        latency_factor: 1.125

      """
    let file = try GPUFile.parse(text: text + group, path: "x")
    let calibration = try #require(file.gpu.estimates.calibration)
    #expect(file.gpu.estimates.launchNanoseconds == 1250.5)
    #expect(TimeLimit.allCases.map { calibration.factor(of: $0) } == [1.25, 1, 1, 0.5, 2, 1, 1.5, 1.125, 1])
    #expect(try GPUFile.parse(text: file.print(), path: "x") == file)
    for (old, new, code) in [
      ("  l2_factor: 1\n", "", DiagnosticCode.missingKey),
      ("issue_factor: 2", "issue_factor: 0", .gpuInconsistent),
      ("issue_factor: 2", "issue_factor: 1001", .gpuInconsistent),
      ("issue_factor", "isue_factor", .unknownKey),
    ] {
      let errors = #expect(throws: FileErrors.self) {
        try GPUFile.parse(text: text + group.replacing(old, with: new), path: "x")
      }
      #expect(errors?.codes.contains(code) == true)
    }
  }

  @Test("Deep nesting is limit-depth, a huge text limit-file-size, exit 4, before anything is parsed")
  func limits() throws {
    let flow = "a: " + String(repeating: "[", count: 100_000)
    let block = String(repeating: "- ", count: 10_000) + "x"
    let indented = (0..<200).map { String(repeating: " ", count: $0) + "a:\n" }.joined()
    for text in [flow, block, indented] {
      let errors = #expect(throws: FileErrors.self) { try GPUFile.parse(text: text, path: "x") }
      #expect(Set(errors?.codes ?? []) == [.limitDepth])
      #expect(errors?.exitStatus == 4)
    }
    let huge = String(repeating: "# x\n", count: 1_100_000)
    let errors = #expect(throws: FileErrors.self) { try GPUFile.parse(text: huge, path: "x") }
    #expect(errors?.codes == [.limitFileSize])
  }

  @Test("Whatever text a GPU's name and sources hold, printing and parsing gives it back")
  func hostileText() throws {
    let file = try #require(BuiltIn.gpuFile(named: "a100"))
    for text in [
      "", "yes", "12", "a: b # c", "\u{1b}[2J\0\n\t\"\\", "\u{202e}", " x ", "null", "&a", "größe",
    ] {
      let provenance = file.provenance.mapValues {
        GPUFile.Provenance(source: text, note: text, unconfirmed: $0.unconfirmed)
      }
      let changed = GPUFile(gpu: file.gpu, provenance: provenance)
      #expect(try GPUFile.parse(text: changed.print(), path: "x") == changed)
    }
  }
}

@Suite struct FusePlannerGPUTests {
  @Test("The four facts come from the file, the others from the built-in it resembles, and both are said")
  func importing() throws {
    let text = "SMs::22\nL1::96\nshmem::64\nwarp_size::32"
    let imported = try FusePlannerGPU.parse(text: text, path: "hw/gtx1660.cfg")
    let base = try #require(BuiltIn.gpu(named: "gtx1660"))
    #expect(imported.base == "gtx1660")
    #expect(imported.gpu.multiprocessors == 22)
    #expect(imported.gpu.sharedMemoryCarveOuts == base.sharedMemoryCarveOuts)
    #expect(imported.gpu.l2 == base.l2)
    #expect(imported.warnings.map(\.code) == [.hardwareAssumption])
  }

  @Test("96 multiprocessors for the A4000 draw a warning that names 48")
  func wrongA4000() throws {
    let text = "SMs::96\r\nL1::128\r\nshmem::100\r\nwarp_size::32\r\n"
    let imported = try FusePlannerGPU.parse(text: text, path: "rtxa4000.cfg")
    #expect(imported.base == "rtx_a4000")
    #expect(imported.gpu.multiprocessors == 96)
    #expect(
      imported.warnings.last?.message == "the file says 96 multiprocessors; the RTX A4000 has 48")
    #expect(imported.warnings.last?.location?.line == 1)
  }

  @Test("An explicit base is used as it is")
  func explicitBase() throws {
    let base = try #require(BuiltIn.gpu(named: "a100"))
    let text = "SMs::16\nL1::192\nshmem::132\nwarp_size::32"
    let imported = try FusePlannerGPU.parse(text: text, path: "x.cfg", base: base)
    #expect(imported.base == "a100")
    #expect(imported.gpu.largestCarveOut == Bytes(132 * 1024))
    #expect(imported.gpu.sharedMemoryPerBlock == Bytes(131 * 1024))
  }

  @Test(
    "Lines that are wrong are hardware-syntax, impossible GPUs gpu-inconsistent, exit 2",
    arguments: [
      ("SMs:22\nL1::96\nshmem::64\nwarp_size::32", DiagnosticCode.hardwareSyntax),
      ("SMs::x\nL1::96\nshmem::64\nwarp_size::32", .hardwareSyntax),
      ("SM::22\nL1::96\nshmem::64\nwarp_size::32", .hardwareSyntax),
      ("SMs::22\nSMs::22\nL1::96\nshmem::64\nwarp_size::32", .hardwareSyntax),
      ("SMs::22\nL1::96\nshmem::64", .missingKey),
      ("SMs::22\nL1::96\nshmem::64\nwarp_size::33", .gpuInconsistent),
      ("SMs::22\nL1::9\nshmem::7\nwarp_size::32", .hardwareSyntax),
      ("SMs::022\nL1::96\nshmem::64\nwarp_size::32", .hardwareSyntax),
      ("SMs::22\nL1::7\nshmem::9\nwarp_size::32", .gpuInconsistent),
      ("SMs::22\nL1::64\nshmem::64\nwarp_size::32", .gpuInconsistent),
      ("SMs::22\nL1::96\nshmem::0\nwarp_size::32", .gpuInconsistent),
      ("SMs::22\nL1::0\nshmem::0\nwarp_size::32", .gpuInconsistent),
      ("SMs::0\nL1::96\nshmem::64\nwarp_size::32", .gpuInconsistent),
      ("SMs::22\nL1::96\nshmem::64\nwarp_size::0", .gpuInconsistent),
    ])
  func wrong(text: String, code: DiagnosticCode) {
    let errors = #expect(throws: FileErrors.self) { try FusePlannerGPU.parse(text: text, path: "x.cfg") }
    #expect(Set(errors?.codes ?? []) == [code])
    #expect(errors?.exitStatus == 2)
  }
}
