import Workload

/// Times of kernels on a GPU: what `fuselab cuda bench --json` prints, or the `results.json` of a bundle's `run.py`.
public struct BenchFile: Hashable, Sendable {
  /// One kernel, timed from a cold L2.
  public struct Kernel: Hashable, Sendable {
    public let kind: String
    public let layers: [String]
    /// Every run.
    public let microseconds: [Double]
    /// What the kernel does, by name.
    public let work: [String: Int]

    /// The middle run; of two middles the mean.
    public var median: Double {
      let sorted = microseconds.sorted()
      let middle = sorted.count / 2
      return sorted.count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
    }
  }

  /// The command that wrote the file, e.g. `fuselab cuda bench`.
  public let command: String
  /// The GPU's own name, and its driver, e.g. `13.0`.
  public let device, driver: String
  /// Id of the GPU that the kernels were planned for.
  public let plannedFor: String
  public let network: String
  public let elementType: ElementType
  public let kernels: [Kernel]

  /// The most kernels, and runs of one.
  public static let kernelLimit = 1 << 16, runLimit = 1 << 20

  /// - Throws: `bench-format` for other files, `bench-work` where kernels lack what they do, `result-type`, `json-…`.
  public static func parse(text: String, path: String) throws(FileErrors) -> BenchFile {
    let root = try JSONReading.root(text: text, path: path)
    if let schema = try root.optional("schema") {
      guard try schema.string == "fuselab.cuda-bench/1" else { throw unknown(root) }
      return try benchCommand(root.member("data"))
    }
    guard let bench = try root.optional("bench"), let device = try root.optional("device") else {
      throw unknown(root)
    }
    return try script(device, bench)
  }

  private static func unknown(_ root: JSONReading) -> FileErrors {
    root.failure(
      .benchFormat, "this is no result of fuselab cuda bench --json or of a bundle's run.py",
      "write it with one of the two")
  }

  private static func benchCommand(_ data: JSONReading) throws(FileErrors) -> BenchFile {
    var kernels: [Kernel] = []
    let rows = try list(data.member("kernels"))
    for row in rows where try row.optional("failure") == nil {
      guard let cold = try row.member("fused").optional("cold_l2") else { continue }
      kernels.append(try kernel(row, cold))
    }
    let device = try data.member("device")
    return BenchFile(
      command: "fuselab cuda bench", device: try device.member("name").string,
      driver: driver(try device.member("driver").int), plannedFor: try data.member("gpu").string,
      network: try data.member("network").string, elementType: try elementType(data), kernels: kernels)
  }

  private static func script(_ device: JSONReading, _ bench: JSONReading) throws(FileErrors) -> BenchFile {
    var kernels: [Kernel] = []
    for row in try list(bench) where try row.optional("failure") == nil {
      guard let l2 = try row.optional("l2"), try l2.string == "cold" else { continue }
      kernels.append(try kernel(row, row))
    }
    return BenchFile(
      command: "run.py of a bundle", device: try device.member("device").string,
      driver: driver(try device.member("driver").int), plannedFor: try device.member("planned_for").string,
      network: try device.member("network").string, elementType: try elementType(device), kernels: kernels)
  }

  private static func list(_ value: JSONReading) throws(FileErrors) -> [JSONReading] {
    let items = try value.items
    guard items.count <= kernelLimit else {
      throw value.failure(.limitRecord, "there are more than \(kernelLimit) kernels")
    }
    return items
  }

  private static func kernel(_ row: JSONReading, _ timing: JSONReading) throws(FileErrors) -> Kernel {
    guard let work = try row.optional("work"), !(try work.members.isEmpty) else {
      throw row.failure(
        .benchWork, "the kernel does not say what it does", "time it again with this version of fuselab")
    }
    var counts: [String: Int] = [:]
    for (name, value) in try work.members { counts[name] = try value.int }
    let runs = try timing.member("microseconds")
    var times: [Double] = []
    for run in try runs.items {
      let time = try run.double
      guard time > 0, time < 1e9 else {
        throw run.failure(.resultType, "a time in microseconds should stand here")
      }
      times.append(time)
    }
    guard (1...runLimit).contains(times.count) else {
      throw runs.failure(.resultType, "times should stand here")
    }
    var layers: [String] = []
    if let names = try row.optional("layers") {
      for name in try names.items { layers.append(try name.string) }
    }
    return Kernel(
      kind: try row.member("kind").string, layers: layers, microseconds: times, work: counts)
  }

  private static func elementType(_ object: JSONReading) throws(FileErrors) -> ElementType {
    let value = try object.member("element_type")
    guard let type = ElementType(rawValue: try value.string) else {
      throw value.failure(.resultType, "fp32 or int8 should stand here")
    }
    return type
  }

  /// `13000` is 13.0.
  private static func driver(_ version: Int) -> String { "\(version / 1000).\(version % 1000 / 10)" }
}
