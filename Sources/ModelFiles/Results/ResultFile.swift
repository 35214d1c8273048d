/// What `fuselab simulate --json` or `plan --json` wrote, as `compare` reads it.
public struct ResultFile: Hashable, Sendable {
  /// The command that wrote it.
  public enum Kind: String, Hashable, Sendable { case simulate, plan }

  /// What a number is called elsewhere.
  public struct Counter: Hashable, Sendable {
    public let name, title: String
    /// NVIDIA's name; nil where hardware counts nothing of the kind.
    public let metric: String?
  }

  /// One kernel and its numbers.
  public struct Kernel: Hashable, Sendable {
    public let kind: String
    public let layers: [String]
    /// Threads of a block; nil where the kernel has no schedule.
    public let threads: Int?
    public let values: [String: Int]
    /// Of each tensor, in the words of the file: `ifm` → `sectors` → number.
    public let operands: [String: [String: Int]]
  }

  public let kind: Kind
  public let network, gpu, elementType: String
  public let counters: [Counter]
  public let kernels: [Kernel]
  /// Numbers of the whole network, by name.
  public let totals: [String: Int]

  /// Numbers of a launch that do not add up over kernels.
  private static let launchFacts: Set = [
    "resident_blocks", "shared_carve_out_bytes", "tail_basis_points", "wave_blocks", "whole_waves",
  ]

  /// The most kernels.
  public static let kernelLimit = 1 << 16

  /// - Throws: `result-schema` for files of other commands, `result-type`, `json-…`.
  public static func parse(text: String, path: String) throws(FileErrors) -> ResultFile {
    let (kind, data) = try envelope(text: text, path: path)
    return switch kind {
    case .simulate: try simulation(data)
    case .plan: try plan(data)
    }
  }

  /// Which command wrote the file, and what it wrote.
  static func envelope(text: String, path: String) throws(FileErrors) -> (Kind, JSONReading) {
    let root = try JSONReading.root(text: text, path: path)
    guard let schema = try? root.member("schema"), let name = try? schema.string,
      let kind = Kind(rawValue: String(name.dropFirst("fuselab.".utf8.count).prefix { $0 != "/" })),
      name == "fuselab.\(kind.rawValue)/1"
    else {
      throw root.failure(
        .resultSchema, "this is no result of fuselab simulate --json or plan --json",
        "write it with one of the two commands")
    }
    return (kind, try root.member("data"))
  }

  private static func simulation(_ data: JSONReading) throws(FileErrors) -> ResultFile {
    var counters: [Counter] = []
    for counter in try data.member("counters").items {
      counters.append(
        Counter(
          name: try counter.member("name").string, title: try counter.member("title").string,
          metric: try counter.optional("metric")?.string))
    }
    let kernels = try kernels(data.member("kernels")) { kernel throws(FileErrors) in
      let counted = try kernel.member("counters")
      var values = try numbers(counted)
      for counter in counters {
        let value = try counted.member(counter.name)
        if try value.int < 0 { throw value.failure(.resultType, "\(counter.name) is less than nothing") }
      }
      if let estimate = try kernel.optional("estimate") {
        for key in ["time_picoseconds", "energy_picojoules"] {
          values["estimated_" + key] = try estimate.optional(key)?.int
        }
      }
      return values
    }
    var totals: [String: Int] = [:]
    for kernel in kernels {
      for (name, value) in kernel.values where !launchFacts.contains(name) {
        let (sum, overflows) = (totals[name] ?? 0).addingReportingOverflow(value)
        totals[name] = overflows ? .max : sum
      }
    }
    return try ResultFile(.simulate, data, counters: counters, kernels: kernels, totals: totals)
  }

  private static func plan(_ data: JSONReading) throws(FileErrors) -> ResultFile {
    let kernels = try kernels(data.member("groups")) { group throws(FileErrors) in
      var values: [String: Int] = [:]
      for (key, value) in try group.members where isNumber(key) { values[key] = try value.int }
      return values
    }
    return try ResultFile(
      .plan, data, counters: [], kernels: kernels, totals: numbers(data.member("totals")))
  }

  private static func isNumber(_ key: String) -> Bool {
    ["_bytes", "_picoseconds", "_picojoules"].contains { key.hasSuffix($0) }
  }

  private static func kernels(
    _ list: JSONReading, _ values: (JSONReading) throws(FileErrors) -> [String: Int]
  ) throws(FileErrors) -> [Kernel] {
    let items = try list.items
    guard items.count <= kernelLimit else {
      throw list.failure(.limitRecord, "there are more than \(kernelLimit) kernels")
    }
    var kernels: [Kernel] = []
    for item in items {
      var layers: [String] = []
      for layer in try item.member("layers").items { layers.append(try layer.string) }
      var operands: [String: [String: Int]] = [:]
      if let tensors = try item.optional("operands") {
        for (name, tensor) in try tensors.members { operands[name] = try numbers(tensor) }
      }
      kernels.append(
        Kernel(
          kind: try item.member("kind").string, layers: layers,
          threads: try item.optional("schedule")?.optional("threads")?.int, values: try values(item),
          operands: operands))
    }
    return kernels
  }

  /// The whole numbers of an object, whatever else it holds.
  private static func numbers(_ object: JSONReading) throws(FileErrors) -> [String: Int] {
    var numbers: [String: Int] = [:]
    for (key, value) in try object.members {
      guard case .number = value.value.kind else { continue }
      numbers[key] = try value.int
    }
    return numbers
  }

  private init(
    _ kind: Kind, _ data: JSONReading, counters: [Counter], kernels: [Kernel], totals: [String: Int]
  ) throws(FileErrors) {
    self.kind = kind
    network = try data.member("network").string
    gpu = try data.member("gpu").string
    elementType = try data.member("element_type").string
    self.counters = counters
    self.kernels = kernels
    self.totals = totals
  }
}
