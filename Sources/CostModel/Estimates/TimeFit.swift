import Hardware
import Workload

/// Fits the factors of a `TimeCalibration` to measured kernels.
///
/// The time of `TimeEstimate` is a sum, each term with its factor: launch, latency, the largest of the overlapping terms in full and
/// the others by a share. Which term is the largest depends on the factors, so two steps
/// take turns: each kernel is assigned the term that is largest under the factors so far; then launch and factors are those of
/// least squares of the *relative* errors within their bounds, with Huber's weights of the errors before (1.345 times a scale of
/// 1.4826 · median |error|), so that a few wrong times do not pull. It ends when nothing changes, or after 200 turns; it begins with
/// factors of 1, and once for each overlapping term with that one at 4. Of all turns it gives the one with the least mean absolute relative error. Everything is in a fixed order: equal inputs give equal factors.
///
/// An overlapping term that fewer than `leastKernels` kernels are assigned to keeps a factor of 1 or less.
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
    let terms = observations.map { FitTerms($0.work, on: gpu) }
    let times = observations.map(\.nanoseconds)
    let start = FitState(launch: gpu.estimates.latency.launchNanoseconds)
    errorBefore = start.meanError(terms, times)
    var best = (state: start, error: errorBefore)
    // Also from a state in which a term limits more: where it limits nothing at first, it never would.
    let raised = TimeLimit.allCases.indices.filter { FitTerms.overlaps[$0] }
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
      terms.map { (TimeLimit.allCases[$0.limit(final.factors)], 1) }, uniquingKeysWith: +)
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

/// The terms of one kernel, uncalibrated.
private struct FitTerms {
  /// Nanoseconds in the order of `TimeLimit`; of the launch 1, whose factor is its time.
  let values: [Double]
  /// How much of an overlapping term that is not the largest adds to the time.
  let unhidden: Double

  /// Whether the term at an index of `TimeLimit` is one of those that overlap.
  static let overlaps = TimeLimit.allCases.map { TimeLimit.overlapping.contains($0) }
  static let launch = TimeLimit.allCases.count - 1

  init(_ work: KernelWork, on gpu: GPU) {
    let nanoseconds = TimeEstimate.uncalibratedNanoseconds(work, on: gpu)
    values = TimeLimit.allCases.map { $0 == .launch ? 1 : nanoseconds[$0] ?? 0 }
    unhidden = TimeEstimate.unhiddenShare(work, on: gpu)
  }

  /// Index of the largest overlapping term; of equals the first.
  func limit(_ factors: [Double]) -> Int {
    var limit = 0
    for index in values.indices where Self.overlaps[index] {
      if factors[index] * values[index] > factors[limit] * values[limit] { limit = index }
    }
    return limit
  }

  /// What each factor is multiplied by in the time, where `limit` is the largest term.
  func row(limit: Int) -> [Double] {
    values.indices.map { Self.overlaps[$0] && $0 != limit ? unhidden * values[$0] : values[$0] }
  }
}

/// Launch overhead and factors on their way.
private struct FitState {
  /// In the order of `TimeLimit`; the launch's is its nanoseconds.
  var factors: [Double]

  init(launch: Int) {
    factors = TimeLimit.allCases.map { $0 == .launch ? Double(launch) : 1 }
  }

  init(_ calibration: TimeCalibration) {
    factors = TimeLimit.allCases.map {
      $0 == .launch ? calibration.launchNanoseconds : calibration.factor(of: $0)
    }
  }

  func raised(_ index: Int, by factor: Double) -> FitState {
    var state = self
    state.factors[index] *= factor
    return state
  }

  func estimate(_ terms: FitTerms) -> Double {
    zip(terms.row(limit: terms.limit(factors)), factors).reduce(0) { $0 + $1.0 * $1.1 }
  }

  func errors(_ terms: [FitTerms], _ times: [Double]) -> [Double] {
    zip(terms, times).map { (estimate($0) - $1) / $1 }
  }

