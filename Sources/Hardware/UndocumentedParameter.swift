import Workload

/// Something about a GPU's memory that its vendor does not document: a default, the range that is thinkable, and where both
/// come from. Results say how far they move over the range.
public struct UndocumentedParameter: Hashable, Sendable {
  /// The parameters, by the names that GPU files give them.
  public enum Name: String, Hashable, Sendable, CaseIterable, Comparable {
    /// Steps of a resident block before the next one's turn.
    case stepsPerTurn = "steps_per_turn"
    /// Shared memory that the driver sets up to give blocks twice what they need: none, or where two or more are resident and up
    /// to so many bytes.
    case carveOutDoubling = "carve_out_doubling_bytes"
    /// Whether a store puts its line in the L1.
    case l1StoreAllocation = "l1_store_allocation"
    /// Lines that a multiprocessor collects stores of before the L2.
    case storeMergeLines = "store_merge_lines"
    case l2SetHash = "l2_set_hash"
    case l2Slices = "l2_slices"
    case l2Replacement = "l2_replacement"
    case l2Partitions = "l2_partitions"
    case l2FetchGranularity = "l2_fetch_granularity_bytes"
    /// What becomes of sectors that are written in part.
    case partialWrites = "partial_writes"
    case dramAtom = "dram_atom_bytes"
    /// What a kernel's launch reads from DRAM beside data and machine code: parameters, constants, its description.
    case launchReads = "launch_read_bytes"

    /// The values there are; nil where they are integers in `bounds`.
    public var words: [String]? {
      switch self {
      case .l1StoreAllocation: ["no", "yes"]
      case .l2SetHash: ["linear", "xor", "ipoly"]
      case .l2Replacement: ["lru", "fifo", "tree-plru", "random"]
      case .l2Partitions: ["one", "through", "duplicated"]
      case .partialWrites: ["masked-write-back", "fetch-on-eviction", "fetch-on-write"]
      case .l2FetchGranularity, .dramAtom: ["32", "64", "128"]
      case .stepsPerTurn, .storeMergeLines, .l2Slices, .carveOutDoubling, .launchReads: nil
      }
    }

    public var bounds: ClosedRange<Int> {
      switch self {
      case .stepsPerTurn: 1...1_000_000
      case .storeMergeLines: 0...64
      case .carveOutDoubling, .launchReads: 0...1 << 20
      case .l2Slices: 1...512
      default: 0...0
      }
    }

    public static func < (a: Self, b: Self) -> Bool {
      (allCases.firstIndex(of: a) ?? 0) < (allCases.firstIndex(of: b) ?? 0)
    }
  }

  public let name: Name
  public let value: String
  /// Values to try; the default is one of them.
  public let range: [String]
  public let source: String

  public init(_ name: Name, _ value: String, range: [String], source: String) {
    self.name = name
    self.value = value
    self.range = range
    self.source = source
  }

  /// What is wrong with it, a sentence each.
  var findings: [String] {
    var findings: [String] = []
    for text in range + [value] {
      let isLegal =
        name.words?.contains(text) ?? Int(text).map { name.bounds.contains($0) && "\($0)" == text } ?? false
      let legal =
        name.words?.joined(separator: ", ")
        ?? "\(name.bounds.lowerBound) to \(name.bounds.upperBound)"
      if !isLegal { findings.append("The \(name.rawValue) '\(text)' is none of \(legal).") }
    }
    if !range.contains(value) { findings.append("The \(name.rawValue) '\(value)' is not in its own range.") }
    if Set(range).count != range.count {
      findings.append("The range of \(name.rawValue) names a value twice.")
    }
    return findings
  }

