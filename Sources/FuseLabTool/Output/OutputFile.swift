import Foundation
import ModelFiles

/// Writes whole files: other readers see the old bytes or the new ones, and an error leaves the old file alone.
enum OutputFile {
  /// Temporary file in the same folder, fsync, rename, fsync of the folder.
  ///
  /// - Throws: `output-exists`, `output-is-directory`, `output-read-only`, `output-disk-full`,
  ///   `output-no-folder` or `output-failed`.
  static func write(_ bytes: [UInt8], to path: String, force: Bool) throws(CommandFailure) {
    try check(path, force: force)
    let target = resolved(path)
    let folder = target.lastIndex(of: "/").map { String(target[...$0]) } ?? "./"
    var template = Array((folder + ".fuselab-XXXXXX").utf8CString)
    let descriptor = mkstemp(&template)
    guard descriptor >= 0 else { throw failure(errno, path: path) }
    let temporary = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    Interruption.shared.removeOnInterrupt(temporary)
    defer { Interruption.shared.removeOnInterrupt(nil) }
    if let error = fill(descriptor, bytes, replacing: target) ?? publish(temporary, as: target, force: force)
    {
      unlink(temporary)
      throw error == EEXIST ? exists(path) : failure(error, path: path)
    }
    if let error = synchronize(folder) { throw failure(error, path: path) }
  }

  /// A symbolic link is followed, so that the file it names is replaced and not the link.
  private static func resolved(_ path: String) -> String {
    guard let real = realpath(path, nil) else { return path }
    defer { free(real) }
    return String(cString: real)
  }

  private static func check(_ path: String, force: Bool) throws(CommandFailure) {
    var status = stat()
    guard stat(path, &status) == 0 else {
      if errno == ENOENT { return }
      throw failure(errno, path: path)
    }
    switch status.st_mode & S_IFMT {
    case S_IFDIR: throw failure(EISDIR, path: path)
    case S_IFREG: break
    default:
      throw CommandFailure(
        "output-failed", "\(named(path)) is a device or a pipe, not a file", exit: .invalid,
        remedy: "name a regular file, or - for standard output")
    }
    guard force else { throw exists(path) }
    // A rename would replace a read-only file, against the owner's wish.
    guard access(path, W_OK) == 0, status.st_mode & 0o222 != 0 else { throw failure(EACCES, path: path) }
  }

  private static func fill(_ descriptor: Int32, _ bytes: [UInt8], replacing path: String) -> Int32? {
    var status = stat()
    let mask = umask(0)
    umask(mask)
    let mode = stat(path, &status) == 0 ? status.st_mode & 0o777 : 0o666 & ~mask
    var error = fchmod(descriptor, mode) == 0 ? nil : errno
    error = error ?? StandardStream.write(bytes, to: descriptor)
    if error == nil, fsync(descriptor) != 0 { error = errno }
    if close(descriptor) != 0, error == nil { error = errno }
    return error
  }

  /// Without `force`, a file that has appeared since the check is not replaced.
  private static func publish(_ temporary: String, as path: String, force: Bool) -> Int32? {
    if force { return rename(temporary, path) == 0 ? nil : errno }
    if link(temporary, path) == 0 {
      unlink(temporary)
      return nil
    }
    // Some file systems have no hard links.
    guard errno == EPERM || errno == EOPNOTSUPP else { return errno }
    return rename(temporary, path) == 0 ? nil : errno
  }

  private static func synchronize(_ folder: String) -> Int32? {
    let descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else { return errno }
    defer { close(descriptor) }
    // Some file systems cannot sync a folder and say EINVAL.
    return fsync(descriptor) == 0 || errno == EINVAL ? nil : errno
  }

  private static func exists(_ path: String) -> CommandFailure {
    CommandFailure(
      "output-exists", "\(named(path)) exists", exit: .invalid, remedy: "pass --force to replace it")
  }

  static let standardOutput = "standard output"

  static func failure(_ error: Int32, path: String) -> CommandFailure {
    let reason = String(cString: strerror(error)).lowercased()
    let (code, remedy): (String, String?) =
      switch error {
      case EISDIR: ("output-is-directory", "name a file in it")
      case EACCES, EPERM, EROFS: ("output-read-only", "name a place that may be written to")
      case ENOSPC, EDQUOT, EFBIG: ("output-disk-full", "free some space; what was there is unchanged")
      case ENOENT, ENOTDIR: ("output-no-folder", "make the folder first")
      default: ("output-failed", nil)
      }
    let target = path == standardOutput ? path : named(path)
    return CommandFailure(code, "cannot write \(target): \(reason)", exit: .invalid, remedy: remedy)
  }

  private static func named(_ path: String) -> String { "'" + sanitised(path, limit: 400) + "'" }
}
