import CKernelEmulator
import Hardware
import KernelSources
import Scheduling
import Workload

/// The CUDA source of a schedule's kernel, run on the CPU thread by thread.
public struct EmulatedKernel: Sendable {
  /// What is found out beside the values.
  public enum Mode: String, Hashable, Sendable, CaseIterable {
    /// Nothing: full speed.
    case raw
    /// Bounds, races in shared memory, reads of what nothing has written, barriers that not all threads meet, blocks
    /// that write one element.
    case check
    /// Every warp request, sector and wavefront.
    case record
    /// Nothing, and threads switch by ucontext: what processors take that have no switch of their own here.
    case portable
  }

  private let kernel: PreparedKernel

  public var schedule: Schedule { kernel.schedule }

  /// - Throws: `KernelError` where the kernel has no room for the schedule.
  public init(_ schedule: Schedule, parameters: [LayerParameters]) throws(KernelError) {
    kernel = try PreparedKernel(schedule, parameters: parameters)
  }

  /// Whether this machine can run the kernels: x86-64 needs AVX2 and FMA.
  public static var isSupported: Bool { fuselab_chain_is_supported() != 0 }

  /// Runs every block and returns the output, what was found and what was counted: the same for any `threads`.
  /// - Parameter blocks: Only the first of them; the rest of the output stays as it was before the launch.
  /// - Throws: `KernelError.operandsDoNotFit` where `inputs` have other sizes than the chain's.
  public func run(
    on inputs: [TensorValues], mode: Mode = .raw, blocks: Int? = nil, threads: Int = 1
  ) throws(KernelError) -> EmulationReport {
    let entry: KernelLibrary.Entry =
      switch mode {
      case .raw: fuselab_run_chain_raw
      case .check: fuselab_run_chain_check
      case .record: fuselab_run_chain_record
      case .portable: fuselab_run_chain_portable
      }
    let whole = KernelLaunch(schedule)
    let launch = KernelLaunch(
      blocks: min(blocks ?? whole.blocks, whole.blocks), threads: whole.threads,
      sharedBytes: whole.sharedBytes)
    return try kernel.run(entry, launch: launch, on: inputs, threads: threads)
  }
}

/// A kernel's text compiled at run time for one schedule: the project's own, changed or not, or a user's in its place.
public struct CompiledKernel: Sendable {
  public let program: KernelProgram
  /// How it is launched: as the schedule says, unless told otherwise.
  public let launch: KernelLaunch
  private let kernel: PreparedKernel
  private let library: KernelLibrary

  /// What is found out beside the values. Without `defects` a wrong access is done as it stands, and may end the process.
  public struct Instruments: OptionSet, Hashable, Sendable {
    /// As `emulator.hpp` numbers its modes.
    public let rawValue: Int

    public init(rawValue: Int) { self.rawValue = rawValue }

    public static let defects = Instruments(rawValue: 1)
    public static let requests = Instruments(rawValue: 2)
  }

  /// - Parameters:
  ///   - file: The text that defines the kernel, included after the schedule's constants.
  ///   - texts: Texts that replace the project's of those names, or that `file` is among.
  ///   - launch: Nil for the schedule's.
  public init(
    _ schedule: Schedule, parameters: [LayerParameters], file: String = "chain.cu",
    texts: [String: String] = [:],
    launch: KernelLaunch? = nil, finding instruments: Instruments = [.defects, .requests],
    compiler: KernelCompiler
  ) throws(KernelBuildError) {
    do throws(KernelError) {
      kernel = try PreparedKernel(schedule, parameters: parameters)
      program = try KernelProgram(schedule, parameters: parameters, file: file)
    } catch {
      throw .kernel(error)
    }
    self.launch = launch ?? KernelLaunch(schedule)
    library = try compiler.library(of: program, finding: instruments, texts: texts)
  }

  /// - Throws: `KernelError.operandsDoNotFit` where `inputs` have other sizes than the chain's.
  public func run(on inputs: [TensorValues], threads: Int = 1) throws(KernelError) -> EmulationReport {
    try kernel.run(library.run, launch: launch, on: inputs, threads: threads)
  }
}
