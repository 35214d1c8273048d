import ModelFiles
import Testing

@Suite struct DiagnosticTests {
  @Test("An unknown key is shown in its line with the key that was meant")
  func rendering() throws {
    let text = try #require(BuiltIn.gpuText(named: "h200"))
      .replacing("l2_bytes: 62", with: "l2_byte: 62")
    let errors = try #require(throws: FileErrors.self) {
      try GPUFile.parse(text: text, path: "Configs/GPUs/h200.yaml")
    }
    #expect(errors.codes == [.missingKey, .unknownKey])
    #expect(
      errors.diagnostics[1].description == """
        error[unknown-key]: unknown key 'l2_byte' in GPU description
           --> Configs/GPUs/h200.yaml:40:3
        40 |   l2_byte: 62914560
           |   ^^^^^^^ did you mean 'l2_bytes'?
        """)
  }

  @Test("All errors of a file come at once, in its order, at most 20")
  func limit() {
    let layers = (0..<25).map { "  - {name: l\($0), op: conv, filters: 010, kernel: 3}\n" }.joined()
    let text = "version: 1\nname: x\ninput: {channels: 3, rows: 8, columns: 8}\nlayers:\n" + layers
    let errors = #expect(throws: FileErrors.self) { try NetworkFile.parse(text: text, path: "x.yaml") }
    #expect(errors?.diagnostics.count == 20)
    #expect(errors?.omitted == 5)
    #expect(errors?.diagnostics.compactMap { $0.location?.line } == Array(5..<25))
    #expect(errors?.description.hasSuffix("\nand 5 more errors") == true)
  }

  @Test("A finding about a whole file has no source line")
  func withoutPlace() {
    let finding = Diagnostic(.emptyFile, "the file is empty", remedy: "write something", path: "a\u{1b}.yaml")
    #expect(
      finding.description == "error[empty-file]: the file is empty\n  --> a\\u{1b}.yaml\n  = write something")
  }

  @Test(
    "Text that could steer a terminal is escaped, long text is cut",
    arguments: [
      ("</script><img onerror>", "</script><img onerror>"), ("\u{1b}[2J", "\\u{1b}[2J"), ("a\0b", "a\\u{0}b"),
      ("\u{202e}gpj.exe", "\\u{202e}gpj.exe"), ("größe 汉字", "größe 汉字"), ("\u{9b}1m", "\\u{9b}1m"),
      ("a\u{2028}b\u{feff}\u{200b}", "a\\u{2028}b\\u{feff}\\u{200b}"),
    ])
  func sanitising(text: String, shown: String) {
    #expect(sanitised(text) == shown)
    #expect(sanitised(String(repeating: text, count: 100_000), limit: 3).hasSuffix("…"))
  }

  @Test("A name with control characters is escaped where a diagnostic repeats it, in message and source line")
  func hostileName() {
    let text = "version: 1\n\"\\e[2J\": 3\n"
    let errors = #expect(throws: FileErrors.self) { try GPUFile.parse(text: text, path: "x.yaml") }
    let all = errors?.description ?? ""
    #expect(all.contains("unknown key '\\u{1b}[2J'"))
    #expect(!all.unicodeScalars.contains("\u{1b}"))
  }

  @Test("One line of a million characters is shown in an excerpt")
  func longLine() {
    let text = "version: 1\nname: \(String(repeating: "x", count: 1_000_000))\nnmae: y\n"
    let errors = #expect(throws: FileErrors.self) { try NetworkFile.parse(text: text, path: "x.yaml") }
    #expect((errors?.description.utf8.count ?? 0) < 2000)
  }

  @Test("Suggestions are near names only")
  func suggestions() {
    #expect(DidYouMean.suggestion(for: "gtx166", among: BuiltIn.gpus) == "gtx1660")
    #expect(DidYouMean.suggestion(for: "rtx4090", among: BuiltIn.gpus) == "rtx_4090")
    #expect(DidYouMean.suggestion(for: "mi300", among: BuiltIn.gpus) == nil)
    #expect(DidYouMean.distance("depthwise", "dpethwise") == 1)
    #expect(DidYouMean.distance("", "abc") == 3)
  }

  @Test("Every code ends the tool with 2, 3 or 4")
  func exitStatuses() {
    for code in DiagnosticCode.allCases { #expect((2...4).contains(code.exitStatus), "\(code)") }
    #expect(Set(DiagnosticCode.allCases.map(\.rawValue)).count == DiagnosticCode.allCases.count)
  }
}
