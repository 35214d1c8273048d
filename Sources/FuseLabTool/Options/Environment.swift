import Foundation

/// The `FUSELAB_*` variables, which say what flags do not: flag, then variable, then default.
struct Environment: Sendable {
  let values: [String: String]

  static let process = Environment(values: ProcessInfo.processInfo.environment)

  /// The variable that mirrors `option`: `--min-blocks` is `FUSELAB_MIN_BLOCKS`. An empty one counts as unset.
  func text(_ option: String) -> String? {
    guard let value = values[Self.variable(option)], !value.isEmpty else { return nil }
    return value
  }

  /// - Throws: `environment-value` unless the variable is 1, true, yes, 0, false or no.
  func flag(_ option: String) throws(CommandFailure) -> Bool? {
    guard let value = text(option) else { return nil }
    switch value.lowercased() {
    case "1", "true", "yes": return true
    case "0", "false", "no": return false
    default: throw invalid(option, value, remedy: "set it to 1 or 0, or unset it")
    }
  }

  /// - Throws: `environment-value` unless the variable reads as a `Value`.
  func value<Value: LosslessStringConvertible>(_ option: String) throws(CommandFailure) -> Value? {
    guard let text = text(option) else { return nil }
    guard let value = Value(text) else { throw invalid(option, text, remedy: "set a number, or unset it") }
    return value
  }

  /// - Throws: `environment-value` unless the variable names a case.
  func choice<Value: RawRepresentable & CaseIterable>(
    _ option: String
  ) throws(CommandFailure) -> Value? where Value.RawValue == String {
    guard let text = text(option) else { return nil }
    guard let value = Value(rawValue: text) else {
      let names = Value.allCases.map(\.rawValue).joined(separator: ", ")
      throw invalid(option, text, remedy: "set one of: \(names)")
    }
    return value
  }

  private static func variable(_ option: String) -> String {
    "FUSELAB_" + option.uppercased().replacing("-", with: "_")
  }

  private func invalid(_ option: String, _ value: String, remedy: String) -> CommandFailure {
    CommandFailure(
      "environment-value", "the variable \(Self.variable(option)) is '\(value)'", remedy: remedy)
  }
}
