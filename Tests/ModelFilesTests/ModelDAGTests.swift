import ModelFiles
import Testing
import Workload

@Suite struct ModelDAGTests {
  /// A `quantize`, then a 3×3 convolution of stride 2, then a softmax.
  static let sample = """
    [{"name": "quantize", "id": 0, "activation": "0", "parents": [], "children": [1], "ifms_scales": 0.5,
      "ifms_zero_points": 127, "ifms_shape": [1, 9, 9, 3], "ofms_shape": [1, 9, 9, 3]},
     {"name": "conv_2d", "id": 1, "activation": "RELU6", "parents": [0], "children": [2], "type": "s",
      "weights_shape": [8, 3, 3, 3], "ifms_shape": [3, 9, 9], "ofms_shape": [8, 5, 5], "strides": 1,
      "ofms_scales": 0.25, "ofms_zero_points": -128},
     {"name": "softmax", "id": 2, "activation": "0", "parents": [1], "children": [],
      "ifms_shape": [1, 5, 5, 8], "ofms_shape": [1, 5, 5, 8]}]
    """

  private func parse(_ text: String) throws(FileErrors) -> ModelDAG {
    try ModelDAG.parse(text: text, path: "x.json", name: "x")
  }

  private func errors(_ old: String, _ new: String) -> FileErrors? {
    #expect(Self.sample.contains(old))
    return errors(Self.sample.replacing(old, with: new, maxReplacements: 1))
  }

  private func errors(_ text: String) -> FileErrors? {
    #expect(throws: FileErrors.self) { try parse(text) }
  }

  @Test("Stride and padding follow from the shapes; what the file leaves open is said")
  func reading() throws {
    let dag = try parse(Self.sample)
    let layer = dag.network.layers[1]
    #expect(layer.name == "conv_2d_1")
    #expect(layer.shape.rows.stride == 2)
    #expect(layer.shape.rows.paddingBefore == 1)
    #expect(layer.activation == .relu6)
    #expect(dag.layer(ofNode: 1) == 1)
    #expect(dag.node(ofLayer: 2) == 2)
    #expect(dag.layer(ofNode: 3) == nil)
    #expect(dag.inputQuantization[0] == TensorQuantization(scale: 0.5, zeroPoint: 127))
    #expect(dag.outputQuantization[1] == TensorQuantization(scale: 0.25, zeroPoint: -128))
    #expect(dag.warnings.map(\.code) == [.dagStride, .opUnsupported, .opUnsupported, .dagAssumption])
  }

  @Test("Without room for SAME a convolution has no padding")
  func valid() throws {
    let dag = try parse(Self.sample.replacing("[8, 5, 5]", with: "[8, 4, 4]"))
    #expect(dag.network.layers[1].shape.rows.stride == 2)
    #expect(dag.network.layers[1].shape.rows.paddingBefore == 0)
  }

  @Test("A pad node before a convolution becomes its padding")
  func padding() throws {
    let text = """
      [{"name": "pad", "id": 0, "activation": "0", "parents": [], "children": [1], "padding_top": 0,
        "padding_bottom": 1, "padding_left": 0, "padding_right": 1, "ifms_shape": [1, 8, 8, 4],
        "ofms_shape": [1, 9, 9, 4]},
       {"name": "depthwise_conv_2d", "id": 1, "activation": "0", "parents": [0], "children": [], "type": "dw",
        "weights_shape": [4, 3, 3], "ifms_shape": [4, 9, 9], "ofms_shape": [4, 4, 4], "strides": 2}]
      """
    let dag = try parse(text)
    #expect(dag.nodes == [.padding(ofLayer: 0), .layer(0)])
    #expect(dag.network.inputs == [try FeatureMap(channels: 4, rows: 8, columns: 8)])
    let rows = dag.network.layers[0].shape.rows
    #expect([rows.paddingBefore, rows.paddingAfter, rows.stride] == [0, 1, 2])
    let again = try parse(dag.text())
    #expect(again.nodes == dag.nodes)
    #expect(again.network == dag.network)
  }