  func meanError(_ terms: [FitTerms], _ times: [Double]) -> Double {
    errors(terms, times).reduce(0) { $0 + abs($1) } / Double(times.count)
  }

  func isNear(_ other: FitState) -> Bool {
    zip(factors, other.factors).allSatisfy { abs($0 - $1) <= 1e-9 * max(1, abs($1)) }
  }

  /// How many kernels each term limits.
  private func counts(_ terms: [FitTerms]) -> [Int] {
    terms.reduce(into: Array(repeating: 0, count: factors.count)) { $0[$1.limit(factors)] += 1 }
  }

  /// The next turn: weights, assignment, least squares.
  func improved(_ terms: [FitTerms], _ times: [Double]) -> FitState {
    let errors = errors(terms, times)
    let sorted = errors.map { abs($0) }.sorted()
    let bend = 1.345 * 1.4826 * sorted[sorted.count / 2]
    var squares = LeastSquares(count: factors.count)
    for (index, time) in times.enumerated() {
      let huber = abs(errors[index]) <= bend ? 1 : bend / abs(errors[index])
      squares.add(terms[index].row(limit: terms[index].limit(factors)), time, weight: huber / (time * time))
    }
    var next = self
    let counts = counts(terms)
    var bounds = factors.map { _ in 0.01...100 }
    bounds[FitTerms.launch] = 0...(times.min() ?? 0)
    for index in factors.indices where FitTerms.overlaps[index] && counts[index] < TimeFit.leastKernels {
      next.factors[index] = 1
      bounds[index] = 1...1
    }
    next.factors = squares.solution(from: next.factors, within: bounds)
    return next
  }

  /// Where too few kernels speak for a factor, an earlier turn may have left one: none above 1 stays, and with a smaller one the
  /// term limits no more kernels.
  func withoutIdle(_ terms: [FitTerms]) -> FitState {
    var state = self
    for (index, count) in counts(terms).enumerated()
    where FitTerms.overlaps[index] && count < TimeFit.leastKernels {
      state.factors[index] = min(1, factors[index])
    }
    return state
  }

  /// Six digits: more would claim what no measurement has, and six print the same everywhere.
  var rounded: TimeCalibration {
    func six(_ value: Double) -> Double { (value * 1e6).rounded() / 1e6 }
    let pairs = zip(TimeLimit.allCases, factors).filter { $0.0 != .launch }.map { ($0, six($1)) }
    return TimeCalibration(
      launchNanoseconds: (factors[FitTerms.launch] * 1000).rounded() / 1000,
      factors: Dictionary(pairs) { first, _ in first })
  }
}

/// Weighted least squares within bounds.
private struct LeastSquares {
  private var matrix: [[Double]]
  private var right: [Double]

  init(count: Int) {
    matrix = Array(repeating: Array(repeating: 0, count: count), count: count)
    right = Array(repeating: 0, count: count)
  }

  mutating func add(_ row: [Double], _ value: Double, weight: Double) {
    for i in row.indices {
      right[i] += weight * row[i] * value
      for j in row.indices { matrix[i][j] += weight * row[i] * row[j] }
    }
  }

  /// One unknown after the other is put where it is best while the rest stays (Gauss–Seidel, each kept within its bounds), which
  /// comes to the one best point, for the squares' sum is convex. An unknown that no row has stays.
  func solution(from start: [Double], within bounds: [ClosedRange<Double>]) -> [Double] {
    var point = start
    for _ in 0..<20_000 {
      var change = 0.0
      for i in point.indices where matrix[i][i] > 0 {
        var rest = right[i]
        for j in point.indices where j != i { rest -= matrix[i][j] * point[j] }
        let best = min(max(rest / matrix[i][i], bounds[i].lowerBound), bounds[i].upperBound)
        change = max(change, abs(best - point[i]) / max(1, abs(point[i])))
        point[i] = best
      }
      if change < 1e-12 { break }
    }
    return point
  }
}
