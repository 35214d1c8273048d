import Scheduling
import Workload

/// Which layers of a network may share a kernel with the one before them.
struct FusiblePaths {
  let network: Network
  /// Disjoint runs of layers, each reading the one before it, that together hold every layer.
  let paths: [[Int]]
  /// Every layer pair in which the second reads the first, with what forbids fusing them, if anything.
  private let edges: [(first: Int, second: Int, obstacle: PairVerdict?)]

  init(_ network: Network) {
    self.network = network
    let consumers = Self.consumers(of: network)
    var edges: [(first: Int, second: Int, obstacle: PairVerdict?)] = []
    for (second, layer) in network.layers.enumerated() {
      for case .layer(let first) in layer.inputs {
        edges.append((first, second, Self.obstacle(network, first, second, consumers[first])))
      }
    }
    self.edges = edges
    var next: [Int: Int] = [:]
    for edge in edges where edge.obstacle == nil { next[edge.first] = edge.second }
    let continued = Set(next.values)
    paths = network.layers.indices.filter { !continued.contains($0) }.map { start in
      var path = [start]
      while let last = path.last, let following = next[last] { path.append(following) }
      return path
    }
  }

  private static func consumers(of network: Network) -> [[Int]] {
    var consumers = network.layers.map { _ in [Int]() }
    for (index, layer) in network.layers.enumerated() {
      for case .layer(let producer) in layer.inputs where consumers[producer].last != index {
        consumers[producer].append(index)
      }
    }
    return consumers
  }

  /// The kinds of two layers that a fused kernel exists for.
  private static let fusedKinds: Set<[LayerKind]> = [[.dw, .pw], [.pw, .dw], [.pw, .pw]]

  private static func obstacle(
    _ network: Network, _ first: Int, _ second: Int, _ consumers: [Int]
  ) -> PairVerdict? {
    let kinds = [network.layers[first].kind, network.layers[second].kind]
    if consumers.count > 1 { return .fork(consumers: consumers) }
    if !fusedKinds.contains(kinds) { return .kindsNotFused(kinds[0], kinds[1]) }
    return nil
  }

  /// Why each pair is fused or not under `groups`.
  func decisions(kernels: [[Int]: KernelOption], groups: [FusionGroup]) -> [PairDecision] {
    var group: [Int: Int] = [:]
    for (index, members) in groups.enumerated() { for layer in members.layers { group[layer] = index } }
    return edges.map { edge in
      let fused = group[edge.first] == group[edge.second]
      let verdict =
        fused ? .fused : edge.obstacle ?? verdict(of: edge.first, edge.second, kernels: kernels)
      return PairDecision(first: edge.first, second: edge.second, verdict: verdict)
    }
  }

  private func verdict(of first: Int, _ second: Int, kernels: [[Int]: KernelOption]) -> PairVerdict {
    switch kernels[[first, second]] {
    case .illegal(let error): return .infeasible(error)
    case .legal(let pair):
      let unfused = [first, second].reduce(Cost.zero) { $0 + (kernels[[$1]]?.candidate?.cost ?? .zero) }
      return pair.cost < unfused
        ? .betterElsewhere(fused: pair.cost, unfused: unfused)
        : .costsMore(fused: pair.cost, unfused: unfused)
    case nil: return .notConsidered
    }
  }
}
