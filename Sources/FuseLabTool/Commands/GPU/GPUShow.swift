import ArgumentParser
import ModelFiles

struct GPUShow: FuseLabCommand {
  static let verb = "gpu-show"
  static let configuration = CommandConfiguration(
    commandName: "show", abstract: "Show every fact of a GPU with its source.",
    discussion: CommandHelp.discussion([
      ("fuselab gpu show gtx1660", "facts, sources, and which could not be confirmed"),
      ("fuselab gpu show mine.yaml --json", "the same for programs"),
      ("fuselab gpu show gtx1660 -o mine.yaml", "write the description, to change it"),
    ]))

  @Argument(help: ArgumentHelp("A built-in GPU, or a .yaml or .cfg file.", valueName: "gpu"))
  var gpu: String
  @OptionGroup var output: OutputOption
  @OptionGroup(title: "Global options") var global: GlobalOptions

  func report(_ session: inout Session) throws -> Report {
    let file = try session.gpuFile(named: gpu)
    let data: JSONValue = ["gpu": GPUListing.json(file.gpu), "provenance": GPUListing.json(file.provenance)]
    guard let path = output.output else {
      return Report(data: data, text: GPUListing.text(file, session.style))
    }
    try session.write(file.print(), to: path)
    return Report(data: data, text: "")
  }
}
