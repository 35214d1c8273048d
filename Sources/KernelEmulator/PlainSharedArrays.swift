/// Arrays in shared memory that a kernel's text declares without `fcm::array`: no access to them would be seen, so neither
/// checked nor counted.
public enum PlainSharedArrays {
  /// - Throws: `KernelBuildError.compilationFailed` that names the first one's line.
  public static func refuse(in text: String, file: String) throws(KernelBuildError) {
    guard let line = firstLine(in: text) else { return }
    throw .compilationFailed(
      log: "\(file):\(line): error: accesses to a plain __shared__ array are not seen; "
        + "declare __shared__ fcm::array<T, N>, or take fcm::shared_at<T>")
  }

  /// The line of the first one, from 1, that is no comment.
  static func firstLine(in text: String) -> Int? {
    var line = 1
    var rest = Substring(text)
    func skip(to end: String) {
      let next = rest.firstRange(of: end)?.upperBound ?? rest.endIndex
      line += rest[..<next].count { $0.isNewline }
      rest = rest[next...]
    }
    while let character = rest.first {
      if rest.hasPrefix("//") {
        skip(to: "\n")
      } else if rest.hasPrefix("/*") {
        skip(to: "*/")
      } else if rest.hasPrefix("__shared__") {
        let declaration = rest.prefix { $0 != ";" }
        guard declaration.contains("array<") else { return line }
        rest = rest.dropFirst("__shared__".count)
      } else {
        if character.isNewline { line += 1 }
        rest = rest.dropFirst()
      }
    }
    return nil
  }
}
