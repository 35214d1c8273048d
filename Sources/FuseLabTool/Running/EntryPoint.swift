import ArgumentParser
import Foundation
import ModelFiles

/// Parses the command line, runs the command, and turns whatever goes wrong into words and an exit status.
enum EntryPoint {
  static func run(_ arguments: [String]) -> Never {
    Interruption.shared.install()
    do {
      let arguments = CommandLineOrder.optionsLast(arguments)
      try UnknownCommand.check(arguments, root: FuseLab.self)
      var command = try FuseLab.parseAsRoot(arguments)
      try command.run()
    } catch {
      Foundation.exit(finish(error, style(arguments)).rawValue)
    }
    Foundation.exit(ExitStatus.success.rawValue)
  }

  /// `--color` holds for errors too, even where the command line could not be parsed.
  private static func style(_ arguments: [String]) -> TerminalStyle {
    var choice = Environment.process.text("color").flatMap(TerminalStyle.Choice.init(rawValue:)) ?? .auto
    for (index, word) in arguments.enumerated() {
      let value =
        word == "--color"
        ? arguments.dropFirst(index + 1).first : word.split(separator: "=").last.map(String.init)
      guard word == "--color" || word.hasPrefix("--color="), let value else { continue }
      choice = TerminalStyle.Choice(rawValue: value) ?? choice
    }
    return TerminalStyle(descriptor: STDERR_FILENO, choice: choice, environment: .process)
  }

  private static func finish(_ error: any Error, _ style: TerminalStyle) -> ExitStatus {
    switch error {
    case let failure as CommandFailure: return say(failure, style)
    case let errors as FileErrors:
      StandardStream.say(style.highlighting(errors.description))
      return ExitStatus(rawValue: errors.exitStatus) ?? .invalid
    case let diagnostic as Diagnostic:
      StandardStream.say(style.highlighting(diagnostic.description))
      return ExitStatus(rawValue: diagnostic.exitStatus) ?? .invalid
    case let error as any CodedError: return say(CommandFailure(error), style)
    case let code as ExitCode: return ExitStatus(rawValue: code.rawValue) ?? .ourBug
    default: return finishParsing(error, style)
    }
  }

  private static func say(_ failure: CommandFailure, _ style: TerminalStyle) -> ExitStatus {
    let message = sanitisedLines(failure.message)
    let remedy = failure.remedy.map { "\n  = \(sanitisedLines($0))" } ?? ""
    StandardStream.say(style.highlighting("error[\(failure.code)]: \(message)\(remedy)"))
    return failure.exit
  }

  /// Help and version go to standard output; what the parser refuses is `usage`.
  private static func finishParsing(_ error: any Error, _ style: TerminalStyle) -> ExitStatus {
    let code = FuseLab.exitCode(for: error)
    if code.isSuccess {
      do { try StandardStream.print(FuseLab.fullMessage(for: error) + "\n") } catch { return error.exit }
      return .success
    }
    guard code == .validationFailure else {
      let failure = CommandFailure(
        "internal", "unexpected: \(error)", exit: .ourBug, remedy: "please report this with the command")
      return say(failure, style)
    }
    // The parser's words are `Error: …`, then lines of help and usage.
    let full = FuseLab.fullMessage(for: error).split(separator: "\n", omittingEmptySubsequences: false)
    let message = full.first.map { $0.hasPrefix("Error: ") ? $0.dropFirst(7) : $0 } ?? ""
    let rest = full.dropFirst().map { "\n" + sanitised(String($0), limit: 400) }.joined()
    let text = "error[usage]: \(sanitised(String(message), limit: 2000))\(rest)"
    StandardStream.say(style.highlighting(text))
    return .invalid
  }

  private static func sanitisedLines(_ text: String) -> String {
    text.split(separator: "\n", omittingEmptySubsequences: false).map { sanitised(String($0), limit: 2000) }
      .joined(separator: "\n  ")
  }
}
