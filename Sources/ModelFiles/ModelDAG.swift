import Workload

/// A network in the file format of FusePlanner (arXiv:2404.19331), `model_dag.json`: a list of nodes whose
/// index is their `id`.
public struct ModelDAG: Hashable, Sendable {
  /// What became of a node of the file.
  public enum Node: Hashable, Sendable {
    /// The network's layer of that index.
    case layer(Int)
    /// A `pad` node, now the padding of that layer.
    case padding(ofLayer: Int)
  }

  /// The largest text that is parsed, in UTF-8 bytes.
  static let sizeLimit = 16 << 20

  public let network: Network
  /// By the file's id.
  public let nodes: [Node]
  /// The file's name of each node's operation, by id.
  public let operatorNames: [String]
  /// Quantization of each node's first input and of its output, by id; nil where the file has none.
  public let inputQuantization, outputQuantization: [TensorQuantization?]
  /// What the file leaves open or gets wrong, and what was assumed instead.
  public let warnings: [Diagnostic]

  /// The layer that node `id` became; nil for paddings and unknown ids.
  public func layer(ofNode id: Int) -> Int? {
    guard nodes.indices.contains(id), case .layer(let index) = nodes[id] else { return nil }
    return index
  }

  /// The id of the node that became layer `index`.
  public func node(ofLayer index: Int) -> Int? { nodes.firstIndex(of: .layer(index)) }

  /// Layer names are `<operation>_<id>`, so that the file's ids stay visible.
  ///
  /// - Parameter name: the network's name; the file has none.
  /// - Throws: everything that is wrong with the text.
  public static func parse(text: String, path: String, name: String) throws(FileErrors) -> ModelDAG {
    guard text.utf8.count <= sizeLimit else {
      throw FileErrors(
        Diagnostic(.limitFileSize, "the text has more than \(sizeLimit) bytes", path: path))
    }
    let source = SourceText(path: path, text: text)
    var reader = DAGNodeReader(source: source)
    let values: [JSONValue]
    do throws(Diagnostic) {
      let root = try JSONParser.parse(source)
      guard case .array(let items) = root.kind else {
        throw source.diagnostic(.dagType, "the file must be a list of nodes", line: 1, column: 1)
      }
      values = items
    } catch {
      throw FileErrors(error)
    }
    var nodes: [DAGNode] = []
    for value in values {
      if let node = reader.node(value) { nodes.append(node) }
      if reader.errors.count > 1000 { break }
    }
    guard reader.errors.isEmpty else { throw FileErrors(reader.errors) }
    let structure = DAGStructure(source: source, nodes: nodes)
    let order = try structure.checkedOrder()
    var builder = DAGBuilder(source: source, nodes: nodes, warnings: reader.warnings)
    return try builder.build(order: order, name: name)
  }
}
