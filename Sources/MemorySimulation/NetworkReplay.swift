import ConcurrentMap
import Hardware
import Scheduling
import Workload

/// What becomes of the L2 between the kernels of a network.
public enum L2BetweenKernels: String, Hashable, Sendable, CaseIterable {
  /// Each kernel starts with an empty L2 and flushes it: what a profiler sees that clears caches before each kernel.
  case cold
  /// It stays as it is, dirty sectors included: what a program sees.
  case warm
  /// Dirty sectors are written when a kernel ends, and stay, clean.
  case flushed
}

/// The kernels of a network, one after the other.
public struct NetworkReplay: Sendable {
  /// A kernel and the network's layers that it computes, its output's last.
  public struct Kernel: Sendable {
    public let layers: [Int]
    /// Where its feature maps come from, in the order of `Chain.inputs`.
    public let inputs: [TensorReference]
    public let schedule: Schedule
    public let facts: LaunchFacts

    public init(
      layers: [Int], inputs: [TensorReference], schedule: Schedule, facts: LaunchFacts = LaunchFacts()
    ) {
      precondition(inputs.count == schedule.chain.inputs.count)
      self.layers = layers
      self.inputs = inputs
      self.schedule = schedule
      self.facts = facts
    }
  }

  public let kernels: [Kernel]
  public let gpu: GPU
  public let parameters: SimulationParameters

  public init(_ kernels: [Kernel], on gpu: GPU, parameters: SimulationParameters? = nil) {
    self.kernels = kernels
    self.gpu = gpu
    self.parameters = parameters ?? SimulationParameters(of: gpu)
  }

  /// Where each kernel's tensors lie: each feature map and each constant of the network has a place of its own, in the
  /// order of first use, so that a map that one kernel writes is where the next one reads it. Memory is never used again.
  public func placements() -> [DataPlacement] {
    var maps: [TensorReference: Bytes] = [:]
    var next = Bytes.zero
    return kernels.map { kernel in
      let chain = kernel.schedule.chain
      let output = TensorReference.layer(kernel.layers.last ?? 0)
      var placed: [Operand: Bytes] = [:]
      for (operand, source) in zip(chain.inputs, kernel.inputs) { placed[operand] = maps[source] }
      placed[.ofm] = maps[output]
      let placement = DataPlacement(of: chain, from: next, placed: placed)
      next = placement.end
      for (operand, source) in zip(chain.inputs, kernel.inputs) { maps[source] = placement.bases[operand] }
      maps[output] = placement.bases[.ofm]
      return placement
    }
  }

  /// The traffic of each kernel. No result depends on `threads`: kernels that start cold run side by side, the others one after
  /// the other; what does not ask the L2 runs beside them.
  /// - Parameters:
  ///   - countsRounds: Whether `KernelTraffic.rounds` is filled.
  ///   - advance: Called after each kernel, from any thread.
  public func run(
    _ between: L2BetweenKernels, threads: Int, countsRounds: Bool = false,
    advance: @escaping @Sendable () -> Void = {}
  ) -> [KernelTraffic] {
    let placements = placements()
    let replays = zip(kernels, placements).map { kernel, placement in
      var replay = KernelReplay(
        kernel.schedule, on: gpu, parameters: parameters, placement: between == .cold ? nil : placement,
        facts: kernel.facts)
      replay.countsRounds = countsRounds
      return replay
    }
    // Long work first: the replays, and those of the most accesses first, so that no thread waits for one at the end.
    let replayTasks =
      between == .cold
      ? Self.longestFirst(replays).map { Task.replay([$0]) }
      : [.replay(Array(replays.indices))]
    let tasks = replayTasks + replays.indices.map { .sharedMemory($0) }
    let results = concurrentMap(count: tasks.count, threads: threads) { number -> Result in
      switch tasks[number] {
      case .sharedMemory(let index): return .sharedMemory(index, SharedMemoryBooks(replays[index].schedule))
      case .replay(let indices):
        var l2 = L2State(of: gpu, parameters: parameters)
        let traffic = indices.map { index in
          defer { advance() }
          return between == .cold
            ? replays[index].runGlobalMemory()
            : replays[index].runGlobalMemory(from: &l2, flushing: between == .flushed)
        }
        return .replay(Array(zip(indices, traffic)))
      }
    }
    return Self.joined(results, count: replays.count)
  }

  /// What one thread does at a time.
  private enum Task {
    /// Kernels, one after the other.
    case replay([Int])
    case sharedMemory(Int)
  }

  private enum Result {
    case replay([(Int, KernelTraffic)])
    case sharedMemory(Int, SharedMemoryBooks)
  }

  private static func joined(_ results: [Result], count: Int) -> [KernelTraffic] {
    var traffic: [KernelTraffic?] = Array(repeating: nil, count: count)
    for case .replay(let kernels) in results {
      for (index, kernel) in kernels { traffic[index] = kernel }
    }
    for case .sharedMemory(let index, let books) in results { traffic[index]?.add(books) }
    return traffic.compactMap { $0 }
  }

  /// By the elements that their blocks load and store.
  private static func longestFirst(_ replays: [KernelReplay]) -> [Int] {
    let work = replays.map { replay in
      let (schedule, chain) = (replay.schedule, replay.schedule.chain)
      let maps = chain.inputs.reduce(0) { $0 + chain.elements(of: $1) }
      return maps * schedule.channelTiles + chain.elements(of: .ofm)
    }
    return replays.indices.sorted { (work[$0], $1) > (work[$1], $0) }
  }
}
