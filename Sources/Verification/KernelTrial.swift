import Fusion
import Hardware
import KernelEmulator
import KernelSources
import MemorySimulation
import Scheduling
import Workload

/// A user's own kernel for some layers, run on the CPU: are its values right, are its accesses, and what do they cost
/// beside those of the schedule's kernel?
public struct KernelTrial: Sendable {
  public let schedule: Schedule
  public let launch: KernelLaunch
  /// Nil where every byte equals the reference.
  public let difference: Difference?
  public let bytesCompared: Int
  /// What the kernel itself accesses, and its defects.
  public let recorded: EmulationReport
  /// What the schedule's kernel would.
  public let scheduled: KernelTraffic

  public var findings: [EmulationFinding] { recorded.findings }
  public var findingCount: Int { recorded.findingCount }
  public var passes: Bool { difference == nil && findingCount == 0 }

  /// - Parameters:
  ///   - text: Defines the kernel `FCM_KERNEL`, as `chain.cu` does.
  ///   - file: The text's name, for findings.
  ///   - launch: Nil for the schedule's.
  /// - Throws: `KernelBuildError` where the text cannot be compiled.
  public init(
    of text: String, file: String, schedule: Schedule, layers: ClosedRange<Int>, values: NetworkValues,
    gpu: GPU,
    launch: KernelLaunch? = nil, compiler: KernelCompiler, threads: Int
  ) throws(KernelBuildError) {
    try PlainSharedArrays.refuse(in: text, file: file)
    let network = values.network
    let parameters = layers.map { values.parameters[$0] }
    let inputs = values.run.operands(ofRun: Array(layers), in: network)
    let kernel = try CompiledKernel(
      schedule, parameters: parameters, file: file, texts: [file: text], launch: launch, compiler: compiler)
    do throws(KernelError) { recorded = try kernel.run(on: inputs, threads: threads) } catch {
      throw .kernel(error)
    }
    let expected = values.run.outputs[layers.upperBound]
    let found = recorded.output
    difference = expected.firstDifference(from: found).map {
      Difference(at: $0, in: network.layers[layers.upperBound].outputMap, expected, found)
    }
    bytesCompared = expected.count * expected.elementType.bytes
    self.schedule = schedule
    scheduled = KernelReplay(schedule, on: gpu).run()
    self.launch = launch ?? KernelLaunch(schedule)
  }
}
