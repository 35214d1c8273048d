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

/// What help says of commands that need a GPU, whether this build has them or not.
enum CUDAHelp {
  private static let exits: [ExitStatus] = [.checkFailed, .invalid, .unsupported, .limit]

  static let check = CommandHelp.discussion(
    [
      ("fuselab cuda check mobilenet_v2 --gpu h200", "FP32, the plan for that GPU"),
      ("fuselab cuda check mobilenet_v1 --dtype int8 --requant tflite", "INT8 as TensorFlow Lite rounds"),
      ("fuselab cuda check xception --layers 4-5 --device 1", "two layers, on the second GPU"),
    ], exits: exits)
  static let bench = CommandHelp.discussion(
    [
      ("fuselab cuda bench mobilenet_v2 --gpu h200", "cold and warm L2, medians and ratios"),
      ("fuselab cuda bench mobilenet_v2 --layers 4-5 --runs 100", "one pair, more runs"),
      ("fuselab cuda bench mobilenet_v1 --dtype int8 --json", "every run's time, for programs"),
    ], exits: exits)
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
      abstract: "Compare every kernel on the GPU with the reference (needs the trait cuda).",
      discussion: CUDAHelp.check)
    @Argument(parsing: .allUnrecognized) var rest: [String] = []
  }

  struct CUDABench: AbsentCommand {
    static let configuration = CommandConfiguration(
      commandName: "bench", abstract: "Time each fused kernel beside its layers' (needs the trait cuda).",
      discussion: CUDAHelp.bench)
    @Argument(parsing: .allUnrecognized) var rest: [String] = []
  }
#endif
