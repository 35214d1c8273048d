/// How long the machine code of kernels is: from the `results.json` of a bundle's `run.py`.
public struct CodeFile: Hashable, Sendable {
  /// Bytes of instructions of the kernel of these layers; kernels that were not compiled to machine code have none.
  public let bytes: [[String]: Int]

  /// The most bytes, far beyond any kernel, so that sums of them do not overflow.
  private static let largest = 1 << 30

  public init(bytes: [[String]: Int]) { self.bytes = bytes }

  /// - Throws: `result-type`, `json-…`.
  public static func parse(text: String, path: String) throws(FileErrors) -> CodeFile {
    var bytes: [[String]: Int] = [:]
    for kernel in try JSONReading.root(text: text, path: path).member("check").items {
      guard let code = try kernel.optional("code_bytes") else { continue }
      var layers: [String] = []
      for layer in try kernel.member("layers").items { layers.append(try layer.string) }
      let count = try code.int
      guard (0...largest).contains(count) else {
        throw code.failure(.resultType, "machine code of \(count) bytes should not stand here")
      }
      bytes[layers] = count
    }
    return CodeFile(bytes: bytes)
  }
}
