import ArgumentParser

@main
struct FuseLab: ParsableCommand {
  static let version = "0.1.0"

  static let configuration = CommandConfiguration(
    commandName: "fuselab", abstract: "Depthwise and pointwise convolutions on a GPU, without the GPU.",
    discussion: CommandHelp.discussion(
      [
        ("fuselab demo", "verify, plan, simulate and draw MobileNetV2"),
        ("fuselab plan xception --gpu agx_orin", "which layers to fuse on a GPU, and why"),
        ("fuselab verify my-net.yaml --dtype int8", "every kernel against the reference, byte by byte"),
      ], exits: [.checkFailed, .invalid, .unsupported, .limit]),
    version: version,
    subcommands: [
      Demo.self, Doctor.self, Inspect.self, Verify.self, Plan.self, Explain.self, Simulate.self, Graph.self,
      Compare.self, Bench.self, CUDACommand.self, GPUCommand.self, ModelCommand.self, ConfigCommand.self,
    ])

  static func main() { EntryPoint.run(Array(CommandLine.arguments.dropFirst())) }
}
