import Fusion
import Hardware
import ModelFiles
import Scheduling
import Workload

extension Session {
  /// The kernels of a file, as a plan of the network that the request names; the GPU may be another.
  /// - Throws: `plan-mismatch` where they are no kernels of that network and number format, or illegal on that GPU.
  mutating func plan(_ request: PlanRequest, given path: String) throws -> FusionPlan {
    let network = try network(request.model)
    let planner = try planner(request)
    let file = try PlanFile.parse(text: text(at: path), path: path)
    try Self.check(file, path, of: network, planner)
    let indices = Dictionary(network.layers.indices.map { (network.layers[$0].name, $0) }) { first, _ in first
    }
    var taken: Set<Int> = []
    let kernels = try file.kernels.map { kernel in
      let layers = try kernel.layers.map { name throws(CommandFailure) in
        guard let index = indices[name] else {
          throw mismatch("\(path) has a layer '\(name)', and the network has none")
        }
        guard taken.insert(index).inserted else { throw mismatch("\(path) has '\(name)' twice") }
        return index
      }
      try network.checkKernel(layers, path)
      return (layers: layers, candidate: try planner.candidate(kernel, of: network.run(of: layers), path))
    }
    let computed = network.layers.indices.filter { !network.layers[$0].isOpaque && !taken.contains($0) }
    if !computed.isEmpty {
      warn("plan-partial", "\(path) has no kernel of \(computed.count) layers; they are left out")
    }
    return FusionPlan(
      network, given: kernels, on: planner.explorer.gpu, precision: planner.precision,
      axisOrder: planner.axisOrder, objective: planner.explorer.objective)
  }

  private static func check(
    _ file: PlanFile, _ path: String, of network: Network, _ planner: FusionPlanner
  ) throws(CommandFailure) {
    guard !file.kernels.isEmpty else { throw mismatch("\(path) has no kernels") }
    let facts = [
      ("network", file.network, network.name),
      ("number format", file.elementType, planner.precision.elementType.rawValue),
      ("layout", file.layout, MapLayout(planner.axisOrder).rawValue),
      ("batch", "\(file.batch)", "\(network.batch)"),
    ]
    for (what, found, wanted) in facts where found != wanted {
      throw mismatch("the \(what) of \(path) is \(found), and here it is \(wanted)")
    }
  }
}

private func mismatch(_ message: String) -> CommandFailure {
  CommandFailure("plan-mismatch", message, remedy: "plan this network, in this format, for this GPU")
}

extension Network {
  /// - Throws: `plan-mismatch` where one of `layers` does not read the one before, once, or another layer reads what stays
  ///   inside their kernel.
  fileprivate func checkKernel(_ layers: [Int], _ path: String) throws(CommandFailure) {
    if layers.count > Chain.maximumStages {
      throw mismatch("\(path) has a kernel of \(layers.count) layers, more than \(Chain.maximumStages)")
    }
    for (first, second) in zip(layers, layers.dropFirst()) {
      let reads = self.layers[second].inputs.count { $0 == .layer(first) }
      guard reads == 1, consumers(of: first) == [second] else {
        throw mismatch(
          "\(path) fuses '\(self.layers[first].name)' with '\(self.layers[second].name)', which is not the one that reads it, once"
        )
      }
    }
  }
}

extension FusionPlanner {
  /// The most computes of one block that are replayed, far beyond those of any plan.
  private static let computeLimit = 1 << 20
  /// The most of what a thread or block has, far beyond any GPU and so small that products do not overflow.
  private static let laneLimit = 1 << 12

  /// A file's kernel of `layers`.
  /// - Throws: `plan-mismatch` where it is illegal here, `limit-…` where it is too long.
  fileprivate func candidate(
    _ kernel: PlanFile.Kernel, of layers: [Layer], _ path: String
  ) throws(CommandFailure) -> TileCandidate {
    let names = kernel.layers.joined(separator: "', '")
    func failure(_ why: String) -> CommandFailure {
      mismatch("\(path): the kernel of '\(names)' is illegal here: \(why)")
    }
    let lanes = [
      ("threads", kernel.threads), ("channels a thread", kernel.channelsPerThread),
      ("pixels a thread", kernel.pixelsPerThread),
    ]
    for (what, count) in lanes where count > Self.laneLimit {
      throw failure("\(count) \(what), more than \(Self.laneLimit)")
    }
    guard let order = BlockOrder(rawValue: kernel.order) else { throw failure("no order '\(kernel.order)'") }
    do throws(ScheduleError) {
      let schedule = try Schedule(
        Chain(layers, precision: precision, axisOrder: axisOrder),
        tiling: Tiling(
          rows: kernel.rows, columns: kernel.columns, channels: kernel.channels, reduction: kernel.reduction),
        lanes: LaneMap(
          threads: kernel.threads, vectorWidth: kernel.vectorWidth, buffers: kernel.buffers,
          channelsPerThread: kernel.channelsPerThread, pixelsPerThread: kernel.pixelsPerThread,
          usesTensorCores: kernel.usesTensorCores, slidesWindows: kernel.slidesWindows,
          keepsSlots: kernel.keepsSlots), order: order)
      if schedule.mostComputes <= Self.computeLimit { return try explorer.candidate(schedule) }
    } catch {
      let known = CommandFailure(error)
      throw known.exit == .limit ? known : failure(known.message)
    }
    throw CommandFailure(
      "limit-replay", "\(path): a block of '\(names)' takes more than \(Self.computeLimit) steps",
      exit: .limit,
      remedy: "take larger chunks")
  }
}
