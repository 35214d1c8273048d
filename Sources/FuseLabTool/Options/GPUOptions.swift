import ArgumentParser
import Fusion
import ModelFiles

/// Which GPU.
struct GPUOption: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "A built-in GPU (fuselab gpu list) or a .yaml or .cfg file (default gtx1660).",
      valueName: "name"))
  var gpu: String?

  func name(_ environment: Environment = .process) -> String { gpu ?? environment.text("gpu") ?? "gtx1660" }
}

/// What the planner makes small, and within which bounds.
struct PlanOptions: ParsableArguments {
  /// The most convolutions that a kernel may join.
  static let largestGroup = 4

  @Option(help: ArgumentHelp("gma (default), dram, or an estimate: time or energy.", valueName: "cost"))
  var objective: String?
  @Option(help: ArgumentHelp("Fewest blocks of a kernel (default the GPU's SMs).", valueName: "n"))
  var minBlocks: Int?
  @Option(help: ArgumentHelp("Most convolutions in a kernel: 1 to 4 (default).", valueName: "n"))
  var maxFuse: Int?

  /// - Throws: `usage` for words that are no objective.
  func planObjective(_ environment: Environment = .process) throws -> Objective {
    let name = objective ?? environment.text("objective") ?? Objective.gma.rawValue
    if let objective = Objective(rawValue: name) { return objective }
    let known = Objective.allCases.map(\.rawValue)
    throw CommandFailure.usage(
      "'\(sanitised(name))' is no objective",
      remedy: DidYouMean.question(for: name, among: known) ?? "use one of: \(known.joined(separator: ", "))")
  }

  /// Nil: as many as the GPU has multiprocessors.
  func fewestBlocks(_ environment: Environment = .process) throws -> Int? {
    let blocks: Int? = try minBlocks ?? environment.value("min-blocks")
    if let blocks, !(1...1 << 30).contains(blocks) {
      throw CommandFailure.usage("--min-blocks is \(blocks)", remedy: "give 1 to \(1 << 30)")
    }
    return blocks
  }

  /// - Throws: `max-fuse-unsupported` beyond what kernels exist for, `usage` below 1.
  func mostFused(_ environment: Environment = .process) throws -> Int {
    let most: Int = try maxFuse ?? environment.value("max-fuse") ?? Self.largestGroup
    guard most >= 1 else { throw CommandFailure.usage("--max-fuse is \(most)", remedy: "give 1 to 4") }
    guard most <= Self.largestGroup else {
      throw CommandFailure(
        "max-fuse-unsupported", "kernels of \(most) convolutions are not supported yet", exit: .unsupported,
        remedy: "give 1 to 4")
    }
    return most
  }
}

/// `-o`.
struct OutputOption: ParsableArguments {
  @Option(
    name: .shortAndLong, help: ArgumentHelp("File to write, or - for standard output.", valueName: "file"))
  var output: String?
}
