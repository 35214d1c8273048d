import ArgumentParser
import ModelFiles

struct GPUImport: FuseLabCommand {
  static let verb = "gpu-import"
  static let configuration = CommandConfiguration(
    commandName: "import", abstract: "Turn one of FusePlanner's hardware files into a GPU description.",
    discussion: CommandHelp.discussion([
      ("fuselab gpu import gtx.cfg", "the description as YAML on standard output"),
      ("fuselab gpu import gtx.cfg -o gtx.yaml", "the same into a file"),
      ("fuselab gpu import own.cfg --base a100", "take what the file lacks from the A100"),
    ]))

  @Argument(help: ArgumentHelp("A .cfg file with SMs::, L1::, shmem:: and warp_size::.", valueName: "file"))
  var file: String
  @Option(help: ArgumentHelp("Built-in GPU for the other facts (default the nearest).", valueName: "gpu"))
  var base: String?
  @OptionGroup var output: OutputOption
  @OptionGroup(title: "Global options") var global: GlobalOptions

  func report(_ session: inout Session) throws -> Report {
    let imported = try session.importGPU(file, base: base)
    let data: JSONValue = [
      "gpu": GPUListing.json(imported.gpu), "provenance": GPUListing.json(imported.provenance),
    ]
    guard let path = output.output else { return Report(data: data, text: imported.print()) }
    try session.write(imported.print(), to: path)
    return Report(data: data, text: "")
  }
}
