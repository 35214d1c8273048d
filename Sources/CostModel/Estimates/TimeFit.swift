import Hardware
import Workload

/// Fits the factors of a `TimeCalibration` to measured kernels.
///
/// The model is `time = launch + max over terms of factor · term`. Which term is the largest depends on the factors, so two steps
/// take turns: each kernel is assigned the term that is largest under the factors so far; then launch and factors are those of
/// least squares of the *relative* errors, solved exactly, with Huber's weights of the errors before (1.345 times a scale of
/// 1.4826 · median |error|), so that a few wrong times do not pull. It ends when nothing changes, or after 200 turns; it begins with
/// factors of 1, and once for each term with that one at 4. Of all turns it gives the one with the least mean absolute relative error. Everything is in a fixed order: equal inputs give equal factors.
///
/// A term that fewer than `leastKernels` kernels are assigned to keeps its factor of 1.
public struct TimeFit: Hashable, Sendable {
  /// One kernel from a cold L2, measured.
  public struct Observation: Hashable, Sendable {
    public let work: KernelWork
    public let nanoseconds: Double

    public init(work: KernelWork, nanoseconds: Double) {
      self.work = work
      self.nanoseconds = nanoseconds
    }
  }

  public static let leastKernels = 3
  /// How much larger a term's factor is in a start of its own.
  private static let raise = 4.0
  /// The fewest kernels that anything is fitted to.
  public static let leastObservations = 6

  public let calibration: TimeCalibration
  /// Kernels that each term limits under the calibration.
  public let kernels: [TimeLimit: Int]
  /// Mean of |estimate − measured| ÷ measured, before and after.
  public let errorBefore, errorAfter: Double

  /// - Throws: `TimeFitError` where the observations are too few or no times.
  public init(_ observations: [Observation], on gpu: GPU) throws(TimeFitError) {
    guard observations.count >= Self.leastObservations else {
      throw .tooFew(observations.count, least: Self.leastObservations)
    }
    guard observations.allSatisfy({ $0.nanoseconds.isFinite && (1...1e12).contains($0.nanoseconds) }) else {
      throw .noTimes
    }
    let terms = observations.map { Self.terms(of: $0.work, on: gpu) }
    let times = observations.map(\.nanoseconds)
    let start = FitState(launch: gpu.estimates.latency.launchNanoseconds)
    errorBefore = start.meanError(terms, times)
    var best = (state: start, error: errorBefore)
    // Also from a state in which a term limits more: where it limits nothing at first, it never would.
    let raised = TimeLimit.allCases.indices.filter { TimeLimit.allCases[$0] != .launch }
    let starts = [start] + raised.map { start.raised($0, by: Self.raise) }
    for var state in starts {
      for _ in 0..<200 {
        let next = state.improved(terms, times)
        let settled = next.withoutIdle(terms)
        let error = settled.meanError(terms, times)
        if error < best.error { best = (settled, error) }
        if next.isNear(state) { break }
        state = next
      }
    }
    calibration = best.state.rounded
    let final = FitState(calibration)
    errorAfter = final.meanError(terms, times)
    kernels = Dictionary(
      terms.map { (TimeLimit.allCases[final.limit(of: $0)], 1) }, uniquingKeysWith: +)
  }

  /// Uncalibrated terms in nanoseconds, in the order of `TimeLimit`; the launch is 0.
  private static func terms(of work: KernelWork, on gpu: GPU) -> [Double] {
    let nanoseconds = TimeEstimate.uncalibratedNanoseconds(work, on: gpu)
    return TimeLimit.allCases.map { nanoseconds[$0] ?? 0 }
  }
}

/// Why no calibration comes of a set of kernels.
public enum TimeFitError: Error, Hashable, Sendable {
  case tooFew(Int, least: Int)
  case noTimes

  public var code: String {
    switch self {
    case .tooFew: "calibration-too-few"
    case .noTimes: "calibration-no-times"
    }
  }
}

extension TimeFitError: CustomStringConvertible {
  public var description: String {
    switch self {
    case .tooFew(let count, let least):
      "There are \(count) kernels timed from a cold L2; at least \(least) are needed. Time more layers."
    case .noTimes: "A time is not from 1 ns to 1000 s."
    }
  }
}

/// Launch overhead and factors on their way.
private struct FitState {
  var launch: Double
  var factors: [Double]

