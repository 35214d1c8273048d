import ArgumentParser
import ModelFiles

struct ModelImport: FuseLabCommand {
  static let verb = "model-import"
  static let configuration = CommandConfiguration(
    commandName: "import", abstract: "Turn a model_dag.json into the native YAML.",
    discussion: CommandHelp.discussion(
      [
        ("fuselab model import model_dag.json", "the YAML on standard output"),
        ("fuselab model import model_dag.json -o net.yaml", "the same into a file"),
        ("fuselab model import - < model_dag.json", "from standard input"),
      ], exits: [.invalid, .unsupported, .limit]))

  @OptionGroup var model: ModelArgument
  @OptionGroup var output: OutputOption
  @OptionGroup(title: "Global options") var global: GlobalOptions

  func report(_ session: inout Session) throws -> Report {
    let network = try session.network(model)
    let origin = session.inputs.first?.name ?? model.model
    let text = NetworkFile(network: network, source: "imported from \(origin)").print()
    let data = NetworkListing.json(network)
    guard let path = output.output else { return Report(data: data, text: text) }
    try session.write(text, to: path)
    return Report(data: data, text: "")
  }
}
