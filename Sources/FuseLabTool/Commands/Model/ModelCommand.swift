import ArgumentParser

struct ModelCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "model", abstract: "List and import networks.",
    discussion: CommandHelp.discussion([
      ("fuselab model list", "the networks that come with the tool"),
      ("fuselab model import model_dag.json", "turn FusePlanner's format into YAML"),
      ("fuselab inspect mobilenet_v1", "the layers of one network"),
    ]),
    subcommands: [ModelList.self, ModelImport.self])
}
