import Hardware
import Workload

/// A GPU read from one of FusePlanner's hardware files (`SMs::22`, `L1::96`, `shmem::64`, `warp_size::32`;
/// sizes in KB). They hold four facts; the others come from a built-in GPU.
public struct FusePlannerGPU: Hashable, Sendable {
  public let gpu: GPU
  /// Id of the built-in GPU that the other facts are from.
  public let base: String
  /// What was taken from where, and what looks wrong.
  public let warnings: [Diagnostic]

  /// - Parameter base: the GPU that supplies what the file lacks; by default the built-in with the same L1 and
  ///   shared memory whose name is in the file's name, else whose multiprocessors are nearest.
  public static func parse(text: String, path: String, base: GPU? = nil) throws(FileErrors) -> FusePlannerGPU
  {
    let source = SourceText(path: path, text: text)
    let facts = try FusePlannerFacts(source)
    guard facts.sharedMemory >= 1, facts.sharedMemory < facts.l1 else {
      throw FileErrors(facts.noRoom(source))
    }
    let base = base ?? nearest(to: facts, path: path)
    guard let base else {
      throw FileErrors(
        source.diagnostic(
          .hardwareSyntax, "no built-in GPU resembles this one",
          remedy: "name the one that supplies the missing facts"))
    }
    var warnings = [
      source.diagnostic(
        .hardwareAssumption, severity: .warning,
        "multiprocessors, L1, shared memory and warp size are from this file; clocks, L2, DRAM, registers, "
          + "limits and cache geometry are those of \(base.id)")
    ]
    if facts.multiprocessors != base.multiprocessors, let line = facts.lines["SMs"] {
      warnings.append(
        source.diagnostic(
          .hardwareAssumption, severity: .warning,
          "the file says \(facts.multiprocessors) multiprocessors; the \(base.name) has \(base.multiprocessors)",
          remedy: "the file's number is used: correct it unless it is meant", line: line, column: 6,
          length: "\(facts.multiprocessors)".count))
    }
    do {
      let gpu = try facts.gpu(id: identifier(ModelSource.stem(of: path)), base: base)
      return FusePlannerGPU(gpu: gpu, base: base.id, warnings: warnings)
    } catch {
      throw FileErrors(
        error.findings.map { source.diagnostic(.gpuInconsistent, $0.droppingFullStop) })
    }
  }

  private static func nearest(to facts: FusePlannerFacts, path: String) -> GPU? {
    let gpus = BuiltIn.gpus.compactMap { BuiltIn.gpu(named: $0) }
    let alike = gpus.filter {
      $0.unifiedL1.count == facts.l1 * 1024 && $0.largestCarveOut.count == facts.sharedMemory * 1024
    }
    let stem = identifier(ModelSource.stem(of: path)).filter { $0 != "_" }
    let named = alike.filter { gpu in
      let id = gpu.id.filter { $0 != "_" }
      return !stem.isEmpty && (id.contains(stem) || stem.contains(id))
    }
    return (named.isEmpty ? alike : named).min {
      abs($0.multiprocessors - facts.multiprocessors) < abs($1.multiprocessors - facts.multiprocessors)
    }
  }

  /// Lower-case letters, digits and underscores of `text`.
  private static func identifier(_ text: String) -> String {
    let kept = text.lowercased().unicodeScalars.map { scalar in
      ("a"..."z").contains(scalar) || ("0"..."9").contains(scalar) ? Character(scalar) : "_"
    }
    return String(kept.prefix(40))
  }
}

/// The four facts of the file. Sizes in KB (1024 B).
private struct FusePlannerFacts {
  static let keys = ["SMs", "L1", "shmem", "warp_size"]

  let multiprocessors, l1, sharedMemory, warpSize: Int
  /// The line of each fact, from 1.
  let lines: [String: Int]

