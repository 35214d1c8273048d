import Hardware
import ModelFiles
import Testing
import Workload

@Suite struct UndocumentedTests {
  /// The L4's file with `lines` under `undocumented`.
  private func file(_ lines: String) throws -> GPUFile {
    let text = try #require(BuiltIn.gpuText(named: "l4"))
    #expect(!text.contains("undocumented:"))
    return try GPUFile.parse(text: text + "undocumented:\n" + lines, path: "x.yaml")
  }

  private func codes(_ lines: String) throws -> [DiagnosticCode] {
    do {
      _ = try file(lines)
      return []
    } catch let errors as FileErrors { return errors.codes }
  }

  @Test("A parameter has a default, a range and a source; what the file does not name is standard")
  func reading() throws {
    let gpu = try file(
      """
        l1_store_allocation:
          source: "a measurement"
          default: "yes"
          range: ["yes", "no"]
        l2_slices:
          source: "a paper"
          default: 24
          range: [24, 48]

      """
    ).gpu
    #expect(
      gpu.undocumented == [
        UndocumentedParameter(.l1StoreAllocation, "yes", range: ["yes", "no"], source: "a measurement"),
        UndocumentedParameter(.l2Slices, "24", range: ["24", "48"], source: "a paper"),
      ])
    #expect(gpu.undocumented(.l2Slices).value == "24")
    #expect(gpu.undocumented(.l2Replacement).value == "lru")
    #expect(gpu.undocumented(.l2FetchGranularity).value == "64")
  }

  @Test("What is wrong is told, exit 2")
  func errors() throws {
    let slices = "  l2_slices:\n    source: x\n    default: 8\n    range: [8]\n"
    #expect(try codes(slices) == [])
    #expect(try codes(slices.replacing("l2_slices", with: "l2_slice")) == [.unknownKey])
    #expect(try codes(slices.replacing("    source: x\n", with: "")) == [.missingKey])
    #expect(try codes(slices.replacing("[8]", with: "8")) == [.yamlType])
    #expect(try codes(slices.replacing("[8]", with: "[9]")) == [.gpuInconsistent])
    #expect(try codes(slices.replacing("8", with: "none")) == [.gpuInconsistent, .gpuInconsistent])
  }

  @Test("Built-in GPUs of two partitions say so, and the file prints as it was read")
  func builtIn() throws {
    for name in ["a100", "h200"] {
      let file = try #require(BuiltIn.gpuFile(named: name))
      #expect(file.gpu.undocumented(.l2Partitions).range == ["one", "through", "duplicated"])
      #expect(try GPUFile.parse(text: file.print(), path: "x.yaml") == file)
    }
  }
}
