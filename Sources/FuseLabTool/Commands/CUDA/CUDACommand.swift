import ArgumentParser

/// What has to do with a GPU. Without the trait `cuda`, the commands that need one are there to say so.
struct CUDACommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "cuda", abstract: "Run the kernels on an NVIDIA GPU.",
    discussion: CommandHelp.discussion(
      [
        ("fuselab cuda check mobilenet_v2", "every kernel on the GPU against the reference, byte by byte"),
        ("fuselab cuda bench mobilenet_v2 --json", "each fused kernel's time beside its layers'"),
        ("fuselab cuda bundle mobilenet_v2 -o v2", "a folder for a GPU machine without Swift"),
      ], exits: [.checkFailed, .invalid, .unsupported, .limit]),
    subcommands: [CUDACheck.self, CUDABench.self, CUDABundle.self])
}

#if !cuda
  /// A command that this build lacks.
  protocol AbsentCommand: ParsableCommand {
    var rest: [String] { get }
  }

  extension AbsentCommand {
    func run() throws {
      throw CommandFailure(
        "cuda-trait-off", "this fuselab is built without the trait cuda", exit: .unsupported,
        remedy: "build with: swift build -c release --traits cuda")
    }
  }

  struct CUDACheck: AbsentCommand {
    static let configuration = CommandConfiguration(
      commandName: "check",
      abstract: "Compare every kernel on the GPU with the reference (needs the trait cuda).")
    @Argument(parsing: .allUnrecognized) var rest: [String] = []
  }

  struct CUDABench: AbsentCommand {
    static let configuration = CommandConfiguration(
      commandName: "bench", abstract: "Time each fused kernel beside its layers' (needs the trait cuda).")
    @Argument(parsing: .allUnrecognized) var rest: [String] = []
  }
#endif
