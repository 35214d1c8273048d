/// What is wrong with a command line.
struct UsageError: Error {
  let what: String
}

struct Arguments {
  enum Verb: String { case check, bench, launch }

  let verb: Verb
  let bundle: String
  private(set) var device = 0
  private(set) var kernel: String?
  private(set) var warmUps = 5
  private(set) var runs: Int
  private(set) var json = false
  /// Whether `check` also asks where blocks run.
  private(set) var places = false

  init(_ words: [String]) throws(UsageError) {
    var plain: [String] = []
    var rest = words[...]
    var runs: Int?
    while let word = rest.popFirst() {
      guard word.hasPrefix("--") else {
        plain.append(word)
        continue
      }
      if word == "--json" {
        json = true
        continue
      }
      if word == "--places" {
        places = true
        continue
      }
      guard ["--device", "--kernel", "--warmup", "--runs"].contains(word) else {
        throw UsageError(what: "'\(word)' is no option")
      }
      guard let value = rest.popFirst() else { throw UsageError(what: "\(word) lacks its value") }
      switch word {
      case "--device": device = try Self.number(word, value, in: 0...1023)
      case "--warmup": warmUps = try Self.number(word, value, in: 0...100_000)
      case "--runs": runs = try Self.number(word, value, in: 1...100_000)
      default: kernel = value
      }
    }
    guard plain.count == 2, let verb = Verb(rawValue: plain[0]) else {
      throw UsageError(what: "check, bench or launch and a bundle's folder are expected")
    }
    self.verb = verb
    bundle = plain[1]
    // A profiler slows each launch, so one run unless more are asked for.
    self.runs = runs ?? (verb == .launch ? 1 : 20)
  }

  private static func number(
    _ option: String, _ text: String, in range: ClosedRange<Int>
  ) throws(UsageError) -> Int {
    guard let number = Int(text), range.contains(number) else {
      throw UsageError(what: "\(option) takes \(range.lowerBound) to \(range.upperBound), not '\(text)'")
    }
    return number
  }
}
