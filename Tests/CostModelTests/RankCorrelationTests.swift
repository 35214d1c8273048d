import CostModel
import Testing

@Suite struct RankCorrelationTests {
  @Test("Kendall's tau, by hand")
  func byHand() throws {
    func tau(_ first: [Double], _ second: [Double]) -> Double? {
      RankCorrelation.kendallTau(Array(zip(first, second)))
    }
    #expect(tau([1, 2, 3, 4], [10, 20, 30, 40]) == 1)
    #expect(tau([1, 2, 3, 4], [4, 3, 2, 1]) == -1)
    // Of ten pairs (3, 1), (3, 2) and (5, 4) are against the order: (7 - 3) / 10.
    #expect(tau([1, 2, 3, 4, 5], [3, 1, 2, 5, 4]) == 0.4)
    // Of three pairs the first list orders two: 1 of them alike, 1 against; with the other list's three, 0.
    #expect(tau([1, 1, 2], [1, 3, 2]) == 0)
    // Two ordered by the first list, both alike; the second orders two of the same three pairs, one of them with the first.
    #expect(tau([1, 1, 2], [1, 2, 2]) == 0.5)
    #expect(tau([1, 1], [1, 2]) == nil && tau([], []) == nil && tau([1], [1]) == nil)
  }
}
