/// How far two orders of the same things agree.
public enum RankCorrelation {
  /// Kendall's τ-b (Biometrika 33, 1945): of all pairs those that both lists order alike less those that they order against each
  /// other, ÷ √(pairs that the first orders · pairs that the second orders). 1 where they agree in all, 0 where knowing one says
  /// nothing of the other; nil where a list orders no pair.
  public static func kendallTau(_ pairs: [(Double, Double)]) -> Double? {
    var (balance, first, second) = (0, 0, 0)
    for (index, a) in pairs.enumerated() {
      for b in pairs[(index + 1)...] {
        if a.0 != b.0 { first += 1 }
        if a.1 != b.1 { second += 1 }
        if a.0 == b.0 || a.1 == b.1 { continue }
        balance += (a.0 < b.0) == (a.1 < b.1) ? 1 : -1
      }
    }
    guard first > 0, second > 0 else { return nil }
    return Double(balance) / (Double(first) * Double(second)).squareRoot()
  }
}
