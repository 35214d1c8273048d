/// How the tool ends; scripts rely on these numbers.
enum ExitStatus: Int32, CaseIterable, Sendable {
  case success = 0
  /// A comparison or check ran and failed.
  case checkFailed = 1
  /// Usage, configuration, unreadable or invalid input.
  case invalid = 2
  /// The input is valid, but not supported.
  case unsupported = 3
  case limit = 4
  case someFailed = 5
  case ourBug = 70
  case interrupted = 130
  case terminated = 143

  /// For `--help`.
  var meaning: String {
    switch self {
    case .success: "done"
    case .checkFailed: "a check failed"
    case .invalid: "usage, unreadable or invalid input"
    case .unsupported: "valid, but not supported"
    case .limit: "a limit was passed"
    case .someFailed: "finished, but some points failed"
    case .ourBug: "an error of fuselab itself"
    case .interrupted: "interrupted"
    case .terminated: "terminated"
    }
  }
}
