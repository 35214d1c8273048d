import CKernelEmulator
import Hardware
import Workload

/// What came of running a kernel.
public struct EmulationReport: Hashable, Sendable {
  /// Warp requests to a tensor in global memory.
  public struct GlobalRequests: Hashable, Sendable {
    /// Warp instructions, whether a lane was active or not.
    public var instructions = 0
    /// Those with an active lane.
    public var requests = 0
    public var sectors = 0
    public var lines = 0
    /// Distinct bytes of each request, added up.
    public var bytes = 0

    public init(instructions: Int = 0, requests: Int = 0, sectors: Int = 0, lines: Int = 0, bytes: Int = 0) {
      self.instructions = instructions
      self.requests = requests
      self.sectors = sectors
      self.lines = lines
      self.bytes = bytes
    }
  }

  /// Warp requests to a buffer in shared memory.
  public struct SharedRequests: Hashable, Sendable {
    public var instructions = 0
    public var requests = 0
    public var wavefronts = 0
    public var bankConflicts = 0

    public static func + (a: Self, b: Self) -> Self {
      Self(
        instructions: a.instructions + b.instructions, requests: a.requests + b.requests,
        wavefronts: a.wavefronts + b.wavefronts, bankConflicts: a.bankConflicts + b.bankConflicts)
    }
  }

  public let output: TensorValues
  /// The first of them; `findingCount` counts all.
  public let findings: [EmulationFinding]
  public let findingCount: Int
  public let reads, writes: [Operand: GlobalRequests]
  public let bufferReads, bufferWrites: [BufferName: SharedRequests]

  init(output: TensorValues, operands: [Operand], _ report: fuselab_report) {
    self.output = output
    findingCount = Int(report.finding_count)
    findings = elements(of: report.findings, fuselab_finding.self)
      .prefix(Int(report.findings_kept)).compactMap(EmulationFinding.init)
    func global(_ counts: [fuselab_global_counts]) -> [Operand: GlobalRequests] {
      Dictionary(uniqueKeysWithValues: zip(operands, counts.map(GlobalRequests.init)))
    }
    func shared(_ counts: [fuselab_shared_counts]) -> [BufferName: SharedRequests] {
      Dictionary(uniqueKeysWithValues: zip(BufferName.all, counts.map(SharedRequests.init)))
    }
    reads = global(elements(of: report.reads, fuselab_global_counts.self))
    writes = global(elements(of: report.writes, fuselab_global_counts.self))
    bufferReads = shared(elements(of: report.shared_reads, fuselab_shared_counts.self))
    bufferWrites = shared(elements(of: report.shared_writes, fuselab_shared_counts.self))
  }
}

/// A C array, which Swift sees as a tuple.
private func elements<Tuple, Element>(of tuple: Tuple, _: Element.Type) -> [Element] {
  withUnsafeBytes(of: tuple) { Array($0.bindMemory(to: Element.self)) }
}

extension EmulationReport.GlobalRequests {
  init(_ counts: fuselab_global_counts) {
    self.init(
      instructions: Int(counts.instructions), requests: Int(counts.requests), sectors: Int(counts.sectors),
      lines: Int(counts.lines), bytes: Int(counts.bytes))
  }
}

extension EmulationReport.SharedRequests {
  init(_ counts: fuselab_shared_counts) {
    self.init(
      instructions: Int(counts.instructions), requests: Int(counts.requests),
      wavefronts: Int(counts.wavefronts), bankConflicts: Int(counts.conflicts))
  }
}
