import ArgumentParser
import Fusion

struct Plan: FuseLabCommand {
  static let verb = "plan"
  static let configuration = CommandConfiguration(
    abstract: "Choose which layers to fuse, with which tiles, at least cost.",
    discussion: CommandHelp.discussion(
      [
        ("fuselab plan mobilenet_v2 --gpu gtx1660", "kernels, tiles, bytes, and why others are not fused"),
        ("fuselab plan net.yaml --dtype int8 --objective dram", "least DRAM traffic in INT8"),
        ("fuselab plan model_dag.json --from theirs.cfg", "beside FusePlanner's decisions, checked here"),
      ], exits: [.invalid, .unsupported, .limit]))

  @OptionGroup var request: PlanRequest
  @Option(
    help: ArgumentHelp(
      "One of FusePlanner's fusion lists: which of its decisions are legal here, and what they cost.",
      valueName: "theirs.cfg"))
  var from: String?
  @OptionGroup var file: OutputOption
  @OptionGroup(title: "Global options") var global: GlobalOptions

  func report(_ session: inout Session) throws -> Report {
    let model = try session.load(request.model)
    let planner = try session.planner(request)
    let plan = try session.plan(model.network, by: planner)
    var data = PlanListing.json(plan)
    var text = PlanListing.text(plan, session.style)
    if let from {
      let listing = ReviewListing(try session.review(of: from, model, planner, plan), plan)
      if case .object(let values) = data { data = .object(values.merging(["from": listing.json]) { $1 }) }
      text += listing.text(session.style)
    }
    if let path = file.output {
      try session.write(try session.envelope(data, verb: Self.verb).text(), to: path)
      if path == "-" { return Report(data: data, text: "") }
    }
    return Report(data: data, text: text)
  }
}
