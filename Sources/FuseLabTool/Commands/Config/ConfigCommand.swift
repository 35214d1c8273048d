import ArgumentParser

struct ConfigCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "config", abstract: "Check configuration files.",
    discussion: CommandHelp.discussion(
      [
        ("fuselab config check net.yaml", "what is wrong with a network"),
        ("fuselab config check mine.yaml", "what is wrong with a GPU description"),
        ("fuselab config check *.yaml --json", "many files, for programs"),
      ], exits: [.invalid, .unsupported, .limit]),
    subcommands: [ConfigCheck.self])
}
