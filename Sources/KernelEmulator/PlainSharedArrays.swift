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
    let bytes = Array(text.utf8)
    let newline = UInt8(ascii: "\n")
    var (at, line) = (0, 1)
    func finds(_ word: StaticString, _ place: Int) -> Bool {
      let word = UnsafeBufferPointer(start: word.utf8Start, count: word.utf8CodeUnitCount)
      return bytes[place...].starts(with: word)
    }
    /// Goes on to the first place from which `word` is found, or to the end.
    func advance(to word: StaticString) {
      while at < bytes.count, !finds(word, at) {
        if bytes[at] == newline { line += 1 }
        at += 1
      }
    }
    while at < bytes.count {
      if finds("//", at) {
        advance(to: "\n")
        continue
      }
      if finds("/*", at) {
        at += 2
        advance(to: "*/")
        at += 2
        continue
      }
      if finds("__shared__", at) {
        let declaration = bytes[at...].prefix(longest)
        let end = declaration.firstIndex(of: UInt8(ascii: ";")) ?? declaration.endIndex
        guard (at..<end).contains(where: { finds("array<", $0) }) else { return line }
      }
      if bytes[at] == newline { line += 1 }
      at += 1
    }
    return nil
  }

  /// Bytes of a declaration that are looked at.
  private static let longest = 1000
}
