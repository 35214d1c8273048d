import ArgumentParser
import ModelFiles
import Workload

struct Inspect: FuseLabCommand {
  static let verb = "inspect"
  static let configuration = CommandConfiguration(
    abstract: "Show the layers of a network: kinds, sizes, work and parameters.",
    discussion: CommandHelp.discussion(
      [
        ("fuselab inspect mobilenet_v2", "every layer, totals and coverage"),
        ("fuselab inspect net.yaml --batch 8 --json", "the same for programs, 8 images at once"),
        ("fuselab inspect model_dag.json --strict", "exit with 3 if a layer cannot be computed"),
      ], exits: [.invalid, .unsupported, .limit]))

  @OptionGroup var model: ModelArgument
  @OptionGroup(title: "Global options") var global: GlobalOptions

  func report(_ session: inout Session) throws -> Report {
    let network = try session.network(model)
    return Report(data: NetworkListing.json(network), text: NetworkListing.text(network, session.style))
  }
}
