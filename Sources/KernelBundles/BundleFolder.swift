import Digest
import Glibc
import KernelSources

/// A bundle on disk. Tensors are read when a kernel needs them.
public struct BundleFolder: Sendable {
  public let manifest: BundleManifest
  private let path: String
  private let headers: [(name: String, text: String)]

  /// - Throws: `BundleError` where the manifest or a text is missing or malformed.
  public init(_ path: String) throws(BundleError) {
    self.path = path
    let folder = path
    manifest = try BundleManifest(
      String(decoding: try Self.read("\(path)/\(BundleManifest.fileName)", limit: 1 << 26), as: UTF8.self))
    var headers: [(name: String, text: String)] = []
    for name in manifest.headers {
      let bytes = try Self.read("\(folder)/kernels/\(name)", limit: 1 << 24)
      headers.append((name, String(decoding: bytes, as: UTF8.self)))
    }
    self.headers = headers
  }

  /// The kernel of `entry` with its operands, as they were written.
  /// - Throws: `BundleError` where a file is missing, too long or not what the manifest says.
  public func job(of entry: BundleEntry) throws(BundleError) -> KernelJob {
    var operands: [Int: [UInt8]] = [:]
    for (pointer, tensor) in entry.operands { operands[pointer] = try bytes(of: tensor) }
    let source = try Self.read("\(path)/kernels/\(entry.id).cu", limit: 1 << 24)
    return KernelJob(
      name: entry.function, source: String(decoding: source, as: UTF8.self), headers: headers,
      launch: entry.launch,
      operands: operands, outputBytes: entry.expected.bytes)
  }

  /// The bytes that the kernel must give, those of the reference.
  public func expected(of entry: BundleEntry) throws(BundleError) -> [UInt8] { try bytes(of: entry.expected) }

  private func bytes(of tensor: BundleTensor) throws(BundleError) -> [UInt8] {
    let bytes = try Self.read("\(path)/\(tensor.path)", limit: tensor.bytes)
    guard bytes.count == tensor.bytes, SHA256.hex(of: bytes).hasPrefix(tensor.digest) else {
      throw .spoilt(tensor.path)
    }
    return bytes
  }

  private static func read(_ path: String, limit: Int) throws(BundleError) -> [UInt8] {
    guard let file = fopen(path, "r") else { throw .unreadable(path, String(cString: strerror(errno))) }
    defer { fclose(file) }
    var all: [UInt8] = []
    var piece = [UInt8](repeating: 0, count: 1 << 16)
    while true {
      let count = fread(&piece, 1, piece.count, file)
      guard count > 0 else { break }
      all += piece[..<count]
      if all.count > limit { throw .tooLarge(path, limit: limit) }
    }
    guard ferror(file) == 0 else { throw .unreadable(path, "it is no file") }
    return all
  }
}
