import ModelFiles

/// A simulation beside what Nsight Compute measured of the same kernels, joined by NVIDIA's metric names.
public struct ProfileComparison: Sendable {
  /// One counter over all kernels that were measured.
  public struct Row: Sendable {
    public let counter: ResultFile.Counter
    public let level: Level
    public let error: CounterError
    /// Machine code that the predictions contain, and what launches read.
    public let codeBytes, launchBytes: Int
  }

  public let result: ResultFile
  /// In the order of the result's counters: from the launch down to DRAM.
  public let rows: [Row]
  /// Kernels of the result that were measured, and how often each.
  public let measuredKernels: Int
  public let repeats: ClosedRange<Int>
  /// Launches of the profile that are no kernel of the result.
  public let unmatched: Int
  /// Kernels that were measured and keep something in local memory. That goes through the caches to DRAM as global memory
  /// does, and no schedule knows of it, so they are left out of the counters of L2 and DRAM.
  public let spilling: Int

  /// - Parameter code: What the compiler made of the kernels. What a profiler counts among DRAM's reads is data, machine code and
  ///   what the launch itself reads.
  /// - Throws: `ProfileError` where nothing can be joined.
  public init(_ result: ResultFile, _ profile: NCUFile, code: CodeFile? = nil) throws(ProfileError) {
    guard result.kind == .simulate else { throw .noSimulation }
    let launches = try Self.assign(profile, to: result)
    let matched = launches.filter { !$0.isEmpty }
    guard !matched.isEmpty else {
      throw .noKernelMatches(expected: Self.name(result.kernels.first, of: result))
    }
    self.result = result
    measuredKernels = matched.count
    let counts = matched.map(\.count)
    repeats = (counts.min() ?? 0)...(counts.max() ?? 0)
    unmatched = profile.kernels.count - counts.reduce(0, +)
    let spills = result.kernels.map { code?.spilling.contains($0.layers) ?? false }
    spilling = zip(spills, launches).count { $0 && !$1.isEmpty }
    rows = result.counters.compactMap { counter in
      guard let metric = counter.metric else { return nil }
      let isBeyondL1 = Level(metric: metric) >= .l2
      var pairs: [CounterError.Pair] = []
      var (codeBytes, launchBytes) = (0, 0)
      for (index, kernel) in result.kernels.enumerated() where !(isBeyondL1 && spills[index]) {
        let measured = launches[index].compactMap { profile.kernels[$0].metrics[metric] }
        guard let predicted = kernel.values[counter.name], !measured.isEmpty else { continue }
        let isDRAMRead = metric == Self.dramReads
        let read = isDRAMRead ? code?.bytes[kernel.layers] ?? 0 : 0
        let launch = isDRAMRead ? Self.launchReads(of: kernel) : 0
        codeBytes += read
        launchBytes += launch
        pairs.append(
          CounterError.Pair(
            kernel: index, predicted: Double(predicted) + Double(read) + Double(launch), measured: measured))
      }
      return pairs.isEmpty
        ? nil
        : Row(
          counter: counter, level: Level(metric: metric), error: CounterError(pairs), codeBytes: codeBytes,
          launchBytes: launchBytes)
    }
    guard !rows.isEmpty else { throw .noMetricMatches(result.counters.compactMap(\.metric)) }
  }

  private static let dramReads = "dram__bytes_read.sum"

  /// As many as the parameter may be, whatever the file says, so that sums do not overflow.
  private static func launchReads(of kernel: ResultFile.Kernel) -> Int {
    min(max(kernel.values["dram_launch_read_bytes"] ?? 0, 0), 1 << 20)
  }

