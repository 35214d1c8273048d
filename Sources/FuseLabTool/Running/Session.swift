import Foundation
import Hardware
import ModelFiles
import Workload

/// One run of a command: its settings, what it has read, and what it has to warn of.
struct Session {
  let settings: Settings
  /// Of standard output.
  let style: TerminalStyle
  /// Of standard error.
  let errorStyle: TerminalStyle
  private(set) var inputs: [InputRecord] = []
  private(set) var warnings: [Warning] = []

  init(_ options: GlobalOptions, environment: Environment = .process) throws {
    settings = try Settings(options, environment: environment)
    style = TerminalStyle(descriptor: STDOUT_FILENO, choice: settings.color, environment: environment)
    errorStyle = TerminalStyle(descriptor: STDERR_FILENO, choice: settings.color, environment: environment)
  }

  /// A line on standard error for those who asked for more with `-v`.
  func note(_ text: String) { if settings.verbose, !settings.quiet { StandardStream.say(text) } }

  /// Records what a result depends on.
  mutating func record(_ input: InputRecord) { inputs.append(input) }

  /// Warns on standard error, unless `--quiet`, and in the envelope.
  mutating func warn(_ code: String, _ message: String, where place: String? = nil) {
    warnings.append(Warning(code: code, message: message, place: place))
    let at = place.map { "\n  --> \(sanitised($0, limit: 400))" } ?? ""
    say("\(errorStyle.yellow("warning[\(code)]:")) \(sanitised(message, limit: 2000))\(at)")
  }

  mutating func warn(_ diagnostics: [Diagnostic]) {
    for diagnostic in diagnostics {
      let line = diagnostic.location.map { ":\($0.line):\($0.column)" } ?? ""
      let place = diagnostic.path.map { Self.fileName($0) + line }
      warnings.append(Warning(code: diagnostic.code.rawValue, message: diagnostic.message, place: place))
      say(errorStyle.highlighting(diagnostic.description))
    }
  }

  private func say(_ text: String) { if !settings.quiet { StandardStream.say(text) } }

  /// Writes a result of its own to `-o`: `-` is standard output, and then not together with `--json`.
  func write(_ text: String, to path: String) throws(CommandFailure) {
    if path == "-" {
      guard !settings.json else {
        throw .usage("--json and -o - would both write to standard output", remedy: "drop one")
      }
      return try StandardStream.print(text)
    }
    try OutputFile.write(Array(text.utf8), to: path, force: settings.force)
    note("wrote \(sanitised(path, limit: 400))")
  }

  /// Prints the report: its text, or with `--json` the envelope of schema `fuselab.<verb>/1`.
  func emit(_ report: Report, verb: String) throws(CommandFailure) {
    guard settings.json else { return try StandardStream.print(report.text) }
    try StandardStream.print(try envelope(report.data, verb: verb).text())
  }

  /// What `--json` prints, for commands that also write it to a file.
  func envelope(_ data: JSONValue, verb: String) -> JSONValue {
    [
      "schema": .string("fuselab.\(verb)/1"),
      "tool": ["name": "fuselab", "version": .string(FuseLab.version)],
      "inputs": .array(inputs.map(\.json)),
      "data": data,
      "warnings": .array(warnings.map(\.json)),
    ]
  }

  static func fileName(_ path: String) -> String {
    path.split(separator: "/").last.map(String.init) ?? path
  }
}

extension TerminalStyle {
  /// Colours the `error[code]:` and `warning[code]:` with which a diagnostic's lines begin.
  func highlighting(_ text: String) -> String {
    guard isColoured else { return text }
    return text.split(separator: "\n", omittingEmptySubsequences: false).map { line in
      guard let end = line.range(of: "]:")?.upperBound else { return String(line) }
      if line.hasPrefix("error[") { return red(String(line[..<end])) + line[end...] }
      if line.hasPrefix("warning[") { return yellow(String(line[..<end])) + line[end...] }
      return String(line)
    }.joined(separator: "\n")
  }
}
