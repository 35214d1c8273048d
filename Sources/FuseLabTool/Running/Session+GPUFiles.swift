import Hardware
import ModelFiles

extension Session {
  /// A GPU with the sources of its facts: a built-in, a YAML file, or one of FusePlanner's.
  mutating func gpuFile(named nameOrPath: String) throws -> GPUFile {
    if nameOrPath.lowercased().hasSuffix(".cfg") { return try importGPU(nameOrPath, base: nil) }
    let loaded = try GPUSource.load(nameOrPath, limit: settings.maxFile)
    record(InputRecord(name: Self.fileName(loaded.origin), text: loaded.text))
    warn(loaded.warnings)
    return try BuiltIn.gpuFile(named: nameOrPath) ?? GPUFile.parse(text: loaded.text, path: nameOrPath)
  }

  /// One of FusePlanner's hardware files, with the missing facts and their sources from `base`, by default the
  /// built-in GPU that is nearest.
  mutating func importGPU(_ path: String, base: String?) throws -> GPUFile {
    let text = try FileReader.text(at: path, limit: settings.maxFile)
    record(InputRecord(name: Self.fileName(path), text: text))
    var baseGPU: GPU?
    if let base { baseGPU = try gpu(named: base) }
    let imported = try FusePlannerGPU.parse(text: text, path: path, base: baseGPU)
    warn(imported.warnings)
    let origin = "FusePlanner's hardware file \(Self.fileName(path))"
    let sources = BuiltIn.gpuFile(named: imported.base)?.provenance ?? [:]
    var provenance: [GPUFile.Group: GPUFile.Provenance] = [:]
    for group in GPUFile.Group.allCases
    where group != .calibration || imported.gpu.estimates.calibration != nil {
      let inherited = sources[group]
      let rest = "\(imported.base): \(inherited?.source ?? "its description")"
      provenance[group] = GPUFile.Provenance(
        source: Self.imported(group).map { "\(origin) (\($0)); the rest from \(rest)" } ?? "from \(rest)",
        note: inherited?.note, unconfirmed: inherited?.unconfirmed ?? [])
    }
    return GPUFile(gpu: imported.gpu, provenance: provenance)
  }

  /// What FusePlanner's files say of a group.
  private static func imported(_ group: GPUFile.Group) -> String? {
    switch group {
    case .chip: "multiprocessors"
    case .limits: "warp size"
    case .sharedMemory: "sizes"
    case .l1: "unified size"
    case .clock, .l2, .dram, .throughput, .latency, .energy, .calibration: nil
    }
  }
}
