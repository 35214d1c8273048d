import ArgumentParser
import Foundation
import ModelFiles

extension TerminalStyle.Choice: ExpressibleByArgument {}

/// What every command takes. `Settings` adds environment and defaults.
struct GlobalOptions: ParsableArguments {
  @Flag(inversion: .prefixedNo, help: "Write JSON with a versioned schema to standard output.")
  var json: Bool?
  @Flag(name: .shortAndLong, inversion: .prefixedNo, help: "Say nothing but errors.")
  var quiet: Bool?
  @Flag(name: .shortAndLong, inversion: .prefixedNo, help: "Say more.")
  var verbose: Bool?
  @Option(help: ArgumentHelp("Colour: auto, always or never.", valueName: "when"))
  var color: TerminalStyle.Choice?
  @Option(help: ArgumentHelp("Seed of all random numbers (default 0).", valueName: "n"))
  var seed: UInt64?
  @Option(help: ArgumentHelp("Threads (default all processors); no result depends on it.", valueName: "n"))
  var threads: Int?
  @Flag(inversion: .prefixedNo, help: "Exit with 3 if the network has operations that are not computed.")
  var strict: Bool?
  @Option(help: ArgumentHelp("Images at once (default as the model says).", valueName: "n"))
  var batch: Int?
  @Option(
    help: ArgumentHelp(
      "A number for a size that the model names, as in N=8; repeatable.", valueName: "name=n"))
  var dim: [NamedDimension] = []
  @Option(help: ArgumentHelp("Largest file read: bytes, or 64M (default).", valueName: "bytes"))
  var maxFile: ByteCount?
  @Option(help: ArgumentHelp("Most memory for tensors: bytes, or 8G (default).", valueName: "bytes"))
  var maxMemory: ByteCount?
  @Flag(inversion: .prefixedNo, help: "Replace files that exist.")
  var force: Bool?
  @Flag(inversion: .prefixedNo, help: "Show progress on standard error.")
  var progress: Bool?
}

/// What holds for one run: flag, else `FUSELAB_*` variable, else default.
struct Settings: Sendable {
  let json, quiet, verbose, strict, force, progress: Bool
  let color: TerminalStyle.Choice
  let seed: UInt64
  let threads: Int
  /// Nil: as the model says.
  let batch: Int?
  /// Numbers for the sizes that a model names.
  let dimensions: [String: Int]
  /// The largest file read, in bytes.
  let maxFile: Int
  /// The most memory that a network's values may take, in bytes.
  let maxMemory: Int

  init(_ options: GlobalOptions, environment: Environment) throws {
    json = try options.json ?? environment.flag("json") ?? false
    quiet = try options.quiet ?? environment.flag("quiet") ?? false
    verbose = try options.verbose ?? environment.flag("verbose") ?? false
    strict = try options.strict ?? environment.flag("strict") ?? false
    force = try options.force ?? environment.flag("force") ?? false
    // The documented name is the negative one: FUSELAB_NO_PROGRESS=1.
    progress = try options.progress ?? environment.flag("no-progress").map { !$0 } ?? true
    color = try options.color ?? environment.choice("color") ?? .auto
    seed = try options.seed ?? environment.value("seed") ?? 0
    threads =
      try options.threads ?? environment.value("threads") ?? ProcessInfo.processInfo.activeProcessorCount
    batch = try options.batch ?? environment.value("batch")
    let dimensions = options.dim.isEmpty ? try NamedDimension.list(environment) : options.dim
    self.dimensions = try NamedDimension.table(dimensions)
    let maxFile: ByteCount? = try options.maxFile ?? environment.value("max-file")
    self.maxFile = maxFile?.bytes ?? FileReader.defaultLimit
    let maxMemory: ByteCount? = try options.maxMemory ?? environment.value("max-memory")
    self.maxMemory = maxMemory?.bytes ?? 8 << 30
    guard (1...1024).contains(threads) else {
      throw CommandFailure.usage("--threads is \(threads)", remedy: "give 1 to 1024")
    }
    for (flag, bytes) in [("--max-file", self.maxFile), ("--max-memory", self.maxMemory)]
    where !(1...1 << 40).contains(bytes) {
      throw CommandFailure.usage("\(flag) is \(bytes)", remedy: "give 1 byte to 1T")
    }
  }
}
