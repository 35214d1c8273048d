import ConcurrentMap
import Hardware
import Scheduling
import Workload

/// How far the counters of some kernels move over the ranges of what is not documented: each parameter by itself is set to each
/// other value of its range, all others at their defaults. Two that work together are not found out.
public struct UnknownSweep: Sendable {
  /// One setting that differs from the defaults.
  public struct Run: Sendable {
    public let name: UndocumentedParameter.Name
    public let value: String
    /// The kernels' sums, in the order of `counters`.
    public let sums: [Int]
  }

  /// Those that add up over kernels.
  public static let counters = Counter.all.filter { $0.unit != .basisPoints && $0.unit != .waves }

  /// The kernels' sums at the defaults, in the order of `counters`.
  public let defaults: [Int]
  public let runs: [Run]

  /// - Parameter advance: Called once for each of `count(on:)` settings, from any thread.
  public init(
    _ schedules: [Schedule], on gpu: GPU, threads: Int, advance: @escaping @Sendable () -> Void = {}
  ) {
    let settings = Self.settings(on: gpu)
    let base = SimulationParameters(of: gpu)
    // No setting moves these.
    let books = concurrentMap(count: schedules.count, threads: threads) { SharedMemoryBooks(schedules[$0]) }
    let sums = concurrentMap(count: settings.count + 1, threads: threads) { index in
      defer { advance() }
      var parameters = base
      if index > 0 { parameters.set(settings[index - 1].name, to: settings[index - 1].value) }
      var sums = Array(repeating: 0, count: Self.counters.count)
      for (schedule, books) in zip(schedules, books) {
        var traffic = KernelReplay(schedule, on: gpu, parameters: parameters).runGlobalMemory()
        traffic.add(books)
        for (number, counter) in Self.counters.enumerated() { sums[number] += counter.value(from: traffic) }
      }
      return sums
    }
    defaults = sums[0]
    runs = zip(settings, sums.dropFirst()).map { Run(name: $0.name, value: $0.value, sums: $1) }
  }

  /// The settings tried, the defaults among them.
  public static func count(on gpu: GPU) -> Int { settings(on: gpu).count + 1 }

  private static func settings(on gpu: GPU) -> [(name: UndocumentedParameter.Name, value: String)] {
    UndocumentedParameter.Name.allCases.flatMap { name in
      let parameter = gpu.undocumented(name)
      return parameter.range.filter { $0 != parameter.value }.map { (name: name, value: $0) }
    }
  }

  /// The least and the most of a counter over all settings.
  public func range(of counter: Int) -> ClosedRange<Int> {
    let all = runs.map { $0.sums[counter] } + [defaults[counter]]
    return (all.min() ?? 0)...(all.max() ?? 0)
  }

  /// The least and the most of a counter over one parameter's range.
  public func range(of counter: Int, over name: UndocumentedParameter.Name) -> ClosedRange<Int> {
    let all = runs.filter { $0.name == name }.map { $0.sums[counter] } + [defaults[counter]]
    return (all.min() ?? 0)...(all.max() ?? 0)
  }

  /// The parameter that moves a counter the most; nil if none does. Of equals the first.
  public func strongest(for counter: Int) -> UndocumentedParameter.Name? {
    func width(_ name: UndocumentedParameter.Name) -> Int {
      let range = range(of: counter, over: name)
      return range.upperBound - range.lowerBound
    }
    let most = UndocumentedParameter.Name.allCases.map(width).max() ?? 0
    return most == 0 ? nil : UndocumentedParameter.Name.allCases.first { width($0) == most }
  }
}
