import Scheduling
import Workload

/// Which layers of a network may share a kernel with one that reads them.
///
/// A layer may do so with its only reader, and a reader with the makers of both its inputs where it is an add, though only
/// with one of them at once: the layers form trees, and kernels are runs towards the root. The other input of such an add
/// is made by another kernel before: it cannot depend on a layer of the run, for nothing outside reads those.
struct FusibleTrees {
  let network: Network
  /// For each layer those that may come just before it in a kernel, ascending.
  let joined: [[Int]]
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
    var joined = network.layers.map { _ in [Int]() }
    for edge in edges where edge.obstacle == nil { joined[edge.second].append(edge.first) }
    self.joined = joined.map { $0.sorted() }
  }

  /// Every run of layers that may be one kernel, short ones first: of at most `most` convolutions, and of as many stages as
  /// a kernel has room for.
  func runs(ofAtMost most: Int) -> [[Int]] {
    var all: [[Int]] = []
    var longest = network.layers.indices.map { [$0] }
    while !longest.isEmpty {
      all += longest
      longest = longest.flatMap { run in
        run.count == Chain.maximumStages ? [] : joined[run[0]].map { [$0] + run }
      }.filter { run in run.count { network.layers[$0].hasWeights } <= most }
    }
    return all
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

  /// The kinds of two convolutions that a fused kernel exists for. An add joins whatever makes one of its inputs.
  private static let fusedKinds: Set<[LayerKind]> = [[.dw, .pw], [.pw, .dw], [.pw, .pw]]

  private static func obstacle(
    _ network: Network, _ first: Int, _ second: Int, _ consumers: [Int]
  ) -> PairVerdict? {
    let kinds = [network.layers[first].kind, network.layers[second].kind]
    if consumers.count > 1 { return .fork(consumers: consumers) }
    if kinds[1] == .add, kinds[0] != .opaque {
      return network.layers[second].inputs == [.layer(first), .layer(first)] ? .addedToItself : nil
    }
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
