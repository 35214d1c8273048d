/// The cheapest partition of a path of layers into runs of at most `maxFuse`, and a price for each layer.
struct PathPartition {
  let runs: [[Int]]
  /// `prefix[i + 1] − prefix[i]` of the cheapest prefixes. No run costs less than the prices of its layers: the
  /// cheapest prefix that ends with the run costs at least the cheapest prefix of that length.
  let prices: [Cost]

  /// - Parameter cost: Of a run; nil where it cannot be one kernel. A single layer that cannot is free: it is the
  ///   same in every partition.
  init(_ path: [Int], maxFuse: Int, cost: ([Int]) -> Cost?) {
    var best: [Cost] = [.zero]
    var lastRun: [Int] = [0]
    for end in 1...path.count {
      var cheapest: (cost: Cost, length: Int)?
      for length in 1...min(maxFuse, end) {
        let run = Array(path[end - length..<end])
        guard let runCost = cost(run) ?? (length == 1 ? .zero : nil) else { continue }
        let total = best[end - length] + runCost
        if cheapest.map({ total < $0.cost }) ?? true { cheapest = (total, length) }
      }
      best.append(cheapest?.cost ?? .zero)
      lastRun.append(cheapest?.length ?? 1)
    }
    prices = zip(best, best.dropFirst()).map { $1 - $0 }
    var runs: [[Int]] = []
    var end = path.count
    while end > 0 {
      runs.insert(Array(path[end - lastRun[end]..<end]), at: 0)
      end -= lastRun[end]
    }
    self.runs = runs
  }
}