  /// What holds where a GPU's file says nothing: defaults that a planner's closed form shares, and every value the
  /// simulator knows as the range.
  public static let standard: [Self] = [
    Self(
      .stepsPerTurn, "1", range: ["1", "4", "1000000"],
      source:
        "no vendor documents the order in which resident blocks issue; from step by step to block by block"),
    Self(
      .carveOutDoubling, "0", range: ["0", "135168"],
      source:
        "NVIDIA documents carve-outs as hints; the H200's driver doubles up to 135168 B, others are not measured"
    ),
    Self(
      .l1StoreAllocation, "no", range: ["no", "yes"],
      source:
        "accel-sim's tested configurations allocate on L1 store misses; NVIDIA documents write-through only"),
    Self(
      .storeMergeLines, "0", range: ["0", "1", "4", "16"],
      source: "a public study finds about 31 % of store sectors merged before the L2; how is not documented"),
    Self(
      .l2SetHash, "linear", range: ["linear", "xor", "ipoly"],
      source: "accel-sim's tested configurations use linear and IPOLY (Rau, ISCA 1991)"),
    Self(
      .l2Slices, "1", range: ["1", "16", "32"],
      source: "accel-sim's tested configurations: two slices for each memory channel"),
    Self(
      .l2Replacement, "lru", range: ["lru", "fifo", "tree-plru", "random"],
      source: "accel-sim's tested configurations take LRU; NVIDIA documents none"),
    Self(.l2Partitions, "one", range: ["one"], source: "one partition"),
    Self(
      .l2FetchGranularity, "64", range: ["32", "64", "128"],
      source: "CUDA Runtime API: cudaLimitMaxL2FetchGranularity is a hint of up to 128 B"),
    Self(
      .partialWrites, "masked-write-back",
      range: ["masked-write-back", "fetch-on-eviction", "fetch-on-write"],
      source: "accel-sim's write-allocate policies (fetch on write, lazy fetch on read)"),
    Self(
      .dramAtom, "32", range: ["32", "64"],
      source: "JEDEC: a burst is 32 B with GDDR6, HBM2 and HBM3, 64 B with LPDDR5 of 32 bits"),
    Self(
      .launchReads, "0", range: ["0", "2176"],
      source: "an H200 reads 2176 B from a cold L2 beside data and machine code; others are not measured"),
  ]
}

extension GPU {
  /// The parameter of that name.
  public func undocumented(_ name: UndocumentedParameter.Name) -> UndocumentedParameter {
    if let parameter = undocumented.first(where: { $0.name == name }) { return parameter }
    let standard = UndocumentedParameter.standard.first { $0.name == name }
    guard let standard else { return UndocumentedParameter(name, "", range: [], source: "") }
    guard name == .l2FetchGranularity, !standard.range.contains("\(l2FetchGranularity)") else {
      let value = name == .l2FetchGranularity ? "\(l2FetchGranularity)" : standard.value
      return UndocumentedParameter(name, value, range: standard.range, source: standard.source)
    }
    return UndocumentedParameter(
      name, "\(l2FetchGranularity)", range: ["\(l2FetchGranularity)"], source: standard.source)
  }

  /// Whether the L2 may have two partitions. Chips that do also have a coalescer between multiprocessors and L2, which no
  /// vendor documents: the L2 of an H200 gets 15 to 35 % fewer reads of the L1s than they get answers.
  public var hasPartitionedL2: Bool { undocumented(.l2Partitions).range != ["one"] }

  /// The same GPU with what its file says of undocumented parameters; those that it does not name are standard.
  public func with(undocumented: [UndocumentedParameter]) throws(GPUError) -> GPU {
    var findings = undocumented.flatMap(\.findings)
    for parameter in undocumented where undocumented.filter({ $0.name == parameter.name }).count > 1 {
      findings.append("The \(parameter.name.rawValue) is there twice.")
    }
    for parameter in undocumented where parameter.name == .l2FetchGranularity {
      if parameter.value != "\(l2FetchGranularity)" {
        findings.append(
          "The L2 fetch granularity of \(l2FetchGranularity) B is not the default of its range.")
      }
      for text in parameter.range where l2.line.count % (Int(text) ?? 1) != 0 {
        findings.append("The L2 fetch granularity of \(text) B does not divide the line.")
      }
    }
    if !findings.isEmpty { throw GPUError(findings: findings) }
    var gpu = self
    gpu.undocumented = undocumented.sorted { $0.name < $1.name }
    return gpu
  }
}
