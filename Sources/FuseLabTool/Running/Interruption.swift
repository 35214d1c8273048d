import Dispatch
import Foundation
import Synchronization

/// Ctrl-C and `kill` end the tool with 130 and 143 and leave no temporary file behind.
final class Interruption: Sendable {
  static let shared = Interruption()

  private let temporary = Mutex<String?>(nil)

  /// The file to delete if the tool is interrupted now.
  func removeOnInterrupt(_ path: String?) { temporary.withLock { $0 = path } }

  /// Call once, before any work. A closed pipe or a file that grows too
  /// large becomes an error of `write` instead of a signal.
  func install() {
    signal(SIGPIPE, SIG_IGN)
    signal(SIGXFSZ, SIG_IGN)
    // Its own thread, so that busy workers do not delay it.
    let queue = DispatchQueue(label: "interruption")
    for (number, status) in [(SIGINT, ExitStatus.interrupted), (SIGTERM, .terminated)] {
      signal(number, SIG_IGN)
      let source = DispatchSource.makeSignalSource(signal: number, queue: queue)
      source.setEventHandler { [self] in
        temporary.withLock { if let path = $0 { unlink(path) } }
        _exit(status.rawValue)
      }
      source.activate()
      sources.withLock { $0.append(source) }
    }
  }

  private struct Sources: @unchecked Sendable {
    // Kept so that the sources live as long as the tool; never read.
    var all: [any DispatchSourceSignal] = []
    mutating func append(_ source: any DispatchSourceSignal) { all.append(source) }
  }
  private let sources = Mutex(Sources())
}
