import ArgumentParser
import Rendering

struct Graph: FuseLabCommand {
  static let verb = "graph"
  static let configuration = CommandConfiguration(
    abstract: "Draw the fusion graph: kernels boxed, edges weighted by bytes.",
    discussion: CommandHelp.discussion(
      [
        ("fuselab graph mobilenet_v2 -o v2.svg", "the plan for the default GPU as SVG"),
        ("fuselab graph net.yaml --gpu h200 --dtype int8 -o net.svg", "another GPU, INT8"),
        ("fuselab graph xception -o -", "DOT text on standard output"),
      ], exits: [.invalid, .unsupported, .limit]))

  @OptionGroup var request: PlanRequest
  @OptionGroup var file: OutputOption
  @OptionGroup(title: "Global options") var global: GlobalOptions

  func report(_ session: inout Session) throws -> Report {
    guard let path = file.output else {
      throw CommandFailure.usage("-o is missing", remedy: "name a file that ends in .svg or .dot, or -")
    }
    let isSVG = path.hasSuffix(".svg")
    guard isSVG || path.hasSuffix(".dot") || path == "-" else {
      throw CommandFailure.usage(
        "-o \(path) ends in neither .svg nor .dot", remedy: "the ending says what to draw; - is DOT text")
    }
    let plan = try session.plan(request)
    let graph = FusionGraph(plan)
    try session.write(isSVG ? try graph.svg() : graph.dot, to: path)
    let data: JSONValue = [
      "file": .string(Session.fileName(path)), "format": .string(isSVG ? "svg" : "dot"),
      "fused_kernels": .integer(plan.fusedGroups.count),
    ]
    return Report(data: data, text: "")
  }
}
