import Foundation

/// A script of this folder, run by the Python that `FUSELAB_PYTHON` names (one with numpy, onnx, onnxruntime).
enum PythonRun {
  static var interpreter: String? { ProcessInfo.processInfo.environment["FUSELAB_PYTHON"] }

  /// The folder of the trained network, inside the test data that `FUSELAB_TEST_DATA` names.
  static var mobileNetV2: String? {
    ProcessInfo.processInfo.environment["FUSELAB_TEST_DATA"].map { $0 + "/mobilenet_v2" }
  }

  struct Failure: Error {
    let script: String
    let status: Int32
  }

  static func run(_ script: String, _ arguments: String...) throws {
    guard let interpreter else { return }
    let process = Process()
    process.executableURL = URL(filePath: interpreter)
    let folder = URL(filePath: #filePath).deletingLastPathComponent()
    process.arguments = [folder.appending(path: script).path] + arguments
    try process.run()
    process.waitUntilExit()
    guard process.terminationStatus == 0 else {
      throw Failure(script: script, status: process.terminationStatus)
    }
  }

  /// `body` with a folder of its own, which is removed afterwards.
  static func withTemporaryFolder<Result>(_ body: (URL) throws -> Result) throws -> Result {
    let folder = FileManager.default.temporaryDirectory.appending(path: "fuselab-" + UUID().uuidString)
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    return try body(folder)
  }

  /// Whether the processor has one of `flags`, as Linux names them.
  static func processorHas(any flags: String...) -> Bool {
    let text = (try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8)) ?? ""
    let words = text.split(separator: "\n").first { $0.hasPrefix("flags") }?.split(separator: " ") ?? []
    return flags.contains { flag in words.contains { $0 == flag } }
  }
}