  init(_ source: SourceText) throws(FileErrors) {
    var values: [String: Int] = [:]
    var lines: [String: Int] = [:]
    var errors: [Diagnostic] = []
    for (index, scalars) in source.lines.enumerated() where !scalars.allSatisfy({ $0 == " " || $0 == "\t" }) {
      var text = String.UnicodeScalarView()
      text.append(contentsOf: scalars)
      func fail(_ message: String, _ remedy: String?) {
        errors.append(
          source.diagnostic(
            .hardwareSyntax, message, remedy: remedy, line: index + 1, column: 1, length: scalars.count))
      }
      guard let (key, value) = Self.split(String(text)) else {
        fail("the line is not of the form key::number", "write for example SMs::22")
        continue
      }
      guard Self.keys.contains(key) else {
        fail("unknown key '\(sanitised(key, limit: 40))'", DidYouMean.question(for: key, among: Self.keys))
        continue
      }
      if values.updateValue(value, forKey: key) != nil { fail("the key '\(key)' stands twice", "keep one") }
      lines[key] = index + 1
    }
    for key in Self.keys where values[key] == nil && errors.isEmpty {
      errors.append(source.diagnostic(.missingKey, "the file has no '\(key)'", remedy: "add \(key)::…"))
    }
    guard errors.isEmpty, let multiprocessors = values["SMs"], let l1 = values["L1"],
      let sharedMemory = values["shmem"], let warpSize = values["warp_size"]
    else { throw FileErrors(errors) }
    self.multiprocessors = multiprocessors
    self.l1 = l1
    self.sharedMemory = sharedMemory
    self.warpSize = warpSize
    self.lines = lines
  }

  /// Shared memory is a part of L1 that leaves a rest: no GPU resembles one where it does not.
  func noRoom(_ source: SourceText) -> Diagnostic {
    source.diagnostic(
      .gpuInconsistent, "shared memory of \(sharedMemory) KB is no part of an L1 of \(l1) KB",
      remedy: "give at least 1 KB, and less than L1", line: lines["shmem"] ?? 1, column: 8,
      length: "\(sharedMemory)".count)
  }

  /// `key::number`, the number of at most nine digits and without leading zeros.
  private static func split(_ line: String) -> (key: String, value: Int)? {
    guard let separator = line.firstRange(of: "::") else { return nil }
    let digits = line[separator.upperBound...].filter { $0 != " " && $0 != "\t" }
    guard (1...9).contains(digits.utf8.count), digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
      digits.utf8.count == 1 || digits.utf8.first != UInt8(ascii: "0"),
      let value = Int(digits)
    else { return nil }
    return (line[..<separator.lowerBound].filter { $0 != " " && $0 != "\t" }, value)
  }

  func gpu(id: String, base: GPU) throws(GPUError) -> GPU {
    let largest = Bytes(sharedMemory * 1024)
    var carveOuts = base.sharedMemoryCarveOuts.filter { $0 < largest }
    carveOuts.append(largest)
    let perBlock = min(base.sharedMemoryPerBlock, largest - base.sharedMemoryReservedPerBlock)
    return try GPU(
      id: id, name: "\(base.name) as in \(id)", computeCapability: base.computeCapability,
      multiprocessors: multiprocessors, fp32LanesPerMultiprocessor: base.fp32LanesPerMultiprocessor,
      boostMegahertz: base.boostMegahertz, warpSize: warpSize,
      warpsPerMultiprocessor: base.warpsPerMultiprocessor,
      blocksPerMultiprocessor: base.blocksPerMultiprocessor,
      registersPerMultiprocessor: base.registersPerMultiprocessor,
      registersPerThread: base.registersPerThread, registerGranularity: base.registerGranularity,
      threadsPerBlock: base.threadsPerBlock, unifiedL1: Bytes(l1 * 1024), sharedMemoryCarveOuts: carveOuts,
      sharedMemoryPerBlock: perBlock, sharedMemoryReservedPerBlock: base.sharedMemoryReservedPerBlock,
      sharedMemoryGranularity: base.sharedMemoryGranularity, sharedMemoryBanks: base.sharedMemoryBanks,
      l1Line: base.l1Line, l1Ways: base.l1Ways, sector: base.sector, l2: base.l2,
      l2FetchGranularity: base.l2FetchGranularity, dramGigabytesPerSecond: base.dramGigabytesPerSecond,
      estimates: base.estimates)
  }
}
