import Foundation

/// What a finished process left.
public struct CommandOutcome: Sendable {
  public let status: Int32
  public let output, errors: String

  /// The `code` of each `error[code]:` and `warning[code]:` on standard error, in order.
  public var codes: [String] {
    errors.split(separator: "\n").compactMap { line in
      guard line.hasPrefix("error[") || line.hasPrefix("warning["), let end = line.firstIndex(of: "]")
      else { return nil }
      return line.firstIndex(of: "[").map { String(line[line.index(after: $0)..<end]) }
    }
  }
}

/// Runs the `fuselab` that was built with the tests, as users run it: in a process of its own.
public enum CommandRunner {
  public enum Failure: Error { case notBuilt(searched: [String]) }

  /// The binary lies beside the test bundle.
  public static func executable(_ name: String = "fuselab") throws -> URL {
    let starts = [Bundle.main.executableURL, CommandLine.arguments.first.map { URL(fileURLWithPath: $0) }]
    var searched: [String] = []
    for start in starts.compactMap({ $0 }) {
      var folder = start.deletingLastPathComponent()
      for _ in 0..<4 {
        let candidate = folder.appendingPathComponent(name)
        if FileManager.default.isExecutableFile(atPath: candidate.path),
          !FileManager.default.fileExists(atPath: candidate.path + "/.")
        {
          return candidate
        }
        searched.append(folder.path)
        folder = folder.deletingLastPathComponent()
      }
    }
    throw Failure.notBuilt(searched: searched)
  }

  /// `fuselab` with `arguments`; its environment is `PATH`, `HOME` and what is given.
  public static func run(
    _ arguments: [String], input: String? = nil, environment: [String: String] = [:],
    in folder: TemporaryFolder? = nil
  ) throws -> CommandOutcome {
    try run(executable(), arguments, input: input, environment: environment, in: folder)
  }

  /// A script of `sh` in which `$FUSELAB` is the binary.
  public static func shell(_ script: String, in folder: TemporaryFolder? = nil) throws -> CommandOutcome {
    let shell = URL(fileURLWithPath: "/bin/sh")
    return try run(
      shell, ["-c", script], input: nil, environment: ["FUSELAB": executable().path], in: folder)
  }

  /// A process ready to be started, for tests that signal it; its streams are files in `folder`.
  public static func process(
    _ executable: URL, _ arguments: [String], environment: [String: String], streams: TemporaryFolder
  ) throws -> Process {
    let process = Process()
    process.executableURL = executable
    process.arguments = arguments
    let inherited = ProcessInfo.processInfo.environment.filter { ["PATH", "HOME"].contains($0.key) }
    process.environment = inherited.merging(["SWIFT_BACKTRACE": "enable=no"]) { $1 }
      .merging(environment) { $1 }
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = try FileHandle(forWritingTo: streams.file("stdout", ""))
    process.standardError = try FileHandle(forWritingTo: streams.file("stderr", ""))
    return process
  }

  /// Any program, in the same way.
  public static func run(
    _ executable: URL, _ arguments: [String], input: String? = nil, environment: [String: String] = [:],
    in folder: TemporaryFolder? = nil
  ) throws -> CommandOutcome {
    // Files, not pipes: a full pipe would stop the process.
    let streams = try TemporaryFolder()
    let process = try process(executable, arguments, environment: environment, streams: streams)
    if let input { process.standardInput = try FileHandle(forReadingFrom: streams.file("stdin", input)) }
    if let folder { process.currentDirectoryURL = folder.url }
    try process.run()
    process.waitUntilExit()
    let signal = process.terminationReason == .uncaughtSignal
    return CommandOutcome(
      status: signal ? 128 + process.terminationStatus : process.terminationStatus,
      output: try streams.text("stdout"), errors: try streams.text("stderr"))
  }
}

/// A folder that goes when the test ends.
public final class TemporaryFolder: Sendable {
  public let url: URL

  public init() throws {
    url = FileManager.default.temporaryDirectory.appendingPathComponent("fuselab-test-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(at: url) }

  public func path(_ name: String) -> String { url.appendingPathComponent(name).path }

  /// Writes a file and gives its place.
  @discardableResult public func file(_ name: String, _ text: String) throws -> URL {
    let file = url.appendingPathComponent(name)
    try Data(text.utf8).write(to: file)
    return file
  }

  public func text(_ name: String) throws -> String {
    String(decoding: try Data(contentsOf: url.appendingPathComponent(name)), as: UTF8.self)
  }

  /// Names of everything in the folder, hidden files too.
  public var names: [String] {
    get throws { try FileManager.default.contentsOfDirectory(atPath: url.path).sorted() }
  }
}