  /// The launches of each kernel. A launch belongs to a kernel of its name, grid and block; where several kernels are alike,
  /// they take turns, so that a profile of several whole runs gives each its repeats.
  /// - Throws: `.uneven` where kernels that are alike have no equal share, for then no one knows whose a launch is.
  private static func assign(_ profile: NCUFile, to result: ResultFile) throws(ProfileError) -> [[Int]] {
    struct Key: Hashable {
      let name: String
      let blocks, threads: Int?
    }
    var kernels: [Key: [Int]] = [:]
    let hasSizes = profile.kernels.contains { $0.blocks != nil }
    for (index, kernel) in result.kernels.enumerated() {
      let key = Key(
        name: name(kernel, of: result) ?? "", blocks: hasSizes ? kernel.values["grid_blocks"] : nil,
        threads: hasSizes ? kernel.threads : nil)
      kernels[key, default: []].append(index)
    }
    var turns: [Key: Int] = [:]
    var launches = [[Int]](repeating: [], count: result.kernels.count)
    for (index, launch) in profile.kernels.enumerated() {
      let key = Key(name: plainName(launch.name), blocks: launch.blocks, threads: launch.threads)
      guard let alike = kernels[key] else { continue }
      launches[alike[turns[key, default: 0] % alike.count]].append(index)
      turns[key, default: 0] += 1
    }
    for kernel in result.kernels.indices {
      guard let (key, alike) = kernels.first(where: { $0.value.first == kernel }) else { continue }
      let count = turns[key] ?? 0
      if count % alike.count != 0 {
        throw .uneven(kernel: key.name, blocks: key.blocks, launches: count, kernels: alike.count)
      }
    }
    return launches
  }

  /// `fcm_pw_int8`: the name of the kernel in compiled code, without the mode of requantization.
  private static func name(_ kernel: ResultFile.Kernel?, of result: ResultFile) -> String? {
    kernel.map { "fcm_\($0.kind)_\(result.elementType)" }
  }

  private static func plainName(_ name: String) -> String {
    for mode in ["_onnx", "_tflite"] where name.hasSuffix(mode) {
      return String(name.dropLast(mode.utf8.count))
    }
    return name
  }
}

/// Why a profile cannot be laid beside a result.
public enum ProfileError: Error, Hashable, Sendable {
  case noSimulation
  case noKernelMatches(expected: String?)
  case noMetricMatches([String])
  case uneven(kernel: String, blocks: Int?, launches: Int, kernels: Int)

  public var code: String {
    switch self {
    case .noSimulation: "ncu-needs-simulation"
    case .noKernelMatches: "ncu-no-kernel"
    case .noMetricMatches: "ncu-no-metric"
    case .uneven: "ncu-uneven"
    }
  }
}

extension ProfileError: CustomStringConvertible {
  public var description: String {
    switch self {
    case .noSimulation: "A profile is compared with a simulation, not with a plan."
    case .noKernelMatches(let expected):
      "No launch of the profile has the name, grid and block of a kernel of the result"
        + (expected.map { ", such as '\($0)'." } ?? ".")
    case .uneven(let kernel, let blocks, let launches, let kernels):
      "The profile has \(launches) launches of '\(kernel)'"
        + (blocks.map { " with \($0) blocks" } ?? "")
        + ", and the result \(kernels) kernels of that name and size: which launch is whose cannot be told. "
        + "Profile whole runs, or simulate only the layers that were profiled (--layers)."
    case .noMetricMatches(let metrics):
      "The profile has none of the metrics of the result. Measure them with --metrics "
        + metrics.prefix(3).joined(separator: ",") + ",…"
    }
  }
}

/// Where in the memory hierarchy a counter counts, from the cause to the effect.
public enum Level: String, Hashable, Sendable, CaseIterable, Comparable {
  case launch, instructions, shared, l1, l2, dram

  public init(metric: String) {
    switch metric {
    case _ where metric.hasPrefix("launch__"): self = .launch
    case _ where metric.hasPrefix("smsp__"): self = .instructions
    case _ where metric.contains("mem_shared"): self = .shared
    // What the L1s get of the L2.
    case _ where metric.hasPrefix("l1tex__m_"): self = .l2
    case _ where metric.hasPrefix("l1tex__"): self = .l1
    case _ where metric.hasPrefix("lts__"): self = .l2
    default: self = .dram
    }
  }

  public static func < (a: Level, b: Level) -> Bool {
    (allCases.firstIndex(of: a) ?? 0) < (allCases.firstIndex(of: b) ?? 0)
  }
}
