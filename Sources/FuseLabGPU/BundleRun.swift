import CUDAKernels
import Glibc
import KernelBundles
import KernelSources
import Workload

/// A bundle on a GPU.
struct BundleRun {
  private let arguments: Arguments
  private let folder: BundleFolder
  private let device: CUDADevice
  private let compiler: RuntimeCompiler
  private let cache = KernelCache.standard

  /// - Throws: `BundleError`, `CUDAError`.
  init(_ arguments: Arguments) throws {
    self.arguments = arguments
    folder = try BundleFolder(arguments.bundle)
    func variable(_ name: String) -> String? {
      getenv(name).map { String(cString: $0) }.flatMap { $0.isEmpty ? nil : $0 }
    }
    device = try CUDADevice(driver: variable("FUSELAB_CUDA_DRIVER"), ordinal: arguments.device)
    compiler = try RuntimeCompiler(path: variable("FUSELAB_NVRTC"))
  }

  /// Whether all is right.
  func perform() throws -> Bool {
    let entries = folder.manifest.kernels.filter { arguments.kernel == nil || $0.id == arguments.kernel }
    guard !entries.isEmpty else {
      throw BundleError.malformed(line: 1, "there is no kernel '\(arguments.kernel ?? "")'")
    }
    try describe()
    switch arguments.verb {
    case .check:
      let passes = try entries.map { try report($0, check([$0])) }.allSatisfy { $0 }
      if !arguments.json {
        Console.say(passes ? "all \(entries.count) kernels equal\n" : "NOT all kernels are right\n")
      }
      return passes
    case .bench:
      return try entries.map(bench).allSatisfy { $0 }
    case .launch:
      let kernels = try entries.map { try sequence([$0]) }
      for _ in 0..<arguments.runs {
        for kernel in kernels { try kernel.launch() }
      }
      return true
    }
  }

  /// A kernel takes the output of the one before where its own tensor is just what that one must make.
  private func sequence(_ entries: [BundleEntry]) throws -> DeviceSequence {
    DeviceSequence(
      try entries.map { entry in
        try DeviceKernel(try folder.job(of: entry), on: device, compiler: compiler, cache: cache)
      },
      joins: zip(entries, entries.dropFirst()).map { first, second in
        second.operands.first { $0.tensor == first.expected }?.pointer ?? KernelJob.Pointers.input
      })
  }

  /// Nil where the last kernel's output is what is expected.
  private func check(_ entries: [BundleEntry]) throws -> String? {
    let last = entries[entries.count - 1]
    let type: ElementType = folder.manifest.title.elementType == "fp32" ? .fp32 : .int8
    switch try sequence(entries).output() {
    case .wroteOutside: return "it writes beside its output"
    case .unwritten(let byte): return "two runs differ: byte \(byte) is not always written"
    case .bytes(let bytes):
      let expected = OperandBytes.values(try folder.expected(of: last), type)
      return expected.firstDifference(from: OperandBytes.values(bytes, type)).map { "element \($0) differs" }
    }
  }

  private func report(_ entry: BundleEntry, _ failure: String?) throws -> Bool {
    let job = try folder.job(of: entry)
    let kernel = try DeviceKernel(job, on: device, compiler: compiler, cache: cache)
    let (registers, local) = try kernel.resources()
    var places: [(String, JSONWord)] = []
    if arguments.places {
      let found = try BlockPlaces(of: job, on: device, compiler: compiler, cache: cache)
      places = [("multiprocessor_of_block", Self.list(found.multiprocessors))]
    }
    line(
      text: "\(entry.id)  \(entry.kind)  \(entry.layers.joined(separator: " + "))  \(registers) registers  "
        + (failure ?? "equal, \(entry.expected.bytes) bytes"),
      json: places + [
        ("kernel", .text(entry.id)), ("kind", .text(entry.kind)),
        ("equal", .raw(failure == nil ? "true" : "false")),
        ("failure", failure.map(JSONWord.text) ?? .raw("null")), ("bytes", .raw("\(entry.expected.bytes)")),
        ("registers", .raw("\(registers)")), ("local_bytes", .raw("\(local)")),
        ("code_bytes", .raw(kernel.codeBytes.map { "\($0)" } ?? "null")), ("layers", .list(entry.layers)),
      ])
    return failure == nil
  }

