/// How far predictions of one counter are from measurements, over many kernels.
public struct CounterError: Hashable, Sendable {
  /// One kernel: the prediction, and the measurements of all repeats.
  public struct Pair: Hashable, Sendable {
    public let kernel: Int
    public let predicted: Double
    /// At least one, in the order measured.
    public let measured: [Double]

    public init(kernel: Int, predicted: Double, measured: [Double]) {
      precondition(!measured.isEmpty)
      self.kernel = kernel
      self.predicted = predicted
      self.measured = measured
    }

    /// The middle of the repeats; of two middles the mean.
    public var median: Double {
      let sorted = measured.sorted()
      let middle = sorted.count / 2
      return sorted.count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
    }

    public var error: Double { predicted - median }

    /// |error| ÷ median; nil where nothing was measured but something predicted.
    public var relativeError: Double? { error == 0 ? 0 : median == 0 ? nil : abs(error) / abs(median) }

    /// (largest − smallest) ÷ median of the repeats: what the hardware itself does not repeat.
    public var spread: Double {
      let (least, most) = (measured.min() ?? 0, measured.max() ?? 0)
      return most == least ? 0 : median == 0 ? 1 : (most - least) / abs(median)
    }
  }

  public let pairs: [Pair]

  public init(_ pairs: [Pair]) {
    precondition(!pairs.isEmpty)
    self.pairs = pairs
  }

  public var predicted: Double { pairs.reduce(0) { $0 + $1.predicted } }
  public var measured: Double { pairs.reduce(0) { $0 + $1.median } }

  /// Weighted absolute percentage error: Σ|error| ÷ Σ measured. Nil where nothing was measured but something predicted.
  public var weightedError: Double? {
    let errors = pairs.reduce(0) { $0 + abs($1.error) }
    return errors == 0 ? 0 : measured == 0 ? nil : errors / measured
  }

  /// Root of the mean squared error ÷ mean measured, as Accel-Sim's correlation reports it.
  public var normalisedRootMeanSquare: Double? {
    let squares = pairs.reduce(0) { $0 + $1.error * $1.error } / Double(pairs.count)
    return squares == 0 ? 0 : measured == 0 ? nil : squares.squareRoot() / (measured / Double(pairs.count))
  }

  /// The pair with the largest relative error; of equals the first.
  public var worst: Pair {
    pairs.dropFirst().reduce(pairs[0]) { worst, next in
      (next.relativeError ?? .infinity) > (worst.relativeError ?? .infinity) ? next : worst
    }
  }

  /// The hardware's own spread: the largest of any kernel. Nil without repeats.
  public var spread: Double? {
    pairs.contains { $0.measured.count > 1 } ? pairs.reduce(0) { max($0, $1.spread) } : nil
  }

  /// Whether the weighted error is more than `tolerance`, a share; so where it is not defined.
  public func exceeds(_ tolerance: Double) -> Bool { (weightedError ?? .infinity) > tolerance }
}
