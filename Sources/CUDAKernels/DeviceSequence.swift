import CCUDADynamic
import KernelSources

/// How kernels are timed.
public struct TimingMethod: Hashable, Sendable {
  /// What the L2 has of a launch's tensors before it.
  public enum L2: String, Hashable, Sendable, CaseIterable {
    /// Each launch takes another copy of its tensors, and all copies together are more than twice the cache.
    case cold
    /// Each launch takes the same tensors.
    case warm
  }

  public var l2: L2
  /// Replays of the graph before the first that counts.
  public var warmUps: Int
  /// Replays that count.
  public var runs: Int

  public init(l2: L2, warmUps: Int = 5, runs: Int = 20) {
    self.l2 = l2
    self.warmUps = warmUps
    self.runs = runs
  }
}

/// Microseconds of one pass through a sequence of kernels, one a run: the mean over the launches of one graph.
public struct KernelTiming: Hashable, Sendable {
  public let method: TimingMethod
  /// In the order of the runs.
  public let microseconds: [Double]
  /// Passes in one replay of the graph, and copies of the tensors that they take in turn.
  public let passes, copies: Int

  private var sorted: [Double] { microseconds.sorted() }
  public var minimum: Double { sorted[0] }
  public var maximum: Double { sorted[sorted.count - 1] }
  public var median: Double {
    let middle = sorted.count / 2
    return sorted.count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
  }
}

/// What a sequence leaves in memory.
public enum SequenceOutput: Hashable, Sendable {
  case bytes([UInt8])
  /// A kernel wrote beside its output.
  case wroteOutside
  /// Two runs leave different bytes, so some are not always written; the first of them.
  case unwritten(byte: Int)
}

/// Kernels that run one after the other, each on the output of the one before: layers on their own, or one fused kernel.
public final class DeviceSequence {
  private let kernels: [DeviceKernel]
  /// For each kernel after the first, which of its pointers takes what the one before has made.
  private let joins: [Int]
  private let device: CUDADevice

  /// Passes in a graph at least; enough that its own launch is lost among them.
  static let leastPasses = 20
  /// Copies at most, where tensors are tiny beside the cache.
  static let mostCopies = 2048

  /// A kernel after the first takes what the one before has made in place of an input of its job.
  /// - Parameter joins: Which, by the number of its pointer; the first, where the list is empty.
  public init(_ kernels: [DeviceKernel], joins: [Int] = []) {
    precondition(!kernels.isEmpty && (joins.isEmpty || joins.count == kernels.count - 1))
    self.kernels = kernels
    self.joins = joins.isEmpty ? kernels.dropFirst().map { _ in KernelJob.Pointers.input } : joins
    device = kernels[0].device
  }

  private func place() throws(CUDAError) -> [DeviceOperands] {
    var placed: [DeviceOperands] = []
    for (index, kernel) in kernels.enumerated() {
      let join = index == 0 ? KernelJob.Pointers.input : joins[index - 1]
      placed.append(try DeviceOperands(of: kernel.job, on: device, after: placed.last, at: join))
    }
    return placed
  }

  /// What the last kernel makes. All run twice, on memory of zeros and of ones, so that an element that is never written
  /// cannot pass for a right one.
  public func output() throws(CUDAError) -> SequenceOutput {
    let first = try run(fill: 0x00)
    let second = try run(fill: 0xFF)
    if first.wroteOutside || second.wroteOutside { return .wroteOutside }
    guard first.bytes != second.bytes else { return .bytes(first.bytes) }
    return .unwritten(byte: zip(first.bytes, second.bytes).enumerated().first { $1.0 != $1.1 }?.offset ?? 0)
  }

  /// Launches each kernel once.
  public func launch() throws(CUDAError) { _ = try run(fill: 0) }

  private func run(fill: UInt8) throws(CUDAError) -> (bytes: [UInt8], wroteOutside: Bool) {
    let placed = try place()
    for operands in placed { try operands.fillOutput(fill) }
    for (kernel, operands) in zip(kernels, placed) { try kernel.launch(operands) }
    try device.synchronise()
    var bytes: [UInt8] = []
    var wroteOutside = false
    for operands in placed {
      let (output, outside) = try operands.output(filled: fill)
      bytes = output
      wroteOutside = wroteOutside || outside
    }
    return (bytes, wroteOutside)
  }

  /// Times passes through the sequence by events around replays of a captured graph. Whether results are right, `run` says.
  public func time(_ method: TimingMethod) throws(CUDAError) -> KernelTiming {
    var copies = [try place()]
    if method.l2 == .cold {
      let each = copies[0].reduce(0) { $0 + $1.byteCount }
      let cache = try device.attribute(.l2Bytes)
      let count = min(max(2, 2 * cache / each + 1), Self.mostCopies)
      while copies.count < count { copies.append(try place()) }
    }
    let passes = (Self.leastPasses + copies.count - 1) / copies.count * copies.count
    let stream = try Stream(on: device)
    let graph = try stream.capture { handle throws(CUDAError) in
      for pass in 0..<passes {
        for (kernel, operands) in zip(kernels, copies[pass % copies.count]) {
          try kernel.launch(operands, on: handle)
        }
      }
    }
    for _ in 0..<method.warmUps { try stream.replay(graph) }
    try stream.synchronise()
    var times: [Double] = []
    for _ in 0..<max(1, method.runs) {
      let milliseconds = try stream.milliseconds { () throws(CUDAError) in try stream.replay(graph) }
      times.append(Double(milliseconds) * 1000 / Double(passes))
    }
    return KernelTiming(method: method, microseconds: times, passes: passes, copies: copies.count)
  }
}
