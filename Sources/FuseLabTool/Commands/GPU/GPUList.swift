import ArgumentParser
import ModelFiles

struct GPUList: FuseLabCommand {
  static let verb = "gpu-list"
  static let configuration = CommandConfiguration(
    commandName: "list", abstract: "List the GPUs that come with the tool.",
    discussion: CommandHelp.discussion([
      ("fuselab gpu list", "names and the facts that matter most"),
      ("fuselab gpu list --json", "the same for programs"),
      ("fuselab gpu show a100", "everything about one of them"),
    ]))

  @OptionGroup(title: "Global options") var global: GlobalOptions

  func report(_ session: inout Session) throws -> Report {
    let gpus = BuiltIn.gpus.compactMap { BuiltIn.gpu(named: $0) }
    return Report(
      data: ["gpus": .array(gpus.map { GPUListing.json($0) })],
      text: GPUListing.text(gpus, session.style))
  }
}
