import ArgumentParser
import ModelFiles

struct GPUCheck: FuseLabCommand {
  static let verb = "gpu-check"
  static let configuration = CommandConfiguration(
    commandName: "check", abstract: "Check GPU descriptions: syntax, types, and facts that contradict.",
    discussion: CommandHelp.discussion(
      [
        ("fuselab gpu check mine.yaml", "every error with its line"),
        ("fuselab gpu check *.yaml --quiet", "the exit status alone, errors aside"),
        ("fuselab gpu check mine.yaml --json", "the errors for programs"),
      ], exits: [.invalid, .unsupported, .limit]))

  @Argument(help: ArgumentHelp("Built-in names, .yaml or .cfg files.", valueName: "file"))
  var files: [String]
  @OptionGroup(title: "Global options") var global: GlobalOptions

  func report(_ session: inout Session) throws -> Report {
    var check = FileCheck()
    for file in files { check.add(file, as: .gpu, &session) }
    return check.report(quiet: session.settings.quiet)
  }
}
