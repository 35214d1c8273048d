import Hardware
import Workload

/// A GPU description as `Configs/GPUs/*.yaml` holds it: the facts, and for each group of them its source.
public struct GPUFile: Hashable, Sendable {
  /// Where a group of facts comes from.
  public struct Provenance: Hashable, Sendable {
    public let source: String
    /// What a reader should know of the group, if anything.
    public let note: String?
    /// Keys of the group whose values could not be confirmed: parameters, not truths.
    public let unconfirmed: [String]

    public init(source: String, note: String? = nil, unconfirmed: [String] = []) {
      self.source = source
      self.note = note
      self.unconfirmed = unconfirmed
    }
  }

  /// The groups of facts, in the order of the file.
  public enum Group: String, Hashable, Sendable, CaseIterable {
    case chip, clock, limits
    case sharedMemory = "shared_memory"
    case l1, l2, dram, throughput, latency, energy, calibration

    /// Whether a file may lack the group: measurements come later than facts.
    var isOptional: Bool { self == .calibration }
    /// Whether the facts are decimal numbers, else integers.
    var hasDecimals: Bool { [.dram, .energy, .calibration].contains(self) }

    /// The group's facts: keys of the file, units in their names.
    var keys: [String] {
      switch self {
      case .chip: ["compute_capability", "multiprocessors", "fp32_lanes_per_multiprocessor"]
      case .clock: ["boost_mhz"]
      case .limits:
        [
          "warp_size", "warps_per_multiprocessor", "blocks_per_multiprocessor", "threads_per_block",
          "registers_per_multiprocessor", "registers_per_thread", "register_granularity",
        ]
      case .sharedMemory:
        [
          "carve_outs_bytes", "per_block_bytes", "reserved_per_block_bytes", "granularity_bytes", "banks",
        ]
      case .l1: ["unified_bytes", "line_bytes", "sector_bytes", "ways"]
      case .l2: ["l2_bytes", "line_bytes", "ways", "fetch_granularity_bytes"]
      case .dram: ["gigabytes_per_second"]
      case .throughput:
        [
          "warp_instructions_per_clock_per_multiprocessor", "int32_lanes_per_multiprocessor",
          "int8_matrix_products_per_clock_per_multiprocessor",
          "l1_bytes_per_clock_per_multiprocessor", "shared_bytes_per_clock_per_multiprocessor",
          "l2_bytes_per_clock_per_multiprocessor", "l2_bytes_per_clock",
        ]
      case .latency: ["l1_clocks", "l2_clocks", "dram_clocks", "launch_nanoseconds"]
      case .energy:
        [
          "fp32_multiply_add_picojoules", "int8_multiply_add_picojoules", "instruction_picojoules_per_lane",
          "shared_picojoules_per_byte", "l1_picojoules_per_byte", "l2_picojoules_per_byte",
          "dram_picojoules_per_byte",
        ]
      case .calibration: ["launch_nanoseconds"] + GPUFile.calibrated.map { $0.rawValue + "_factor" }
      }
    }
  }

  public let gpu: GPU
  public let provenance: [Group: Provenance]

  public init(gpu: GPU, provenance: [Group: Provenance]) {
    self.gpu = gpu
    self.provenance = provenance
  }
}

extension GPUFile {
  /// - Parameter path: the file's name for diagnostics.
  /// - Throws: everything that is wrong with the text, `gpu-inconsistent` among it.
  public static func parse(text: String, path: String) throws(FileErrors) -> GPUFile {
    let document = YAMLDocument(source: SourceText(path: path, text: text))
    let file = read(document)
    guard let file, document.errors.isEmpty else { throw FileErrors(document.errors) }
    return file
  }

  private static func read(_ document: YAMLDocument) -> GPUFile? {
    let groupKeys = Group.allCases.map(\.rawValue)
    guard let root = document.root("GPU description", keys: ["id", "name", "undocumented"] + groupKeys) else {
      return nil
    }
    let id = root.string("id")
    let name = root.string("name")
    var groups: [Group: YAMLMapping] = [:]
    var provenance: [Group: Provenance] = [:]
    for group in Group.allCases where !group.isOptional || root.has(group.rawValue) {
      let keys = ["source", "note", "unconfirmed"] + group.keys
      guard let mapping = root.mapping(group.rawValue, "GPU description", keys: keys) else { continue }
      groups[group] = mapping
      provenance[group] = readProvenance(mapping, group)
    }
    let undocumented = readUndocumented(root)
    guard let facts = GPUFacts(groups), let undocumented, let id, let name, document.errors.isEmpty else {
      return nil
    }
    do {
      return GPUFile(
        gpu: try facts.gpu(id: id, name: name).with(undocumented: undocumented), provenance: provenance)
    } catch {
      for finding in error.findings {
        let isUndocumented = UndocumentedParameter.Name.allCases.contains { finding.contains($0.rawValue) }
        root.fail(
          .gpuInconsistent, finding.droppingFullStop, nil,
          at: isUndocumented ? "undocumented" : facts.key(of: finding))
      }
      return nil
    }
  }

  private static func readProvenance(_ mapping: YAMLMapping, _ group: Group) -> Provenance? {
    let source = mapping.string("source")
    let note = mapping.optionalString("note")
    guard let source, let unconfirmed = mapping.strings("unconfirmed") else { return nil }
    for entry in unconfirmed where !group.keys.contains(entry.text) {
      mapping.document.fail(
        .unknownKey, "'\(sanitised(entry.text, limit: 60))' is no fact of this group",
        DidYouMean.question(for: entry.text, among: group.keys), at: entry.node)
    }
    return Provenance(source: source, note: note, unconfirmed: unconfirmed.map(\.text))
  }
}

extension String {
  var droppingFullStop: String { hasSuffix(".") ? String(dropLast()) : self }
}
