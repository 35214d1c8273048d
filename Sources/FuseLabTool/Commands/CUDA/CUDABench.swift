#if cuda
  import ArgumentParser
  import CUDAKernels
  import Fusion
  import KernelSources
  import ModelFiles
  import Scheduling
  import Verification
  import Workload

  struct CUDABench: FuseLabCommand {
    static let verb = "cuda-bench"
    static let configuration = CommandConfiguration(
      commandName: "bench", abstract: "Time each fused kernel of a plan beside its layers' own kernels.",
      discussion: CUDAHelp.bench)

    @OptionGroup var request: PlanRequest
    @OptionGroup var layers: LayersOption
    @OptionGroup var device: DeviceOptions
    @Option(help: ArgumentHelp("Runs before the first that counts (default 5).", valueName: "n"))
    var warmup = 5
    @Option(help: ArgumentHelp("Runs that count (default 20).", valueName: "n"))
    var runs = 20
    @OptionGroup(title: "Global options") var global: GlobalOptions

    func report(_ session: inout Session) throws -> Report {
      guard (0...100_000).contains(warmup), (1...100_000).contains(runs) else {
        throw CommandFailure.usage(
          "--warmup \(warmup) --runs \(runs)", remedy: "give 0 to 100000 and 1 to 100000")
      }
      let runner = try device.runner()
      let plan = try session.plan(request)
      try PlainOrder.require(request, plan)
      var candidates = plan.fusedGroups.compactMap { group in group.candidate.map { (group.layers, $0) } }
      if let range = try layers.range(in: plan.network) {
        candidates = [(Array(range), try session.candidate(of: range, plan))]
      }
      let bench = GroupBench(
        runner: runner, plan: plan, values: try session.values(of: plan, preset: .chain), warmUps: warmup,
        runs: runs)
      let progress = Progress("kernels", total: candidates.count, settings: session.settings)
      defer { progress.finish() }
      let rows = try candidates.map { layers, candidate in
        defer { progress.advance() }
        return try bench.row(layers, candidate.schedule)
      }
      let listing = TimingListing(rows: rows, plan: plan, warmUps: warmup, runs: runs)
      return Report(
        data: listing.json(device: try runner.json()), text: try runner.text() + listing.text(session.style),
        exit: rows.allSatisfy { $0.failure == nil } ? .success : .checkFailed)
    }
  }

  /// Times of one group of layers: as one kernel, and as one kernel a layer.
  struct GroupTiming {
    let layers: [Int]
    let schedule: Schedule
    /// Why nothing was timed.
    var failure: String?
    var fused: [TimingMethod.L2: KernelTiming] = [:]
    /// Empty where a layer has no kernel of its own.
    var unfused: [TimingMethod.L2: KernelTiming] = [:]

    /// Of the medians.
    func speedUp(_ l2: TimingMethod.L2) -> Double? {
      guard let fused = fused[l2], let unfused = unfused[l2], layers.count > 1 else { return nil }
      return unfused.median / fused.median
    }
  }

  struct GroupBench {
    let runner: DeviceRunner
    let plan: FusionPlan
    let values: NetworkValues
    let warmUps, runs: Int

    /// Nothing is timed before it is right.
    func row(_ layers: [Int], _ schedule: Schedule) throws -> GroupTiming {
      var row = GroupTiming(layers: layers, schedule: schedule)
      let fused = try sequence([(layers, schedule)])
      let alone = layers.compactMap { layer in plan.unfused[layer].map { ([layer], $0.schedule) } }
      let unfused = layers.count > 1 && alone.count == layers.count ? try sequence(alone) : nil
      for sequence in [fused, unfused].compactMap({ $0 }) {
        row.failure = row.failure ?? difference(sequence, last: layers[layers.count - 1], of: schedule.chain)
      }
      guard row.failure == nil else { return row }
      for l2 in TimingMethod.L2.allCases {
        let method = TimingMethod(l2: l2, warmUps: warmUps, runs: runs)
        row.fused[l2] = try fused.time(method)
        row.unfused[l2] = try unfused?.time(method)
      }
      return row
    }

    private func sequence(_ parts: [([Int], Schedule)]) throws -> DeviceSequence {
      DeviceSequence(
        try parts.map { layers, schedule in
          try runner.kernel(
            try KernelJob(
              schedule, parameters: layers.map { values.parameters[$0] },
              inputs: values.run.operands(ofRun: layers, in: values.network)))
        },
        joins: zip(parts, parts.dropFirst()).map { first, second in
          let read = values.network.layers[second.0[0]].inputs
          return read.firstIndex(of: .layer(first.0[first.0.count - 1])) ?? KernelJob.Pointers.input
        })
    }

    private func difference(_ sequence: DeviceSequence, last: Int, of chain: Chain) -> String? {
      switch runner.output(of: chain, { sequence }) {
      case .failure(let failure): failure.reason
      case .success(let output):
        values.run.outputs[last].firstDifference(from: output).map {
          "element \($0) differs from the reference"
        }
      }
    }
  }
#endif
