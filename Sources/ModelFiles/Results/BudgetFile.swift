import Yams

/// Limits on the numbers of a result, as `compare --budget` checks them:
/// ```yaml
/// version: 1
/// budgets:
///   - {counter: dram_read_bytes, at_most: 12000000}
///   - {counter: gma_bytes, layer: block2_dw, at_most: 4000000}
/// ```
public struct BudgetFile {
  /// The most that one number may be.
  public struct Budget {
    /// A name of `totals` or of a kernel's numbers.
    public let counter: String
    /// The kernel that computes this layer; nil is the whole network.
    public let layer: String?
    public let atMost: Int
    /// For diagnostics about what only the result can say.
    let node: Node
  }

  public let budgets: [Budget]
  private let document: YAMLDocument

  /// The most budgets.
  public static let limit = 4096

  /// - Throws: all that is wrong with the text, each with its line.
  public static func parse(text: String, path: String) throws(FileErrors) -> BudgetFile {
    let document = YAMLDocument(source: SourceText(path: path, text: text))
    let budgets = read(document)
    guard let budgets, document.errors.isEmpty else { throw FileErrors(document.errors) }
    return BudgetFile(budgets: budgets, document: document)
  }

  private static func read(_ document: YAMLDocument) -> [Budget]? {
    guard let root = document.root("budget file", keys: ["budgets"]), let items = root.items("budgets") else {
      return nil
    }
    guard (1...limit).contains(items.count) else {
      root.fail(.limitRecord, "there are \(items.count) budgets; 1 to \(limit) are read", nil, at: "budgets")
      return nil
    }
    return items.compactMap { node in
      guard
        let mapping = YAMLMapping(document, node, "budget", keys: ["counter", "layer", "at_most"]),
        let counter = mapping.string("counter"), let most = mapping.int("at_most")
      else { return nil }
      guard most >= 0 else {
        mapping.fail(.yamlRange, "'at_most' is negative", "give 0 or more", at: "at_most")
        return nil
      }
      return Budget(counter: counter, layer: mapping.optionalString("layer"), atMost: most, node: node)
    }
  }

  /// One budget beside what was found.
  public struct Check: Hashable, Sendable {
    public let counter: String
    public let layer: String?
    public let found, atMost: Int
    public var holds: Bool { found <= atMost }
  }

  /// - Throws: `unknown-name` at each budget whose counter or layer the result does not have.
  public func check(_ result: ResultFile) throws(FileErrors) -> [Check] {
    var checks: [Check] = []
    var errors: [Diagnostic] = []
    for budget in budgets {
      var values = result.totals
      if let layer = budget.layer {
        guard let kernel = result.kernels.first(where: { $0.layers.contains(layer) }) else {
          errors.append(
            unknown(
              budget, "no kernel computes '\(sanitised(layer, limit: 60))'", layer,
              result.kernels.flatMap(\.layers)))
          continue
        }
        values = kernel.values
      }
      guard let found = values[budget.counter] else {
        errors.append(
          unknown(
            budget, "the result has no '\(sanitised(budget.counter, limit: 60))'", budget.counter,
            values.keys.sorted()))
        continue
      }
      checks.append(
        Check(counter: budget.counter, layer: budget.layer, found: found, atMost: budget.atMost))
    }
    guard errors.isEmpty else { throw FileErrors(errors) }
    return checks
  }

  private func unknown(_ budget: Budget, _ message: String, _ word: String, _ names: [String]) -> Diagnostic {
    document.diagnostic(.unknownName, message, DidYouMean.question(for: word, among: names), at: budget.node)
  }
}
