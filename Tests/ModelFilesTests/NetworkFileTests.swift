import ModelFiles
import Testing
import Workload

/// A network file around the given layers, which begin in line 5.
func networkText(_ layers: [String], input: String = "{channels: 4, rows: 9, columns: 9}") -> String {
  "version: 1\nname: x\ninput: \(input)\nlayers:\n" + layers.map { "  - {\($0)}\n" }.joined()
}

@Suite struct NetworkFileTests {
  private func network(_ layers: String...) throws -> Network {
    let file = try NetworkFile.parse(text: networkText(layers), path: "x.yaml")
    #expect(try NetworkFile.parse(text: file.print(), path: "x.yaml") == file)
    return file.network
  }

  private func errors(
    _ layers: String..., input: String = "{channels: 4, rows: 9, columns: 9}"
  ) -> FileErrors? {
    #expect(throws: FileErrors.self) {
      try NetworkFile.parse(text: networkText(layers, input: input), path: "x.yaml")
    }
  }

  @Test("Every op gives the layer it names, and prints to itself")
  func everyOp() throws {
    let network = try network(
      "name: a, op: conv, filters: 8, kernel: [1, 3], stride: [1, 2], padding: [0, 1, 0, 1], groups: 2",
      "name: b, op: depthwise, kernel: 3, multiplier: 2, dilation: 2, activation: relu6, bias: false",
      "name: c, op: pointwise, filters: 16, stride: 2", "name: d, op: relu6", "name: e, op: identity",
      "name: f, op: add, inputs: [c, e], activation: relu", "name: g, op: average_pool, kernel: 2",
      "name: h, op: max_pool, kernel: 3, stride: 2, padding: valid",
      "name: i, op: opaque, operator: swish, inputs: [h, g]", "name: j, op: global_average_pool",
      "name: k, op: fully_connected, filters: 10",
      "name: l, op: opaque, operator: reshape, output: {channels: 5, rows: 2, columns: 1}")
    #expect(
      network.layers.map(\.kind) == [
        .grouped, .dw, .pw, .act, .act, .add, .avgpool, .maxpool, .opaque, .avgpool, .fc, .opaque,
      ])
    #expect(network.layers.map(\.hasBias).prefix(3) == [true, false, true])
    #expect(
      network.layers.map(\.outputMap.text) == [
        "1×8×9×5", "1×16×9×5", "1×16×5×3", "1×16×5×3", "1×16×5×3", "1×16×5×3", "1×16×5×3", "1×16×2×1",
        "1×16×2×1", "1×16×1×1", "1×10×1×1", "1×5×2×1",
      ])
  }

  @Test("Several inputs and odd names survive printing")
  func inputsAndNames() throws {
    let text = """
      version: 1
      name: "a: \\e[2J"
      inputs:
        - {channels: 4, rows: 3, columns: 3}
        - {batch: 1, channels: 4, rows: 3, columns: 3}
      layers:
        - {name: "$input", op: add, inputs: [$input, $input2]}
        - {name: "</script>", op: relu, input: $input2}
        - {name: z, op: add, inputs: [$$input, "</script>"]}
      """
    let file = try NetworkFile.parse(text: text, path: "x.yaml")
    #expect(file.network.layers[2].inputs == [.layer(0), .layer(1)])
    #expect(try NetworkFile.parse(text: file.print(), path: "y.yaml") == file)
  }

  @Test("An op that is not known is op-unknown with a suggestion, exit 2")
  func unknownOp() {
    let found = errors("name: a, op: depthwize, kernel: 3")
    #expect(found?.codes == [.opUnknown])
    #expect(found?.diagnostics.first?.remedy == "did you mean 'depthwise'?")
    #expect(found?.exitStatus == 2)
  }

  @Test("Keys that mean nothing for an op, or contradict each other, are attr-conflict, exit 2")
  func conflicts() {
    #expect(errors("name: a, op: add, kernel: 3, inputs: [$input, $input]")?.codes == [.attributeConflict])
    #expect(errors("name: a, op: relu, input: $input, inputs: [$input]")?.codes == [.attributeConflict])
    #expect(errors("name: a, op: pointwise, filters: 3, padding: same")?.exitStatus == 2)
  }

  @Test(
    "Sizes that no layer can have end with the code and status of their kind",
    arguments: [
      ("op: conv, filters: 0, kernel: 3", DiagnosticCode.dimZero, Int32(2)),
      ("op: conv, filters: -1, kernel: 3", .dimNegative, 2),
      ("op: conv, filters: 2147483648, kernel: 3", .limitDim, 4),
      ("op: conv, filters: 9, kernel: 3, groups: 4", .groupMismatch, 2),
      ("op: conv, filters: 8, kernel: 3, stride: 0", .strideZero, 2),
      ("op: conv, filters: 8, kernel: 3, padding: [0, -1, 0, 0]", .padNegative, 3),
      ("op: conv, filters: 8, kernel: 10, padding: valid", .emptyOutput, 2),
      ("op: conv, filters: 8, kernel: [3, 3, 3]", .attributeLength, 2),
      ("op: conv, filters: 8, kernel: 3, padding: [1, 1]", .attributeLength, 2),
      ("op: conv, filters: 8, kernel: 3, stride: [1]", .attributeLength, 2),
      ("op: conv, filters: 2147483647, kernel: 1", .limitTensor, 4),
      ("op: depthwise, kernel: 3, multiplier: 9223372036854775807", .limitDim, 4),
      ("op: conv, filters: 8, kernel: 2147483647, dilation: 2147483647", .limitDim, 4),
      ("op: add, input: $input", .inputCount, 2), ("op: relu, inputs: [$input, $input]", .inputCount, 2),
      ("op: conv, filters: 8, kernel: 3, activation: gelu", .yamlType, 2),
      ("op: conv, filters: 8, kernel: 3, bias: 1", .yamlType, 2),
      ("op: conv, filters: 8, kernel: 3, padding: full", .yamlType, 2),
      ("op: opaque", .missingKey, 2), ("op: opaque, operator: x, inputs: []", .inputCount, 2),
    ])
  func sizes(layer: String, code: DiagnosticCode, status: Int32) {
    let found = errors("name: a, " + layer)
    #expect(found?.codes.first == code, "\(found?.codes ?? [])")
    #expect(found?.exitStatus == status)
    #expect(found?.diagnostics.first?.location?.line == 5)
  }

  @Test("A product that wraps around 2⁶⁴ is shape-overflow, one over 2³⁶ limit-tensor")
  func overflow() {
    let wraps = "{channels: 2147483647, rows: 2147483647, columns: 2147483647}"
    let overflow = errors("name: a, op: relu", input: wraps)
    #expect(overflow?.codes == [.shapeOverflow])
    #expect(overflow?.exitStatus == 2)
    let large = errors("name: a, op: relu", input: "{channels: 65536, rows: 65536, columns: 17}")
    #expect(large?.codes == [.limitTensor])
    #expect(large?.exitStatus == 4)
  }

  @Test("A size may be a name: its number is given, or it is dim-unresolved with what to give, exit 3")
  func symbolicSizes() throws {
    let text = networkText(["name: a, op: relu"], input: "{batch: N, channels: 4, rows: side, columns: side}")
    let file = try NetworkFile.parse(text: text, path: "x.yaml", dimensions: ["N": 2, "side": 9, "M": 1])
    #expect(file.network.inputs == [try FeatureMap(batch: 2, channels: 4, rows: 9, columns: 9)])
    #expect(file.warnings.map(\.code) == [.dimUnused])
    #expect(file.warnings.first?.message == "no size is named 'M'")
    let found = #expect(throws: FileErrors.self) {
      try NetworkFile.parse(text: text, path: "x.yaml", dimensions: ["side": 9])
    }
    #expect(found?.codes == [.dimUnresolved])
    #expect(found?.exitStatus == 3)
    #expect(found?.diagnostics.first?.remedy == "give --dim N=1")
    #expect(found?.diagnostics.first?.location.map { [$0.line, $0.column] } == [3, 16])
    #expect(throws: FileErrors.self) {
      try NetworkFile.parse(text: text, path: "x.yaml", dimensions: ["side": 0, "N": 1])
    }
    for value in ["\"N\"", "N-1", "9N", "true", "~", "größe"] {
      let input = "{channels: \(value), rows: 9, columns: 9}"
      #expect(errors("name: a, op: relu", input: input)?.codes == [.yamlType], "\(value)")
    }
  }

  @Test("Padding as large as the window is a warning, pad-too-large")
  func largePadding() throws {
    let text = networkText(["name: a, op: conv, filters: 8, kernel: 3, padding: [3, 0, 0, 0]"])
    let file = try NetworkFile.parse(text: text, path: "x.yaml")
    #expect(file.warnings.map(\.code) == [.padTooLarge])
    #expect(file.warnings.first?.severity == .warning)
  }

  @Test("A layer that is not defined is input-undefined with a suggestion, exit 2")
  func undefinedInput() {
    let found = errors("name: conv1, op: relu", "name: b, op: relu, input: conv2")
    #expect(found?.codes == [.inputUndefined])
    #expect(found?.exitStatus == 2)
    #expect(found?.diagnostics.first?.remedy == "did you mean 'conv1'?")
    let later = errors("name: a, op: relu, input: b", "name: b, op: relu, input: $input")
    #expect(later?.codes == [.inputUndefined])
    #expect(errors("name: a, op: relu, input: $input2")?.codes == [.inputUndefined])
  }

  @Test("A cycle is graph-cycle and printed, exit 2")
  func cycle() {
    let found = errors(
      "name: a, op: relu", "name: b, op: add, inputs: [a, d]", "name: c, op: relu", "name: d, op: relu")
    #expect(found?.codes == [.graphCycle])
    #expect(found?.exitStatus == 2)
    #expect(found?.diagnostics.first?.message == "the layers form a cycle: b → d → c → b")
    #expect(errors("name: a, op: relu, input: a")?.diagnostics.first?.message.hasSuffix("a → a") == true)
  }

  @Test("Two layers of one name are not-ssa, exit 2")
  func duplicateName() {
    let found = errors("name: a, op: relu", "name: a, op: relu")
    #expect(found?.codes == [.notSSA])
    #expect(found?.exitStatus == 2)
  }

  @Test("An add of different maps is shape-mismatch; a file without layers is network-empty")
  func structure() {
    let found = errors("name: a, op: max_pool, kernel: 2, stride: 2", "name: b, op: add, inputs: [a, $input]")
    #expect(found?.codes == [.shapeMismatch])
    let empty = "version: 1\nname: x\ninput: {channels: 1, rows: 1, columns: 1}\nlayers: []\n"
    let none = #expect(throws: FileErrors.self) { try NetworkFile.parse(text: empty, path: "x") }
    #expect(none?.codes == [.networkEmpty])
  }

  @Test("A mistake in one layer is not repeated for those that read it")
  func noCascade() {
    let found = errors(
      "name: a, op: conv, filters: 0, kernel: 3", "name: b, op: relu",
      "name: c, op: conv, filters: 0, kernel: 1",
      "name: d, op: conv, filters: 0, kernel: 1, input: $input")
    #expect(found?.codes == [.dimZero, .dimZero])
  }

  @Test("Files with tens of thousands of mistakes are refused quickly", .timeLimit(.minutes(1)))
  func manyMistakes() {
    let unknownInputs = (0..<10_000).map { "name: l\($0), op: relu, input: m\($0)" }
    let unknownKeys = ["name: a, op: relu, " + (0..<30_000).map { "k\($0): 1" }.joined(separator: ", ")]
    let unknownOps = Array(repeating: "name: a, op: releu", count: 10_000)
    for layers in [unknownInputs, unknownKeys, unknownOps] {
      let found = #expect(throws: FileErrors.self) {
        try NetworkFile.parse(text: networkText(layers), path: "x.yaml")
      }
      #expect(found?.diagnostics.count == 20)
    }
  }

  @Test("A batch multiplies the work and nothing else; one that is too large is refused")
  func batch() throws {
    for name in BuiltIn.networks {
      let network = try #require(BuiltIn.network(named: name))
      let batched = try network.batched(8)
      #expect(batched.multiplyAccumulates == 8 * network.multiplyAccumulates)
      #expect(batched.parameterCount == network.parameterCount)
      #expect(batched.layers.allSatisfy { $0.outputMap.batch == 8 })
      #expect(try batched.batched(1) == network)
      #expect(#expect(throws: ShapeError.self) { try network.batched(0) }?.code == "dim-zero")
      #expect(#expect(throws: ShapeError.self) { try network.batched(1 << 30) }?.code == "limit-tensor")
    }
  }
}
