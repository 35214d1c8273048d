import Yams

/// A YAML mapping with known keys. Values are read by key; what is wrong is reported to the document.
struct YAMLMapping {
  typealias Value = Node

  let document: YAMLDocument
  /// What the mapping describes, as diagnostics call it.
  let what: String
  let node: Node
  private let values: [String: (key: Node, value: Node)]
  /// The keys in the order of the text.
  let keys: [String]

  /// Reports unknown keys and, where `node` is no mapping, its type.
  init?(_ document: YAMLDocument, _ node: Node, _ what: String, keys known: [String]) {
    guard case .mapping(let mapping) = node else {
      document.fail(.yamlType, "the \(what) must be a mapping of keys to values", nil, at: node)
      return nil
    }
    self.document = document
    self.what = what
    self.node = node
    var values: [String: (key: Node, value: Node)] = [:]
    var keys: [String] = []
    for (key, value) in mapping {
      guard let name = key.scalar?.string else {
        document.fail(.yamlType, "a key of the \(what) is not text", nil, at: key)
        continue
      }
      guard known.contains(name) else {
        // Suggestions cost time, and nobody reads a thousand.
        if document.hasManyErrors { break }
        document.fail(
          .unknownKey, "unknown key '\(sanitised(name, limit: 60))' in \(what)",
          DidYouMean.question(for: name, among: known)
            ?? "known keys: \(known.joined(separator: ", "))", at: key)
        continue
      }
      values[name] = (key, value)
      keys.append(name)
    }
    self.values = values
    self.keys = keys
  }

  func has(_ key: String) -> Bool { values[key] != nil }
  func value(_ key: String) -> Node? { values[key]?.value }

  /// Reports at the value of `key`, or at the mapping where it is absent.
  func fail(_ code: DiagnosticCode, _ message: String, _ remedy: String?, at key: String? = nil) {
    document.fail(code, message, remedy, at: key.flatMap { values[$0]?.value } ?? node)
  }

  func warn(_ code: DiagnosticCode, _ message: String, _ remedy: String?, at key: String? = nil) {
    let place = key.flatMap { values[$0]?.value } ?? node
    document.warn(document.diagnostic(code, severity: .warning, message, remedy, at: place))
  }

  /// The value of a key that must be there.
  func required(_ key: String) -> Node? {
    if let value = values[key]?.value { return value }
    fail(.missingKey, "the \(what) has no '\(key)'", "add '\(key): …'")
    return nil
  }

  // MARK: Scalars

  func string(_ key: String) -> String? { required(key).flatMap { string($0, key) } }

  func optionalString(_ key: String) -> String? { values[key].flatMap { string($0.value, key) } }

  private func string(_ node: Node, _ key: String) -> String? {
    guard let scalar = node.scalar else {
      document.fail(.yamlType, "'\(key)' must be text", nil, at: node)
      return nil
    }
    return scalar.string
  }

  func int(_ key: String) -> Int? { required(key).flatMap { document.int($0, key) } }

  func int(_ key: String, default value: Int) -> Int? {
    values[key].map { document.int($0.value, key) } ?? value
  }

  /// A decimal number such as `204.8`, 0 or from 0.001 to 10¹².
  func double(_ key: String) -> Double? {
    guard let node = required(key) else { return nil }
    let digits = node.scalar.map { $0.style == .plain ? $0.string : "" } ?? ""
    let parts = digits.split(separator: ".", omittingEmptySubsequences: false)
    let isDecimal =
      (1...2).contains(parts.count) && digits.utf8.count <= 32
      && parts.allSatisfy { !$0.isEmpty && $0.utf8.allSatisfy { (0x30...0x39).contains($0) } }
    guard isDecimal, let value = Double(digits) else {
      document.fail(.yamlType, "'\(key)' must be a decimal number", "write digits, as in 204.8", at: node)
      return nil
    }
    guard value == 0 || (0.001...1e12).contains(value) else {
      document.fail(.yamlRange, "'\(key)' is out of range", "give 0.001 to 1e12", at: node)
      return nil
    }
    return value
  }

  /// `true` or `false`.
  func bool(_ key: String, default value: Bool) -> Bool? {
    guard let node = values[key]?.value else { return value }
    switch node.scalar?.string {
    case "true": return true
    case "false": return false
    default:
      document.fail(.yamlType, "'\(key)' must be true or false", nil, at: node)
      return nil
    }
  }

  // MARK: Lists and mappings

  /// A list of integers that must be there.
  func ints(_ key: String) -> [Int]? {
    guard let node = required(key) else { return nil }
    guard case .sequence(let sequence) = node else {
      document.fail(.yamlType, "'\(key)' must be a list of integers", nil, at: node)
      return nil
    }
    let numbers = sequence.compactMap { document.int($0, key) }
    return numbers.count == sequence.count ? numbers : nil
  }

  /// A list of texts; empty where the key is absent.
  func strings(_ key: String) -> [(text: String, node: Node)]? {
    guard let node = values[key]?.value else { return [] }
    guard case .sequence(let sequence) = node else {
      document.fail(.yamlType, "'\(key)' must be a list", nil, at: node)
      return nil
    }
    let texts = sequence.compactMap { item in string(item, key).map { (text: $0, node: item) } }
    return texts.count == sequence.count ? texts : nil
  }

  func mapping(_ key: String, _ what: String, keys: [String]) -> YAMLMapping? {
    required(key).flatMap { YAMLMapping(document, $0, what, keys: keys) }
  }

  /// The nodes of a list that must be there and not be empty.
  func items(_ key: String) -> [Node]? {
    guard let node = required(key) else { return nil }
    guard case .sequence(let sequence) = node else {
      document.fail(.yamlType, "'\(key)' must be a list", nil, at: node)
      return nil
    }
    return Array(sequence)
  }
}

extension YAMLDocument {
  /// An integer written in plain decimal digits, with an optional minus. Other forms that YAML 1.1 reads as
  /// numbers (`010` is 8 there, `1_0` is 10) are refused.
  func int(_ node: Node, _ name: String) -> Int? {
    guard let scalar = node.scalar, scalar.style == .plain else {
      fail(.yamlType, "'\(name)' must be an integer", "write digits only, without quotes", at: node)
      return nil
    }
    let digits = scalar.string.utf8.drop { $0 == UInt8(ascii: "-") }
    let signs = scalar.string.utf8.count - digits.count
    guard signs <= 1, !digits.isEmpty, digits.allSatisfy({ (0x30...0x39).contains($0) }) else {
      fail(
        .yamlType, "'\(name)' must be an integer, not '\(sanitised(scalar.string, limit: 40))'",
        "write digits only, as in 32", at: node)
      return nil
    }
    guard digits.count == 1 || digits.first != UInt8(ascii: "0") else {
      fail(.yamlType, "'\(name)' begins with 0, which some readers take for octal", "drop the 0", at: node)
      return nil
    }
    guard let value = Int(scalar.string) else {
      fail(.yamlRange, "'\(name)' does not fit in 64 bits", nil, at: node)
      return nil
    }
    return value
  }
}
