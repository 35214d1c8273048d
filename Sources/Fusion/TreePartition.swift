/// The cheapest partition of trees of layers into runs, and a price for each layer.
///
/// Layers are numbered so that each comes after those that it may be joined to. `best[v]` is the cheapest partition of
/// `v` with all that is joined to it, directly or not: over the runs that end at `v`, what the run costs and the best of
/// every layer that is joined to one of the run but is not of it. On a path that is dynamic programming over prefixes.
struct TreePartition {
  let runs: [[Int]]
  /// `best[v]` less the best of those joined to `v`. No run costs less than the prices of its layers together: these add
  /// up to `best` of its last layer less the best of what hangs on it, and `best` is least.
  let prices: [Cost]

  /// - Parameters:
  ///   - joined: For each layer those that may be in a run just before it, all smaller; no layer twice.
  ///   - allowed: The runs, each ascending and every layer once alone; among equals the first is taken.
  ///   - cost: Of a run; nil where it cannot be one kernel. A single layer that cannot is free: it is the same in every
  ///     partition.
  init(joined: [[Int]], allowed: [[Int]], cost: ([Int]) -> Cost?) {
    var ending = joined.map { _ in [[Int]]() }
    for run in allowed { if let last = run.last { ending[last].append(run) } }
    var best: [Cost] = []
    var chosen: [[Int]] = []
    for layer in joined.indices {
      var cheapest: (cost: Cost, run: [Int])?
      for run in ending[layer] {
        guard let own = cost(run) ?? (run.count == 1 ? .zero : nil) else { continue }
        let total = Self.hanging(on: run, joined).reduce(own) { $0 + best[$1] }
        if cheapest.map({ total < $0.cost }) ?? true { cheapest = (total, run) }
      }
      best.append(cheapest?.cost ?? .zero)
      chosen.append(cheapest?.run ?? [layer])
    }
    prices = joined.indices.map { layer in joined[layer].reduce(best[layer]) { $0 - best[$1] } }
    let inner = Set(joined.flatMap(\.self))
    var open = joined.indices.filter { !inner.contains($0) }
    var runs: [[Int]] = []
    while let last = open.popLast() {
      runs.append(chosen[last])
      open += Self.hanging(on: chosen[last], joined)
    }
    self.runs = runs
  }

  /// The layers that are joined to one of `run` and are not of it.
  private static func hanging(on run: [Int], _ joined: [[Int]]) -> [Int] {
    run.flatMap { joined[$0] }.filter { !run.contains($0) }
  }
}
