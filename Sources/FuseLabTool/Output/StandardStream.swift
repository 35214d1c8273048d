import Foundation

/// Whole writes to file descriptors.
enum StandardStream {
  /// Writes all of `bytes`; gives `errno` where that fails.
  static func write(_ bytes: [UInt8], to descriptor: Int32) -> Int32? {
    bytes.withUnsafeBytes { buffer in
      var rest = buffer[...]
      while !rest.isEmpty {
        let written = Foundation.write(
          descriptor, UnsafeRawBufferPointer(rebasing: rest).baseAddress, rest.count)
        if written < 0 {
          if errno == EINTR { continue }
          return errno
        }
        rest = rest.dropFirst(written)
      }
      return nil
    }
  }

  /// Data for stdout. A reader that has gone away, as in `| head -1`, is no error.
  static func print(_ text: String) throws(CommandFailure) {
    guard !text.isEmpty else { return }
    guard let error = write(Array(text.utf8), to: STDOUT_FILENO), error != EPIPE else { return }
    throw OutputFile.failure(error, path: OutputFile.standardOutput)
  }

  /// Words for people on stderr; nothing can be done where they do not arrive.
  static func say(_ text: String) { _ = write(Array((text + "\n").utf8), to: STDERR_FILENO) }
}
