import ArgumentParser

/// A subcommand. It reads through the session, computes, and gives a report; everything else is done here.
protocol FuseLabCommand: ParsableCommand {
  /// Names the schema of the JSON output: `plan` is `fuselab.plan/1`.
  static var verb: String { get }
  var global: GlobalOptions { get }
  func report(_ session: inout Session) throws -> Report
}

extension FuseLabCommand {
  mutating func run() throws {
    var session = try Session(global)
    let report = try report(&session)
    try session.emit(report, verb: Self.verb)
    if report.exit != .success { throw ExitCode(report.exit.rawValue) }
  }
}

/// The lower half of every `--help`.
enum CommandHelp {
  /// Three examples with what they do, and the exit codes beside 0.
  static func discussion(
    _ examples: [(command: String, purpose: String)], exits: [ExitStatus] = [.invalid]
  ) -> String {
    let commands = examples.map { "  \($0.command)\n      \($0.purpose)" }
    let codes = ([.success] + exits + [.ourBug]).map { "  \($0.rawValue)  \($0.meaning)" }
    return "EXAMPLES:\n" + commands.joined(separator: "\n") + "\n\nEXIT CODES:\n"
      + codes.joined(separator: "\n")
  }
}
