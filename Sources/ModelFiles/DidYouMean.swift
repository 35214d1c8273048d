/// Suggestions for mistyped names.
public enum DidYouMean {
  /// The candidate nearest to `word`, if it is near enough to be meant: at most a third of the longer word's
  /// letters away. Case does not count; of equally near candidates the first is taken.
  public static func suggestion(for word: String, among candidates: some Sequence<String>) -> String? {
    guard word.unicodeScalars.count <= 64 else { return nil }
    var best: (candidate: String, distance: Int)?
    for candidate in candidates where candidate != word {
      let allowed = max(1, max(word.count, candidate.count) / 3)
      let distance = distance(word.lowercased(), candidate.lowercased())
      if distance <= allowed, distance < best?.distance ?? Int.max { best = (candidate, distance) }
    }
    return best?.candidate
  }

  /// `did you mean 'x'?`, or nil where nothing is near.
  public static func question(for word: String, among candidates: some Sequence<String>) -> String? {
    suggestion(for: word, among: candidates).map { "did you mean '\($0)'?" }
  }

  /// Edits that lead from `a` to `b`: insertion, deletion, substitution, swap of neighbours (optimal string
  /// alignment).
  public static func distance(_ a: String, _ b: String) -> Int {
    let (a, b) = (Array(a), Array(b))
    var beforeLast: [Int] = []
    var last = Array(0...b.count)
    for i in a.indices {
      var row = [i + 1]
      for j in b.indices {
        var cost = min(last[j + 1] + 1, row[j] + 1, last[j] + (a[i] == b[j] ? 0 : 1))
        if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] { cost = min(cost, beforeLast[j - 1] + 1) }
        row.append(cost)
      }
      beforeLast = last
      last = row
    }
    return last[b.count]
  }
}