  @Test(
    "Text that is not the format's JSON ends with a dag code, exit 2",
    arguments: [
      ("[{\"name\"", "\u{feff}[{\"name\"", DiagnosticCode.dagByteOrderMark),
      ("0.5", "NaN", .dagNotANumber), ("0.5", "-Infinity", .dagNotANumber), ("0.5", ".5", .dagSyntax),
      ("0.5", "0x1", .dagSyntax), ("0.5", "05", .dagSyntax), ("\"id\": 0,", "\"id\": 0, // x\n", .dagComment),
      ("\"id\": 0", "\"id\": 0.0", .dagType), ("\"id\": 0", "\"id\": \"0\"", .dagType),
      ("\"id\": 0", "\"id\": 99999999999999999999", .dagType), ("\"id\": 0,", "", .dagMissingKey),
      ("\"id\": 0,", "\"id\": 0, \"id\": 0,", .dagDuplicateKey), ("\"RELU6\"", "\"GELU\"", .dagType),
      ("[0]", "{}", .dagType), ("}]", "}", .dagSyntax), ("}]", "},]", .dagSyntax), ("}]", "}]]", .dagSyntax),
      ("softmax\"", "softmax\n\"", .dagSyntax), ("softmax", "\\ud800", .dagSyntax),
      ("softmax", "\\x", .dagSyntax), ("\"s\"", "\"q\"", .dagType), ("\"type\": \"s\",", "", .dagMissingKey),
    ])
  func syntax(old: String, new: String, code: DiagnosticCode) {
    let found = errors(old, new)
    #expect(found?.codes == [code])
    #expect(found?.exitStatus == 2)
    #expect(found?.diagnostics.first?.location != nil)
  }

  @Test("More than 100 levels of nesting are dag-too-deep, exit 2, without a stack overflow")
  func depth() {
    let found = errors(String(repeating: "[", count: 1_000_000))
    #expect(found?.codes == [.dagTooDeep])
    #expect(found?.exitStatus == 2)
  }

  @Test("Ids that do not count from 0 are dag-ids, links that disagree dag-links, exit 2")
  func links() {
    #expect(errors("\"id\": 2", "\"id\": 3")?.codes == [.dagIdentifiers])
    #expect(errors("\"children\": [2]", "\"children\": []")?.codes == [.dagLinks])
    #expect(errors("\"children\": []", "\"children\": [0]")?.codes == [.dagLinks])
    #expect(errors("\"children\": []", "\"children\": [7]")?.codes == [.dagLinks])
    #expect(errors("\"children\": []", "\"children\": [7]")?.exitStatus == 2)
  }

  @Test("A parent that does not exist is input-undefined, exit 2")
  func dangling() {
    let found = errors("\"parents\": [1]", "\"parents\": [1, 9]")
    #expect(found?.codes == [.inputUndefined])
    #expect(found?.exitStatus == 2)
  }

