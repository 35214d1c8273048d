/// The edges of a `model_dag.json`: are they consistent, and in which order can the nodes be taken.
struct DAGStructure {
  let source: SourceText
  let nodes: [DAGNode]

  private struct Edge: Hashable {
    let parent, child: Int
  }

  private func error(_ code: DiagnosticCode, _ message: String, _ key: String, of node: DAGNode) -> Diagnostic
  {
    let place = node.places[key] ?? node.place
    return source.diagnostic(code, message, line: place.line, column: place.column)
  }

  /// Ids in an order in which each node follows its parents; their own order where that is one.
  func checkedOrder() throws(FileErrors) -> [Int] {
    guard !nodes.isEmpty else {
      throw FileErrors(source.diagnostic(.networkEmpty, "the file has no nodes"))
    }
    var errors: [Diagnostic] = []
    for (index, node) in nodes.enumerated() where node.id != index {
      errors.append(
        error(.dagIdentifiers, "node \(index) has id \(node.id); ids must count from 0", "id", of: node))
    }
    guard errors.isEmpty else { throw FileErrors(errors) }
    errors = linkErrors()
    guard errors.isEmpty else { throw FileErrors(errors) }
    return try order()
  }

  private func linkErrors() -> [Diagnostic] {
    var errors: [Diagnostic] = []
    var up: Set<Edge> = []
    var down: Set<Edge> = []
    for node in nodes {
      for parent in node.parents {
        if nodes.indices.contains(parent) {
          up.insert(Edge(parent: parent, child: node.id))
        } else {
          errors.append(
            error(
              .inputUndefined, "node \(node.id) reads node \(parent), which there is not", "parents", of: node
            ))
        }
      }
      for child in node.children {
        if nodes.indices.contains(child) {
          down.insert(Edge(parent: node.id, child: child))
        } else {
          errors.append(
            error(.dagLinks, "node \(node.id) has child \(child), which there is not", "children", of: node))
        }
      }
    }
    for node in nodes {
      for parent in Set(node.parents).sorted()
      where nodes.indices.contains(parent) && !down.contains(Edge(parent: parent, child: node.id)) {
        let message = "node \(node.id) names parent \(parent), which does not name it as a child"
        errors.append(error(.dagLinks, message, "parents", of: node))
      }
      for child in Set(node.children).sorted()
      where nodes.indices.contains(child) && !up.contains(Edge(parent: node.id, child: child)) {
        let message = "node \(node.id) names child \(child), which does not name it as a parent"
        errors.append(error(.dagLinks, message, "children", of: node))
      }
    }
    return errors
  }

  private func order() throws(FileErrors) -> [Int] {
    if nodes.allSatisfy({ node in node.parents.allSatisfy { $0 < node.id } }) { return Array(nodes.indices) }
    var waiting = nodes.map { Set($0.parents).count }
    var order = nodes.indices.filter { waiting[$0] == 0 }
    var next = 0
    while next < order.count {
      for child in Set(nodes[order[next]].children).sorted() {
        waiting[child] -= 1
        if waiting[child] == 0 { order.append(child) }
      }
      next += 1
    }
    if order.count == nodes.count { return order }
    throw FileErrors(cycle(among: waiting))
  }

  /// Any node that still waits has a parent that waits, so going up must come back to a node.
  private func cycle(among waiting: [Int]) -> Diagnostic {
    var path: [Int] = []
    var seen: Set<Int> = []
    var current = waiting.firstIndex { $0 > 0 }
    while let node = current, seen.insert(node).inserted {
      path.append(node)
      current = nodes[node].parents.first { waiting[$0] > 0 }
    }
    guard let repeated = current, let start = path.firstIndex(of: repeated) else {
      return source.diagnostic(.graphCycle, "the nodes form a cycle")
    }
    let cycle = [repeated] + path[start...].reversed()
    let shown = cycle.prefix(20).map { "\(sanitised(nodes[$0].name, limit: 40)) \($0)" }
    let text = shown.joined(separator: " → ") + (cycle.count > 20 ? " → …" : "")
    return error(.graphCycle, "the nodes form a cycle: \(text)", "parents", of: nodes[repeated])
  }
}
