import Digest
import Glibc
import KernelSources

/// Compiled kernels on disk, each named by the digest of all that went into it. A cache that cannot be read or written
/// costs time, never a result.
public struct KernelCache: Sendable {
  /// Nil: nothing is kept.
  public let folder: String?

  public init(folder: String?) { self.folder = folder }

  /// `FUSELAB_CACHE`, else `fuselab` in the user's folder of caches.
  public static var standard: KernelCache {
    func variable(_ name: String) -> String? {
      getenv(name).map { String(cString: $0) }.flatMap { $0.isEmpty ? nil : $0 }
    }
    let folder =
      variable("FUSELAB_CACHE") ?? variable("XDG_CACHE_HOME").map { $0 + "/fuselab" }
      ?? variable("HOME").map { $0 + "/.cache/fuselab" }
    return KernelCache(folder: folder)
  }

  /// The code of the job's kernel, from the cache or by `compile`.
  func code(
    of job: KernelJob, for device: Int, _ compiler: RuntimeCompiler
  ) throws(CUDAError) -> [UInt8] {
    guard let folder else { return try compiler.compile(job, for: device) }
    let path = "\(folder)/\(try Self.key(of: job, for: device, compiler))"
    if let code = Self.read(path) { return code }
    let code = try compiler.compile(job, for: device)
    Self.write(code, to: path, in: folder)
    return code
  }

  static func key(
    of job: KernelJob, for device: Int, _ compiler: RuntimeCompiler
  ) throws(CUDAError) -> String {
    let texts = job.headers.flatMap { [$0.name, $0.text] } + [job.source]
    let parts =
      ["\(compiler.version.major).\(compiler.version.minor)", try compiler.target(of: device).option]
      + RuntimeCompiler.options + texts
    // Each with its length, so that no two lists give one text.
    return SHA256.hex(of: parts.map { "\($0.utf8.count):\($0)" }.joined())
  }

  /// A file holds the digest of the code, then the code: half a file is none.
  private static func read(_ path: String) -> [UInt8]? {
    guard let file = fopen(path, "r") else { return nil }
    defer { fclose(file) }
    var all: [UInt8] = []
    var piece = [UInt8](repeating: 0, count: 1 << 16)
    while true {
      let count = fread(&piece, 1, piece.count, file)
      guard count > 0 else { break }
      all += piece[..<count]
      guard all.count < 1 << 28 else { return nil }
    }
    guard all.count > 64 else { return nil }
    let code = Array(all[64...])
    return SHA256.hex(of: code).utf8.elementsEqual(all[..<64]) ? code : nil
  }

  /// Under another name first, so that no reader sees half a file.
  private static func write(_ code: [UInt8], to path: String, in folder: String) {
    makeFolders(folder)
    var name = Array("\(path).XXXXXX".utf8CString)
    let descriptor = mkstemp(&name)
    guard descriptor >= 0 else { return }
    let whole = Array(SHA256.hex(of: code).utf8) + code
    var written = 0
    while written < whole.count {
      let count = whole[written...].withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
      guard count > 0 else { break }
      written += count
    }
    guard close(descriptor) == 0, written == whole.count, rename(name, path) == 0 else {
      unlink(name)
      return
    }
  }

  private static func makeFolders(_ path: String) {
    var prefix = path.hasPrefix("/") ? "" : "."
    for part in path.split(separator: "/") {
      prefix += "/\(part)"
      mkdir(prefix, 0o700)
    }
  }
}
