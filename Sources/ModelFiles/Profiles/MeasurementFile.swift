import Workload

/// What a profile in `Configs/Measurements/<gpu>/` was measured of: the file beside the CSV.
public struct MeasurementFile: Hashable, Sendable {
  /// What the L2 had of a kernel's tensors before it.
  public enum L2: String, Hashable, Sendable { case cold, warm }

  /// The CSV's name, in the same folder.
  public let profile: String
  /// The name of a file that has what the compiler made of the kernels, as a bundle's `results.json` does.
  public let code: String?
  /// The name of a file that has the kernels, as `fuselab simulate --json` writes them; without one those of today's plan.
  public let plan: String?
  public let network: String
  public let elementType: ElementType
  /// Whether each layer was a kernel of its own.
  public let isUnfused: Bool
  public let l2: L2
  /// More words for `fuselab simulate`, of the plan that was measured.
  public let options: [String]
  /// Counters that do not reach their bar here, with the largest error that was found, a share.
  public let missed: [String: Double]
  /// Counters that the kernels' text has changed since, so that a simulation of today's says nothing of them.
  public let outdated: Set<String>
  public let device, driver, profiler, date, command: String

  static let keys = [
    "profile", "network", "element_type", "unfused", "l2", "device", "driver", "ncu", "date", "command",
    "options", "missed", "outdated", "code", "plan",
  ]
  private static let optionalKeys: Set<String> = ["unfused", "options", "missed", "outdated", "code", "plan"]

  /// - Throws: all that is wrong with the text, each with its line.
  public static func parse(text: String, path: String) throws(FileErrors) -> MeasurementFile {
    let document = YAMLDocument(source: SourceText(path: path, text: text))
    let file = document.root("measurement", keys: keys).flatMap { read($0) }
    guard let file, document.errors.isEmpty else { throw FileErrors(document.errors) }
    return file
  }

  private static func read(_ root: YAMLMapping) -> MeasurementFile? {
    let texts = keys.filter { !optionalKeys.contains($0) }.map { root.string($0) }
    let options = root.strings("options")?.map(\.text)
    let missed = missed(root)
    let outdated = root.strings("outdated")?.map(\.text)
    let code = root.optionalString("code")
    let plan = root.optionalString("plan")
    let isUnfused = root.bool("unfused", default: false)
    let words = texts.compactMap { $0 }
    guard words.count == texts.count, let isUnfused, let options, let missed, let outdated
    else { return nil }
    if words[0].contains("/") || words[0].hasPrefix(".") || !words[0].hasSuffix(".csv") {
      root.fail(
        .yamlType, "'profile' is no name of a CSV in this folder", "write for example v2-cold.csv",
        at: "profile")
    }
    for (key, name) in [("code", code), ("plan", plan)] {
      guard let name, name.contains("/") || name.hasPrefix(".") || !name.hasSuffix(".json") else { continue }
      root.fail(.yamlType, "'\(key)' is no name of a JSON file in this folder", nil, at: key)
    }
    guard let type = ElementType(rawValue: words[2]) else {
      root.fail(.yamlType, "'element_type' must be fp32 or int8", nil, at: "element_type")
      return nil
    }
    guard let l2 = L2(rawValue: words[3]) else {
      root.fail(.yamlType, "'l2' must be cold or warm", nil, at: "l2")
      return nil
    }
    if words[7].wholeMatch(of: /[0-9]{4}-[0-9]{2}-[0-9]{2}/) == nil {
      root.fail(.yamlType, "'date' must be a date", "write it as 2026-05-01", at: "date")
    }
    return MeasurementFile(
      profile: words[0], code: code, plan: plan, network: words[1], elementType: type, isUnfused: isUnfused,
      l2: l2,
      options: options, missed: missed, outdated: Set(outdated), device: words[4],
      driver: words[5], profiler: words[6], date: words[7], command: words[8])
  }

  /// `counter share` each.
  private static func missed(_ root: YAMLMapping) -> [String: Double]? {
    guard let lines = root.strings("missed") else { return nil }
    var shares: [String: Double] = [:]
    for line in lines {
      let words = line.text.split(separator: " ")
      guard words.count == 2, let share = Double(words[1]), share > 0, share <= 1000 else {
        root.fail(
          .yamlType, "'missed' must have a counter and a share in each item",
          "write \"l2_read_sectors 0.02\"",
          at: "missed")
        return nil
      }
      shares[String(words[0])] = share
    }
    return shares
  }
}
