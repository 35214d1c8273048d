import Hardware
import Workload

extension GPUFile {
  /// The file's text: `parse(text: print(), path: _)` gives an equal file.
  public func print() -> String {
    var lines = ["version: 1", "id: \(yamlText(gpu.id))", "name: \(yamlText(gpu.name))"]
    for group in Group.allCases where group != .calibration || gpu.estimates.calibration != nil {
      lines.append("\(group.rawValue):")
      let provenance = provenance[group]
      lines.append("  source: \(yamlText(provenance?.source ?? ""))")
      if let note = provenance?.note { lines.append("  note: \(yamlText(note))") }
      if let unconfirmed = provenance?.unconfirmed, !unconfirmed.isEmpty {
        lines.append("  unconfirmed: [\(unconfirmed.joined(separator: ", "))]")
      }
      for (key, value) in zip(group.keys, values(of: group)) { lines.append("  \(key): \(value)") }
    }
    return (lines + undocumentedLines).joined(separator: "\n") + "\n"
  }

  /// The values of a group's keys, in the order of `Group.keys`.
  private func values(of group: Group) -> [String] {
    switch group {
    case .chip:
      [
        yamlText(gpu.computeCapability), "\(gpu.multiprocessors)", "\(gpu.fp32LanesPerMultiprocessor)",
      ]
    case .clock: ["\(gpu.boostMegahertz)"]
    case .limits:
      [
        gpu.warpSize, gpu.warpsPerMultiprocessor, gpu.blocksPerMultiprocessor, gpu.threadsPerBlock,
        gpu.registersPerMultiprocessor, gpu.registersPerThread, gpu.registerGranularity,
      ].map { "\($0)" }
    case .sharedMemory:
      [
        "[" + gpu.sharedMemoryCarveOuts.map { "\($0)" }.joined(separator: ", ") + "]",
        "\(gpu.sharedMemoryPerBlock)", "\(gpu.sharedMemoryReservedPerBlock)",
        "\(gpu.sharedMemoryGranularity)", "\(gpu.sharedMemoryBanks)",
      ]
    case .l1: ["\(gpu.unifiedL1)", "\(gpu.l1Line)", "\(gpu.sector)", "\(gpu.l1Ways)"]
    case .l2: ["\(gpu.l2.capacity)", "\(gpu.l2.line)", "\(gpu.l2.ways)", "\(gpu.l2FetchGranularity)"]
    case .dram: [decimal(gpu.dramGigabytesPerSecond)]
    case .throughput, .latency, .energy, .calibration:
      Self.estimateFacts(of: gpu, group).map { fact in
        switch fact.value {
        case .integer(let number): "\(number)"
        case .decimal(let number): decimal(number)
        }
      }
    }
  }
}

/// A decimal number without exponent, with no more digits than it needs.
private func decimal(_ value: Double) -> String {
  let text = "\(value)"
  return text.hasSuffix(".0") ? String(text.dropLast(2)) : text
}

/// `text` as a YAML scalar: plain where that is safe, else double-quoted.
func yamlText(_ text: String) -> String {
  let plain = text.utf8.allSatisfy {
    switch $0 {
    case 0x41...0x5a, 0x61...0x7a, 0x30...0x39, 0x5f, 0x2d, 0x2e, 0x2f, 0x20: true
    default: false
    }
  }
  let startsWithLetter = text.utf8.first.map { (0x41...0x5a).contains($0) || (0x61...0x7a).contains($0) }
  let reserved = ["true", "false", "yes", "no", "on", "off", "null", "y", "n"].contains(text.lowercased())
  if plain, startsWithLetter == true, !text.hasSuffix(" "), !reserved { return text }
  var quoted = "\""
  for scalar in text.unicodeScalars {
    switch scalar {
    case "\"": quoted += "\\\""
    case "\\": quoted += "\\\\"
    case _ where sanitised(scalar) != String(scalar):
      let hex = String(scalar.value, radix: 16)
      quoted += "\\U" + String(repeating: "0", count: 8 - hex.count) + hex
    default: quoted.unicodeScalars.append(scalar)
    }
  }
  return quoted + "\""
}
