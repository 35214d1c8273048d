import Comparison
import Testing

@Suite struct CounterErrorTests {
  private func pair(_ predicted: Double, _ measured: [Double], kernel: Int = 0) -> CounterError.Pair {
    CounterError.Pair(kernel: kernel, predicted: predicted, measured: measured)
  }

  @Test("Errors of three kernels, worked out by hand")
  func byHand() {
    // Medians 100, 50, 10; errors 10, −5, 0.
    let error = CounterError([
      pair(110, [100, 90, 130]), pair(45, [50], kernel: 1), pair(10, [9, 11], kernel: 2),
    ])
    #expect(error.predicted == 165 && error.measured == 160)
    #expect(error.weightedError == 15.0 / 160)
    // √((100 + 25) ÷ 3) ÷ (160 ÷ 3)
    #expect(error.normalisedRootMeanSquare == (125.0 / 3).squareRoot() / (160.0 / 3))
    #expect(error.worst.kernel == 0 && error.worst.relativeError == 0.1)
    // (130 − 90) ÷ 100, nothing of one run, (11 − 9) ÷ 10.
    #expect(error.pairs.map(\.spread) == [0.4, 0, 0.2])
    #expect(error.spread == 0.4)
    #expect(error.exceeds(0.09) && !error.exceeds(0.094))
  }

  @Test("Nothing measured and nothing predicted agree; something predicted is beyond any tolerance")
  func nothing() {
    let agreeing = CounterError([pair(0, [0])])
    #expect(agreeing.weightedError == 0 && agreeing.normalisedRootMeanSquare == 0 && !agreeing.exceeds(0))
    let wrong = CounterError([pair(3, [0])])
    #expect(wrong.weightedError == nil && wrong.worst.relativeError == nil && wrong.exceeds(10))
    #expect(agreeing.spread == nil)
  }
}
