import ArgumentParser
import ModelFiles

/// Finds a mistyped subcommand before the parser does, which only says that an argument is unexpected.
enum UnknownCommand {
  static func check(
    _ arguments: some Collection<String>, root: any ParsableCommand.Type, path: String = "fuselab"
  ) throws(CommandFailure) {
    let subcommands = root.configuration.subcommands
    guard !subcommands.isEmpty, let word = arguments.first, !word.hasPrefix("-") else { return }
    if word == "help" { return }
    let names = subcommands.map { $0._commandName }
    if let match = subcommands.first(where: { $0._commandName == word }) {
      return try check(arguments.dropFirst(), root: match, path: path + " " + word)
    }
    throw CommandFailure(
      "unknown-command", "'\(sanitised(word, limit: 60))' is no command of \(path)",
      remedy: DidYouMean.question(for: word, among: names)
        ?? "it has: \(names.joined(separator: ", ")); see \(path) --help")
  }
}

/// Lets global options stand before the subcommand: `fuselab --json inspect x` is `fuselab inspect x --json`.
enum CommandLineOrder {
  private static let takingValues: Set<String> = [
    "--color", "--seed", "--threads", "--batch", "--dim", "--max-file", "--max-memory",
  ]
  private static let flags: Set<String> = [
    "--json", "--quiet", "-q", "--verbose", "-v", "--strict", "--force", "--progress", "--no-json",
    "--no-quiet", "--no-verbose", "--no-strict", "--no-force", "--no-progress",
  ]

  static func optionsLast(_ arguments: [String]) -> [String] {
    var leading: [String] = []
    var rest = arguments[...]
    while let word = rest.first, word.hasPrefix("-") {
      if takingValues.contains(word), rest.count > 1 {
        leading += rest.prefix(2)
        rest = rest.dropFirst(2)
      } else if flags.contains(word) || takingValues.contains(where: { word.hasPrefix($0 + "=") }) {
        leading.append(word)
        rest = rest.dropFirst()
      } else {
        return arguments
      }
    }
    // Before `--`, after which everything is a file's name.
    let end = rest.firstIndex(of: "--") ?? rest.endIndex
    return rest.isEmpty ? arguments : rest[..<end] + leading + rest[end...]
  }
}
