/// One of FusePlanner's fusion lists: `first,second,kind` a line. The layers are ids of a `model_dag.json`.
public struct FusionList: Hashable, Sendable {
  /// Their names of the fused kernels.
  public enum Kind: String, Hashable, Sendable, CaseIterable {
    case dwpw, pwdw
    /// Spatial tiles that compute the halo again: PWDW_R.
    case pwdwWide = "pwdw_wide"
    case pwpw
  }

  /// One line: two layers to fuse, by the file's ids, and the kernel to do it.
  public struct Decision: Hashable, Sendable {
    public let first, second: Int
    public let kind: Kind
    /// From 1.
    public let line: Int
  }

  public let decisions: [Decision]

  /// - Parameter path: the file's name for diagnostics.
  /// - Throws: everything that is wrong with the text, as `fusion-list-syntax`.
  public static func parse(text: String, path: String) throws(FileErrors) -> FusionList {
    let source = SourceText(path: path, text: text)
    var decisions: [Decision] = []
    var errors: [Diagnostic] = []
    for (index, scalars) in source.lines.enumerated() where !scalars.allSatisfy({ $0 == " " || $0 == "\t" }) {
      if let decision = decision(scalars, line: index + 1) {
        decisions.append(decision)
      } else {
        errors.append(
          source.diagnostic(
            .fusionListSyntax, "the line is not of the form first,second,kind",
            remedy:
              "write for example 5,6,dwpw; kinds: \(Kind.allCases.map(\.rawValue).joined(separator: ", "))",
            line: index + 1, column: 1, length: scalars.count))
        if errors.count > 10 * FileErrors.limit { break }
      }
    }
    guard errors.isEmpty else { throw FileErrors(errors) }
    return FusionList(decisions: decisions)
  }

  private static func decision(_ scalars: some Sequence<Unicode.Scalar>, line: Int) -> Decision? {
    var text = ""
    text.unicodeScalars.append(contentsOf: scalars.filter { $0 != " " && $0 != "\t" })
    let parts = text.split(separator: ",", omittingEmptySubsequences: false)
    guard parts.count == 3, let first = id(parts[0]), let second = id(parts[1]),
      let kind = Kind(rawValue: String(parts[2]))
    else { return nil }
    return Decision(first: first, second: second, kind: kind, line: line)
  }

  /// Plain digits, at most nine.
  private static func id(_ text: Substring) -> Int? {
    guard (1...9).contains(text.utf8.count), text.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
      text.utf8.count == 1 || text.utf8.first != UInt8(ascii: "0")
    else { return nil }
    return Int(text)
  }
}
