import Foundation
import KernelBundles
import ModelFiles

/// The lean program that runs a bundle.
enum BundledProgram {
  static let name = "fuselab-gpu"

  /// - Parameter choice: A path, `none`, or nil for the one beside this program.
  /// - Throws: `bundle-no-executable` where there is none to be read.
  static func read(_ choice: String?) throws -> [UInt8]? {
    if choice == "none" { return nil }
    let path = choice ?? beside()
    guard let data = FileManager.default.contents(atPath: path), !data.isEmpty else {
      throw CommandFailure(
        "bundle-no-executable", "'\(sanitised(path, limit: 400))' cannot be read",
        remedy: "build it: swift build -c release --static-swift-stdlib --product fuselab-gpu -Xlinker -s; "
          + "or pass --executable none")
    }
    return Array(data)
  }

  private static func beside() -> String {
    let own =
      (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe"))
      ?? CommandLine.arguments[0]
    return URL(fileURLWithPath: own).deletingLastPathComponent().appendingPathComponent(name).path
  }
}

/// A bundle as a folder.
enum BundleWriting {
  /// - Throws: `output-exists` where the folder holds something.
  static func checkIsFree(_ folder: String, force: Bool) throws {
    guard !force, let names = try? FileManager.default.contentsOfDirectory(atPath: folder), !names.isEmpty
    else {
      return
    }
    throw CommandFailure(
      "output-exists", "'\(sanitised(folder, limit: 400))' is not empty",
      remedy: "name a new folder, or pass --force")
  }

  /// The manifest comes last: a folder without it is no bundle.
  static func write(_ bundle: KernelBundle, _ program: [UInt8]?, to folder: String, force: Bool) throws {
    for name in ["", "/kernels", "/data"] { try FolderMaking.make(folder + name) }
    for file in KernelBundle.scripts + bundle.files.reversed() {
      try OutputFile.write(file.bytes, to: "\(folder)/\(file.path)", force: force)
    }
    guard let program else { return }
    let path = "\(folder)/\(BundledProgram.name)"
    try OutputFile.write(program, to: path, force: force)
    guard chmod(path, 0o755) == 0 else { throw OutputFile.failure(errno, path: path) }
  }
}