  /// Nothing is timed before it is right.
  private func bench(_ entry: BundleEntry) throws -> Bool {
    let parts = folder.manifest.comparisons.first { $0.fused == entry.id }?.alone ?? []
    let alone = parts.compactMap { id in folder.manifest.kernels.first { $0.id == id } }
    let failure = try check([entry]) ?? (alone.isEmpty ? nil : try check(alone))
    if let failure { return try report(entry, failure) }
    for l2 in TimingMethod.L2.allCases {
      let method = TimingMethod(l2: l2, warmUps: arguments.warmUps, runs: arguments.runs)
      let fused = try sequence([entry]).time(method)
      let layers = alone.isEmpty ? nil : try sequence(alone).time(method)
      let ratio = layers.map { $0.median / fused.median }
      line(
        text: "\(entry.id)  \(entry.kind)  \(l2)  \(Self.decimals(fused.median)) us"
          + (layers.map { ", its layers \(Self.decimals($0.median)) us, ratio \(Self.decimals(ratio ?? 0))" }
            ?? ""),
        json: [
          ("kernel", .text(entry.id)), ("kind", .text(entry.kind)), ("l2", .text("\(l2)")),
          ("microseconds", Self.list(fused.microseconds)), ("median_us", .raw("\(fused.median)")),
          ("layers_median_us", .raw(layers.map { "\($0.median)" } ?? "null")),
          ("layers_microseconds", layers.map { Self.list($0.microseconds) } ?? .raw("null")),
          ("passes", .raw("\(fused.passes)")), ("copies", .raw("\(fused.copies)")),
          ("layers", .list(entry.layers)),
          ("work", .raw(JSONWord.object(entry.work.map { ($0.name, .raw("\($0.value)")) }))),
          ("schedule", .raw(entry.schedule ?? "null")),
        ])
    }
    return true
  }

  private func describe() throws {
    let title = folder.manifest.title
    let version = device.driverVersion
    line(
      text:
        "\(title.network) \(title.elementType), batch \(title.batch), planned for \(title.gpu)\n\(device.name), "
        + "sm_\(device.architecture), CUDA driver \(version / 1000).\(version % 1000 / 10), "
        + "NVRTC \(compiler.version.major).\(compiler.version.minor)",
      json: [
        ("network", .text(title.network)), ("element_type", .text(title.elementType)),
        ("batch", .raw("\(title.batch)")), ("planned_for", .text(title.gpu)), ("device", .text(device.name)),
        ("architecture", .raw("\(device.architecture)")), ("driver", .raw("\(version)")),
        ("nvrtc", .text("\(compiler.version.major).\(compiler.version.minor)")),
        ("multiprocessors", .raw("\(try device.attribute(.multiprocessors))")),
        ("clock_khz", .raw("\(try device.attribute(.clockKilohertz))")),
        ("memory_clock_khz", .raw("\(try device.attribute(.memoryClockKilohertz))")),
        ("l2_bytes", .raw("\(try device.attribute(.l2Bytes))")),
        ("warm_ups", .raw("\(arguments.warmUps)")), ("runs", .raw("\(arguments.runs)")),
      ])
  }

  private func line(text: String, json: [(String, JSONWord)]) {
    Console.say((arguments.json ? JSONWord.object(json) : text) + "\n")
  }

  private static func list(_ values: [some CustomStringConvertible]) -> JSONWord {
    .raw("[" + values.map { "\($0)" }.joined(separator: ", ") + "]")
  }

  private static func decimals(_ value: Double) -> String {
    let hundredths = Int((value * 100).rounded())
    return "\(hundredths / 100).\(hundredths % 100 < 10 ? "0" : "")\(hundredths % 100)"
  }
}

/// A value of a JSON object.
enum JSONWord {
  case text(String)
  /// Numbers, booleans, lists.
  case raw(String)

  static func list(_ words: [String]) -> JSONWord {
    .raw("[" + words.map(quoted).joined(separator: ", ") + "]")
  }

  static func object(_ members: [(String, JSONWord)]) -> String {
    "{" + members.map { quoted($0.0) + ": " + $0.1.json }.joined(separator: ", ") + "}"
  }

  private var json: String {
    switch self {
    case .text(let text): Self.quoted(text)
    case .raw(let text): text
    }
  }

  private static func quoted(_ text: String) -> String {
    "\"" + text.unicodeScalars.map { $0.value < 32 || $0 == "\"" || $0 == "\\" ? "_" : String($0) }.joined()
      + "\""
  }
}
