import ArgumentParser

struct GPUCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "gpu", abstract: "List, show, check, import and calibrate GPU descriptions.",
    discussion: CommandHelp.discussion(
      [
        ("fuselab gpu list", "the GPUs that come with the tool"),
        ("fuselab gpu show gtx1660 -o mine.yaml", "write one to start a description of your own"),
        ("fuselab gpu check mine.yaml", "what is wrong with it"),
      ]),
    subcommands: [GPUList.self, GPUShow.self, GPUImport.self, GPUCheck.self, GPUCalibrate.self])
}
