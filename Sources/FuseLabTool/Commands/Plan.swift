import ArgumentParser

struct Plan: FuseLabCommand {
  static let verb = "plan"
  static let configuration = CommandConfiguration(
    abstract: "Choose which layers to fuse, with which tiles, at least cost.",
    discussion: CommandHelp.discussion(
      [
        ("fuselab plan mobilenet_v2 --gpu gtx1660", "kernels, tiles, bytes, and why others are not fused"),
        ("fuselab plan net.yaml --dtype int8 --objective dram", "least DRAM traffic in INT8"),
        ("fuselab plan xception --json -o plan.json", "the plan as a file"),
      ], exits: [.invalid, .unsupported, .limit]))

  @OptionGroup var request: PlanRequest
  @OptionGroup var file: OutputOption
  @OptionGroup(title: "Global options") var global: GlobalOptions

  func report(_ session: inout Session) throws -> Report {
    let plan = try session.plan(request)
    let data = PlanListing.json(plan)
    if let path = file.output {
      try session.write(try session.envelope(data, verb: Self.verb).text(), to: path)
      if path == "-" { return Report(data: data, text: "") }
    }
    return Report(data: data, text: PlanListing.text(plan, session.style))
  }
}
