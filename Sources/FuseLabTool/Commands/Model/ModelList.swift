import ArgumentParser
import ModelFiles

struct ModelList: FuseLabCommand {
  static let verb = "model-list"
  static let configuration = CommandConfiguration(
    commandName: "list", abstract: "List the networks that come with the tool.",
    discussion: CommandHelp.discussion([
      ("fuselab model list", "names, layers, work and parameters"),
      ("fuselab model list --json", "the same for programs"),
      ("fuselab inspect xception", "the layers of one of them"),
    ]))

  @OptionGroup(title: "Global options") var global: GlobalOptions

  func report(_ session: inout Session) throws -> Report {
    let files = BuiltIn.networks.compactMap { BuiltIn.networkFile(named: $0) }
    return Report(
      data: ["models": .array(files.map(NetworkListing.summary))],
      text: NetworkListing.text(files, session.style))
  }
}
