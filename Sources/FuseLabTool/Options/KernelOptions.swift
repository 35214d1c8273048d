import ArgumentParser
import KernelSources
import Scheduling

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
