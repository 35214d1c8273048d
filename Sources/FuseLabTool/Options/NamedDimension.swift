import ArgumentParser
import ModelFiles

/// `N=8`: the number for a size that a model names.
struct NamedDimension: Hashable, Sendable, ExpressibleByArgument {
  let name: String
  let value: Int

  init?(argument: String) {
    let parts = argument.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
    guard parts.count == 2, !parts[0].isEmpty, let value = Int(parts[1]) else { return nil }
    name = String(parts[0])
    self.value = value
  }

  /// Reads `N=8,M=2`, as `FUSELAB_DIM` holds it.
  /// - Throws: `environment-value` where it is not of that form.
  static func list(_ environment: Environment) throws(CommandFailure) -> [NamedDimension] {
    guard let text = environment.text("dim") else { return [] }
    let parts = text.split(separator: ",", omittingEmptySubsequences: false)
    let dimensions = parts.compactMap { NamedDimension(argument: String($0)) }
    guard dimensions.count == parts.count else {
      throw CommandFailure(
        "environment-value", "the variable FUSELAB_DIM is '\(sanitised(text, limit: 60))'",
        remedy: "set for example N=8, or N=8,M=2")
    }
    return dimensions
  }

  /// - Throws: `usage` where a name has two numbers.
  static func table(_ dimensions: [NamedDimension]) throws(CommandFailure) -> [String: Int] {
    var table: [String: Int] = [:]
    for dimension in dimensions where table.updateValue(dimension.value, forKey: dimension.name) != nil {
      throw CommandFailure.usage(
        "--dim \(sanitised(dimension.name, limit: 60)) is given twice", remedy: "keep one")
    }
    return table
  }
}
