import ArgumentParser
import KernelSources
import ModelFiles
import Scheduling
import Verification

/// What executes kernels.
struct EngineOption: ParsableArguments {
  /// Those that are to come.
  private static let planned = ["reference", "fast", "blas", "cuda"]

  @Option(
    help: ArgumentHelp(
      "What executes the kernels: schedule (default), their steps; or emulator, their CUDA source on the CPU.",
      valueName: "engine"))
  var engine: String?

  /// - Throws: `engine-unsupported` for one that is to come, `usage` for other words.
  func chosen(_ environment: Environment = .process) throws(CommandFailure) -> ExecutionEngine {
    let name = engine ?? environment.text("engine") ?? ExecutionEngine.schedule.rawValue
    if let engine = ExecutionEngine(rawValue: name) { return engine }
    let known = ExecutionEngine.allCases.map(\.rawValue)
    let remedy = "use one of: \(known.joined(separator: ", "))"
    if Self.planned.contains(name) {
      throw CommandFailure(
        "engine-unsupported", "verify by \(name) is not supported yet", exit: .unsupported, remedy: remedy)
    }
    throw CommandFailure.usage(
      "'\(sanitised(name, limit: 60))' is no engine",
      remedy: DidYouMean.question(for: name, among: known + Self.planned) ?? remedy)
  }
}

/// A kernel of the user's own.
struct KernelOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Run your own CUDA kernel for the layers of --layers: a .cu file that defines FCM_KERNEL.",
      valueName: "my.cu"))
  var kernel: String?
  @Option(help: ArgumentHelp("Blocks of its launch; the schedule's by default.", valueName: "n"))
  var blocks: Int?
  @Option(help: ArgumentHelp("Threads of a block; the schedule's by default.", valueName: "n"))
  var threadsPerBlock: Int?
  @Option(help: ArgumentHelp("Bytes of dynamic shared memory; the schedule's by default.", valueName: "n"))
  var sharedBytes: Int?

  /// - Throws: `usage` where a launch is given for no kernel.
  func validate() throws {
    guard kernel == nil, blocks != nil || threadsPerBlock != nil || sharedBytes != nil else { return }
    throw ValidationError("--blocks, --threads-per-block and --shared-bytes are of a kernel: add --kernel")
  }

  /// - Throws: `usage` where a number is out of range.
  func launch(_ schedule: Schedule) throws(CommandFailure) -> KernelLaunch {
    let own = KernelLaunch(schedule)
    func number(_ value: Int?, _ otherwise: Int, _ flag: String, _ range: ClosedRange<Int>)
      throws(CommandFailure) -> Int
    {
      guard let value else { return otherwise }
      guard range.contains(value) else {
        throw CommandFailure.usage("\(flag) \(value) is not in \(range.lowerBound)…\(range.upperBound)")
      }
      return value
    }
    return KernelLaunch(
      blocks: try number(blocks, own.blocks, "--blocks", 1...Int(Int32.max)),
      threads: try number(threadsPerBlock, own.threads, "--threads-per-block", 1...1024),
      sharedBytes: try number(sharedBytes, own.sharedBytes, "--shared-bytes", 0...(1 << 20)))
  }
}