  init(launch: Int) {
    self.launch = Double(launch)
    factors = TimeLimit.allCases.map { _ in 1 }
  }

  init(_ calibration: TimeCalibration) {
    launch = calibration.launchNanoseconds
    factors = TimeLimit.allCases.map { calibration.factor(of: $0) }
  }

  func raised(_ index: Int, by factor: Double) -> FitState {
    var state = self
    state.factors[index] *= factor
    return state
  }

  /// Index of the largest term; of equals the first.
  func limit(of terms: [Double]) -> Int {
    var limit = 0
    for index in terms.indices where factors[index] * terms[index] > factors[limit] * terms[limit] {
      limit = index
    }
    return limit
  }

  func estimate(_ terms: [Double]) -> Double {
    let limit = limit(of: terms)
    return launch + factors[limit] * terms[limit]
  }

  func errors(_ terms: [[Double]], _ times: [Double]) -> [Double] {
    zip(terms, times).map { (estimate($0) - $1) / $1 }
  }

  func meanError(_ terms: [[Double]], _ times: [Double]) -> Double {
    errors(terms, times).reduce(0) { $0 + abs($1) } / Double(times.count)
  }

  func isNear(_ other: FitState) -> Bool {
    abs(launch - other.launch) < 1e-6
      && zip(factors, other.factors).allSatisfy { abs($0 - $1) < 1e-9 }
  }

  /// The next turn: weights, assignment, least squares.
  func improved(_ terms: [[Double]], _ times: [Double]) -> FitState {
    let errors = errors(terms, times)
    let sorted = errors.map { abs($0) }.sorted()
    let bend = 1.345 * 1.4826 * sorted[sorted.count / 2]
    var groups = [FitGroup](repeating: FitGroup(), count: factors.count)
    for (index, time) in times.enumerated() {
      let huber = abs(errors[index]) <= bend ? 1 : bend / abs(errors[index])
      let limit = limit(of: terms[index])
      groups[limit].add(terms[index][limit], time, weight: huber / (time * time))
    }
    var next = self
    // The launch that least squares give once every factor is written as a function of it.
    var (numerator, denominator) = (0.0, 0.0)
    for (index, group) in groups.enumerated() where group.count > 0 {
      if group.isFree {
        numerator += group.y - group.t * group.ty / group.tt
        denominator += group.w - group.t * group.t / group.tt
      } else {
        next.factors[index] = 1
        numerator += group.y - group.t
        denominator += group.w
      }
    }
    let scale = groups.reduce(0) { $0 + $1.w }
    if denominator > 1e-9 * scale { next.launch = numerator / denominator }
    next.launch = min(max(next.launch, 0), times.min() ?? 0)
    for (index, group) in groups.enumerated() where group.isFree {
      next.factors[index] = min(max((group.ty - next.launch * group.t) / group.tt, 0.01), 100)
    }
    return next
  }

  /// Where too few kernels speak for a factor, an earlier turn may have left one: none above 1 stays, and with a smaller one the
  /// term limits no more kernels.
  func withoutIdle(_ terms: [[Double]]) -> FitState {
    var state = self
    for index in factors.indices where terms.count(where: { limit(of: $0) == index }) < TimeFit.leastKernels {
      state.factors[index] = min(1, factors[index])
    }
    return state
  }

  /// Six digits: more would claim what no measurement has, and six print the same everywhere.
  var rounded: TimeCalibration {
    func six(_ value: Double) -> Double { (value * 1e6).rounded() / 1e6 }
    let pairs = zip(TimeLimit.allCases, factors).filter { $0.0 != .launch }.map { ($0, six($1)) }
    return TimeCalibration(
      launchNanoseconds: (launch * 1000).rounded() / 1000,
      factors: Dictionary(pairs) { first, _ in first })
  }
}

/// Weighted sums of the kernels that one term limits.
private struct FitGroup {
  var count = 0
  var w = 0.0, t = 0.0, y = 0.0, tt = 0.0, ty = 0.0

  var isFree: Bool { count >= TimeFit.leastKernels && tt > 0 }

  mutating func add(_ term: Double, _ time: Double, weight: Double) {
    count += 1
    w += weight
    t += weight * term
    y += weight * time
    tt += weight * term * term
    ty += weight * term * time
  }
}