  @Test("A cycle is graph-cycle and printed, exit 2")
  func cycle() {
    let text = Self.sample.replacing("\"parents\": [0]", with: "\"parents\": [0, 2]")
      .replacing("\"children\": []", with: "\"children\": [1]")
    let found = errors(text)
    #expect(found?.codes == [.graphCycle])
    #expect(found?.exitStatus == 2)
    #expect(
      found?.diagnostics.first?.message == "the nodes form a cycle: conv_2d 1 → softmax 2 → conv_2d 1")
  }

  @Test(
    "Shapes that contradict each other end with the code of their kind",
    arguments: [
      ("[8, 3, 3, 3]", "[8, 3, 3]", DiagnosticCode.rankMismatch, Int32(2)),
      ("[8, 3, 3, 3]", "[8, 2, 3, 3]", .groupMismatch, 2),
      ("[8, 3, 3, 3]", "[9, 3, 3, 3]", .shapeMismatch, 2),
      ("[3, 9, 9]", "[3, 8, 9]", .shapeMismatch, 2), ("[8, 5, 5]", "[8, 5]", .rankMismatch, 2),
      ("[8, 5, 5]", "[8, 10, 10]", .dagShape, 2), ("[8, 5, 5]", "[8, 0, 5]", .dimZero, 2),
      ("[8, 5, 5]", "[8, -1, 5]", .dimNegative, 2), ("[8, 5, 5]", "[8, 2147483648, 5]", .limitDim, 4),
      ("\"strides\": 1", "\"strides\": 0", .strideZero, 2),
      ("[1, 9, 9, 3]", "[2147483647, 2147483647, 2147483647, 3]", .shapeOverflow, 2),
      ("[3, 9, 9]", "[4194305, 4194305, 211106198978564]", .shapeOverflow, 2),
      ("0.25", "0", .scaleInvalid, 2), ("0.25", "-1", .scaleInvalid, 2), ("0.25", "1e999", .scaleInvalid, 2),
      ("-128", "300", .zeroPointRange, 2), ("-128", "-129", .zeroPointRange, 2),
    ])
  func shapes(old: String, new: String, code: DiagnosticCode, status: Int32) {
    let found = errors(old, new)
    #expect(found?.codes == [code])
    #expect(found?.exitStatus == status)
  }

  @Test("An empty list is network-empty, another value dag-type")
  func empty() {
    #expect(errors("[]")?.codes == [.networkEmpty])
    #expect(errors("{}")?.codes == [.dagType])
  }

  @Test("Hostile operator names are escaped in warnings and survive writing")
  func hostileNames() throws {
    let dag = try parse(Self.sample.replacing("softmax", with: "\\u0000\\u202e</script>\\ud83d\\ude00"))
    #expect(dag.network.layers[2].name == "\0\u{202e}</script>😀_2")
    #expect(dag.warnings.allSatisfy { !$0.description.unicodeScalars.contains("\u{202e}") })
    let again = try parse(dag.text())
    #expect(again.network == dag.network)
    #expect(again.operatorNames == dag.operatorNames)
  }

  @Test("Built-in networks that the format can hold are written and read with equal shapes")
  func writing() throws {
    for name in BuiltIn.networks {
      let network = try #require(BuiltIn.network(named: name))
      let written = try ModelDAG(network: network)
      let read = try ModelDAG.parse(text: written.text(), path: "x.json", name: name)
      #expect(read.network.layers.map(\.shape) == network.layers.map(\.shape))
      #expect(read.network.layers.map(\.operation) == network.layers.map(\.operation))
      #expect(read.network.layers.map(\.inputs) == network.layers.map(\.inputs))
      #expect(read.nodes == written.nodes)
      let second = try ModelDAG.parse(text: read.text(), path: "x.json", name: name)
      #expect(second.network == read.network)
    }
  }

  @Test("What the format cannot hold is dag-unsupported, exit 3")
  func unsupported() throws {
    let text = networkText([
      "name: a, op: conv, filters: 8, kernel: 3, dilation: 2", "name: b, op: max_pool, kernel: 2, stride: 2",
      "name: c, op: average_pool, kernel: 2", "name: d, op: identity",
      "name: e, op: conv, filters: 4, kernel: 3, stride: 2, padding: [1, 0, 1, 1]",
    ])
    let network = try NetworkFile.parse(text: text, path: "x").network
    let found = #expect(throws: FileErrors.self) { try ModelDAG(network: network) }
    #expect(found?.codes == Array(repeating: .dagUnsupported, count: 4))
    #expect(found?.exitStatus == 3)
    let batched = try #require(BuiltIn.network(named: "mobilenet_v1")).batched(2)
    #expect(#expect(throws: FileErrors.self) { try ModelDAG(network: batched) }?.codes == [.dagUnsupported])
  }
}
