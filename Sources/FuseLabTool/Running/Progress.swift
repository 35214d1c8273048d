import Foundation
import Synchronization

/// Progress on standard error: a line that is redrawn on a terminal, else a plain line each 10 seconds.
/// Safe to call from any thread.
final class Progress: Sendable {
  private struct State: Sendable {
    var done = 0
    var lastShown: ContinuousClock.Instant
    var isShown = false
  }

  private let label: String
  private let total: Int
  private let isEnabled: Bool
  private let isTerminal = isatty(STDERR_FILENO) == 1
  private let start = ContinuousClock.now
  private let state: Mutex<State>

  /// - Parameters:
  ///   - label: What is counted, e.g. `layers`.
  ///   - total: How many there are.
  init(_ label: String, total: Int, settings: Settings) {
    self.label = label
    self.total = total
    isEnabled = settings.progress && !settings.quiet
    state = Mutex(State(lastShown: .now))
  }

  func advance(by count: Int = 1) {
    guard isEnabled else { return }
    state.withLock { state in
      state.done += count
      let now = ContinuousClock.now
      guard now - state.lastShown >= (isTerminal ? .milliseconds(100) : .seconds(10)) else { return }
      state.lastShown = now
      state.isShown = true
      let text = line(state.done, now - start)
      _ = StandardStream.write(
        Array((isTerminal ? "\r\u{1b}[K\(text)" : text + "\n").utf8), to: STDERR_FILENO)
    }
  }

  /// Clears the line on a terminal.
  func finish() {
    state.withLock { state in
      if state.isShown, isTerminal { _ = StandardStream.write(Array("\r\u{1b}[K".utf8), to: STDERR_FILENO) }
      state.isShown = false
    }
  }

  private func line(_ done: Int, _ elapsed: Duration) -> String {
    let seconds = Double(elapsed.components.seconds) + Double(elapsed.components.attoseconds) * 1e-18
    let rate = Double(done) / max(seconds, 1e-3)
    let left = done > 0 ? ", \(fixed(Double(total - done) / rate, decimals: 0)) s left" : ""
    return "\(grouped(done)) of \(grouped(total)) \(label), \(fixed(rate, decimals: 1))/s\(left)"
  }
}
