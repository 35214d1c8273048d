import ArgumentParser
import ModelFiles

struct ConfigCheck: FuseLabCommand {
  static let verb = "config-check"
  static let configuration = CommandConfiguration(
    commandName: "check", abstract: "Check GPU and network files; the kind of each is found from its keys.",
    discussion: CommandHelp.discussion(
      [
        ("fuselab config check net.yaml", "every error with its line"),
        ("fuselab config check gpus/*.yaml nets/*.yaml", "all errors of all files"),
        ("fuselab config check net.yaml --json", "the errors for programs"),
      ], exits: [.invalid, .unsupported, .limit]))

  @Argument(help: ArgumentHelp("Files: .yaml, .json or .cfg.", valueName: "file"))
  var files: [String]
  @OptionGroup(title: "Global options") var global: GlobalOptions

  func report(_ session: inout Session) throws -> Report {
    var check = FileCheck()
    for file in files { check.add(file, as: nil, &session) }
    return check.report(quiet: session.settings.quiet)
  }
}
