import Yams

/// Sizes that a file names instead of giving them, as in `batch: N`, and the numbers that stand for them.
struct SymbolicDimensions {
  private let values: [String: Int]
  /// The names that a file has used.
  private var used: Set<String> = []

  init(_ values: [String: Int]) { self.values = values }

  /// The names without a use, in order.
  var unused: [String] { values.keys.filter { !used.contains($0) }.sorted() }

  /// The number for `name`; nil where there is none.
  mutating func resolve(_ name: String) -> Int? {
    used.insert(name)
    return values[name]
  }

  /// Whether `text` can name a size: letters, digits and underscores, and nothing that YAML takes for a value.
  static func isName(_ text: String) -> Bool {
    let isWord = text.utf8.allSatisfy { byte in
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"):
        true
      default: false
      }
    }
    let isDigitFirst = text.utf8.first.map { (0x30...0x39).contains($0) } ?? true
    let taken = ["true", "false", "yes", "no", "on", "off", "null"]
    return isWord && !isDigitFirst && text.utf8.count <= 60 && !taken.contains(text.lowercased())
  }
}

extension YAMLDocument {
  /// A size: an integer, or the name of one that the user gives.
  func extent(_ node: Node, _ name: String) -> Int? {
    guard let scalar = node.scalar, scalar.style == .plain, SymbolicDimensions.isName(scalar.string) else {
      return int(node, name)
    }
    if let value = dimensions.resolve(scalar.string) { return value }
    fail(
      .dimUnresolved, "'\(name)' is the symbol '\(scalar.string)', which has no number",
      "give --dim \(scalar.string)=1", at: node)
    return nil
  }
}

extension YAMLMapping {
  /// A size that must be there.
  func extent(_ key: String) -> Int? { required(key).flatMap { document.extent($0, key) } }

  func extent(_ key: String, default number: Int) -> Int? {
    value(key).map { document.extent($0, key) } ?? number
  }
}

extension Diagnostic {
  /// A number that the user gave for a name which the model does not have.
  static func unusedDimension(_ name: String, path: String) -> Diagnostic {
    Diagnostic(
      .dimUnused, severity: .warning, "no size is named '\(sanitised(name, limit: 60))'",
      remedy: "drop --dim \(sanitised(name, limit: 60))=…", path: path)
  }
}
