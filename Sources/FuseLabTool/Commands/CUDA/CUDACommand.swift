import ArgumentParser

/// What needs a GPU. Without the trait `cuda` the command is there to say so.
struct CUDACommand: ParsableCommand {
  private static let discussion = CommandHelp.discussion(
    [
      ("fuselab cuda check mobilenet_v2", "every kernel on the GPU against the reference, byte by byte"),
      ("fuselab cuda check mobilenet_v2 --dtype int8", "the same in INT8"),
      ("fuselab cuda bench mobilenet_v2 --json", "each fused kernel's time beside its layers'"),
    ], exits: [.checkFailed, .invalid, .unsupported, .limit])

  #if cuda
    static let configuration = CommandConfiguration(
      commandName: "cuda", abstract: "Run the kernels on an NVIDIA GPU.", discussion: discussion,
      subcommands: [CUDACheck.self, CUDABench.self])
  #else
    static let configuration = CommandConfiguration(
      commandName: "cuda", abstract: "Run the kernels on an NVIDIA GPU (needs the trait cuda).",
      discussion: discussion)

    @Argument(parsing: .allUnrecognized) var rest: [String] = []

    func run() throws {
      throw CommandFailure(
        "cuda-trait-off", "this fuselab is built without the trait cuda", exit: .unsupported,
        remedy: "build with: swift build -c release --traits cuda")
    }
  #endif
}
