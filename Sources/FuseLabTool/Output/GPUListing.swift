import Hardware
import ModelFiles
import Workload

/// GPUs as tables and as JSON. The keys are those of GPU files.
enum GPUListing {
  static func text(_ gpus: [GPU], _ style: TerminalStyle) -> String {
    var table = TextTable([
      .text("name", shrinksTo: nil), .text("GPU"), .text("CC", shrinksTo: nil), .number("SMs"),
      .number("smem/SM KiB"), .number("L2 KiB"), .number("DRAM GB/s"),
    ])
    for gpu in gpus {
      table.add([
        gpu.id, gpu.name, gpu.computeCapability, grouped(gpu.multiprocessors),
        grouped(gpu.largestCarveOut.count / 1024), grouped(gpu.l2.capacity.count / 1024),
        fixed(gpu.dramGigabytesPerSecond, decimals: 1),
      ])
    }
    return table.text(style)
  }

  static func text(_ file: GPUFile, _ style: TerminalStyle) -> String {
    var text = style.bold(sanitised("\(file.gpu.id): \(file.gpu.name)")) + "\n"
    for group in GPUFile.Group.allCases where !facts(of: file.gpu, group).isEmpty {
      let provenance = file.provenance[group]
      text += "\n" + style.bold(group.rawValue) + "\n"
      let rows = facts(of: file.gpu, group)
      let column = rows.reduce(32) { max($0, $1.0.count + 2) }
      for (key, value) in rows {
        let mark = provenance?.unconfirmed.contains(key) == true ? "  (unconfirmed)" : ""
        let space = String(repeating: " ", count: column - key.count)
        let indent = String(repeating: " ", count: key.count + space.count)
        let lines = wrapped(sanitised(Self.text(value)) + mark, width: style.width, indent: "  " + indent)
        text += "  \(key)\(space)\(lines.dropFirst(2 + indent.count))\n"
      }
      let remarks = [
        provenance.map { "source: " + $0.source }, provenance?.note.map { "note: " + $0 },
      ]
      for remark in remarks.compactMap({ $0 }) {
        let lines = wrapped(sanitised(remark, limit: 1000), width: style.width, indent: "  ")
        text += style.faint(lines) + "\n"
      }
    }
    return text
  }

  /// With a decimal more than none, and as many as the number has.
  private static func decimal(_ value: Double) -> String {
    let decimals = "\(value)".split(separator: ".").last?.utf8.count ?? 1
    return fixed(value, decimals: min(decimals, 6))
  }

  private static func text(_ value: JSONValue) -> String {
    switch value {
    case .integer(let number): grouped(number)
    case .number(let number): decimal(number)
    case .string(let text): text
    case .array(let values): values.map(text).joined(separator: "  ")
    default: ""
    }
  }

  static func json(_ gpu: GPU) -> JSONValue {
    var values: [String: JSONValue] = ["id": .string(gpu.id), "name": .string(gpu.name)]
    for group in GPUFile.Group.allCases where !facts(of: gpu, group).isEmpty {
      values[group.rawValue] = .object(Dictionary(facts(of: gpu, group)) { first, _ in first })
    }
    return .object(values)
  }

  static func json(_ provenance: [GPUFile.Group: GPUFile.Provenance]) -> JSONValue {
    .object(
      Dictionary(
        provenance.map { group, provenance in
          (
            group.rawValue,
            [
              "source": .string(provenance.source), "note": JSONValue(provenance.note),
              "unconfirmed": JSONValue(provenance.unconfirmed),
            ]
          )
        }
      ) { first, _ in first })
  }

  /// The facts of one group in the order of GPU files.
  private static func facts(of gpu: GPU, _ group: GPUFile.Group) -> [(String, JSONValue)] {
    switch group {
    case .chip:
      [
        ("compute_capability", .string(gpu.computeCapability)),
        ("multiprocessors", .integer(gpu.multiprocessors)),
        ("fp32_lanes_per_multiprocessor", .integer(gpu.fp32LanesPerMultiprocessor)),
      ]
    case .clock: [("boost_mhz", .integer(gpu.boostMegahertz))]
    case .limits:
      [
        ("warp_size", .integer(gpu.warpSize)),
        ("warps_per_multiprocessor", .integer(gpu.warpsPerMultiprocessor)),
        ("blocks_per_multiprocessor", .integer(gpu.blocksPerMultiprocessor)),
        ("threads_per_block", .integer(gpu.threadsPerBlock)),
        ("registers_per_multiprocessor", .integer(gpu.registersPerMultiprocessor)),
        ("registers_per_thread", .integer(gpu.registersPerThread)),
        ("register_granularity", .integer(gpu.registerGranularity)),
      ]
    case .sharedMemory:
      [
        ("carve_outs_bytes", JSONValue(gpu.sharedMemoryCarveOuts.map(\.count))),
        ("per_block_bytes", .integer(gpu.sharedMemoryPerBlock.count)),
        ("reserved_per_block_bytes", .integer(gpu.sharedMemoryReservedPerBlock.count)),
        ("granularity_bytes", .integer(gpu.sharedMemoryGranularity.count)),
        ("banks", .integer(gpu.sharedMemoryBanks)),
      ]
    case .l1:
      [
        ("unified_bytes", .integer(gpu.unifiedL1.count)), ("line_bytes", .integer(gpu.l1Line.count)),
        ("sector_bytes", .integer(gpu.sector.count)), ("ways", .integer(gpu.l1Ways)),
      ]
    case .l2:
      [
        ("l2_bytes", .integer(gpu.l2.capacity.count)), ("line_bytes", .integer(gpu.l2.line.count)),
        ("ways", .integer(gpu.l2.ways)),
        ("fetch_granularity_bytes", .integer(gpu.l2FetchGranularity.count)),
      ]
    case .dram: [("gigabytes_per_second", .number(gpu.dramGigabytesPerSecond))]
    case .throughput, .latency, .energy, .calibration:
      GPUFile.estimateFacts(of: gpu, group).map { fact in
        switch fact.value {
        case .integer(let number): (fact.key, .integer(number))
        case .decimal(let number): (fact.key, .number(number))
        }
      }
    }
  }
}
