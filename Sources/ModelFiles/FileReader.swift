import Foundation

/// Reads whole files that may come from anywhere: only regular files, only up to a limit, only UTF-8.
public enum FileReader {
  /// The largest file read unless another limit is given, in bytes: 64 MiB.
  public static let defaultLimit = 64 << 20

  /// - Parameter limit: the largest file that is read, in bytes.
  public static func text(at path: String, limit: Int = defaultLimit) throws(FileErrors) -> String {
    let bytes = try bytes(at: path, limit: limit)
    return try text(of: bytes, path: path)
  }

  /// The bytes of the regular file at `path`.
  public static func bytes(at path: String, limit: Int = defaultLimit) throws(FileErrors) -> [UInt8] {
    // Without O_NONBLOCK, opening a FIFO waits for a writer.
    let descriptor = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC)
    guard descriptor >= 0 else { throw FileErrors(unopened(path, errno)) }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { throw FileErrors(unopened(path, errno)) }
    guard status.st_mode & S_IFMT == S_IFREG else {
      throw FileErrors(
        Diagnostic(
          .notARegularFile, "this is a directory, a device or a pipe, not a file",
          remedy: "name a regular file", path: path))
    }
    guard status.st_size > 0 else {
      throw FileErrors(Diagnostic(.emptyFile, "the file is empty", path: path))
    }
    let (bytes, error) = read(descriptor, upTo: limit + 1)
    if let error { throw FileErrors(unopened(path, error)) }
    guard bytes.count <= limit else {
      throw FileErrors(
        Diagnostic(
          .limitFileSize, "the file has more than \(limit) bytes",
          remedy: "raise the limit if the file is meant to be that large", path: path))
    }
    return bytes
  }

  /// - Throws: `not-utf8` with the offset of the first byte that is not.
  public static func text(of bytes: [UInt8], path: String) throws(FileErrors) -> String {
    guard let text = String(validating: bytes, as: UTF8.self) else {
      throw FileErrors(
        Diagnostic(.notUTF8, "the file is not UTF-8 text", remedy: "save it as UTF-8", path: path))
    }
    guard text.unicodeScalars.contains(where: { !$0.properties.isWhitespace }) else {
      throw FileErrors(Diagnostic(.emptyFile, "the file is empty", path: path))
    }
    return text
  }

  private static func read(_ descriptor: Int32, upTo count: Int) -> (bytes: [UInt8], error: Int32?) {
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 1 << 16)
    while bytes.count < count {
      let want = min(buffer.count, count - bytes.count)
      let got = buffer.withUnsafeMutableBytes { Foundation.read(descriptor, $0.baseAddress, want) }
      if got < 0 {
        if errno == EINTR { continue }
        return ([], errno)
      }
      if got == 0 { break }
      bytes += buffer[..<got]
    }
    return (bytes, nil)
  }

  private static func unopened(_ path: String, _ error: Int32) -> Diagnostic {
    if error == ENOENT || error == ENOTDIR {
      return Diagnostic(.fileNotFound, "there is no such file", path: path)
    }
    let reason = String(cString: strerror(error)).lowercased()
    return Diagnostic(.fileUnreadable, "the file cannot be read: \(reason)", path: path)
  }
}
