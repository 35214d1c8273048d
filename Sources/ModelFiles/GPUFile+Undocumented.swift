import Hardware
import Workload

extension GPUFile {
  /// The parameters under `undocumented`, each with `default`, `range` and `source`; empty where there are none. Nil after a
  /// report.
  static func readUndocumented(_ root: YAMLMapping) -> [UndocumentedParameter]? {
    guard root.has("undocumented") else { return [] }
    let names = UndocumentedParameter.Name.allCases.map(\.rawValue)
    let what = "list of undocumented parameters"
    guard let mapping = root.mapping("undocumented", what, keys: names) else { return nil }
    var parameters: [UndocumentedParameter] = []
    for key in mapping.keys {
      guard let name = UndocumentedParameter.Name(rawValue: key),
        let entry = mapping.mapping(key, "parameter", keys: ["source", "default", "range"])
      else { return nil }
      let (source, value, range) = (entry.string("source"), entry.string("default"), entry.strings("range"))
      guard let source, let value, let range else { return nil }
      parameters.append(
        UndocumentedParameter(name, value, range: range.map(\.text), source: source))
    }
    return parameters
  }

  var undocumentedLines: [String] {
    if gpu.undocumented.isEmpty { return [] }
    return ["undocumented:"]
      + gpu.undocumented.flatMap { parameter in
        [
          "  \(parameter.name.rawValue):", "    source: \(yamlText(parameter.source))",
          "    default: \(plainOrQuoted(parameter.value))",
          "    range: [\(parameter.range.map(plainOrQuoted).joined(separator: ", "))]",
        ]
      }
  }

  /// Numbers stay plain; words such as `no`, which YAML 1.1 takes for a truth value, are quoted.
  private func plainOrQuoted(_ text: String) -> String { Int(text) == nil ? yamlText(text) : text }
}
