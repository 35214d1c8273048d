import Foundation

/// Whether and how a stream is coloured, and how wide it is.
struct TerminalStyle: Sendable {
  enum Choice: String, CaseIterable, Sendable { case auto, always, never }

  let isColoured: Bool
  /// Columns for tables: the terminal's, 80 where there is none, at least 40.
  let width: Int

  init(isColoured: Bool, width: Int = 80) {
    self.isColoured = isColoured
    self.width = width
  }

  /// Colour goes to terminals only, unless asked for; `NO_COLOR` and `TERM=dumb` switch it off.
  init(descriptor: Int32, choice: Choice, environment: Environment) {
    let isTerminal = isatty(descriptor) == 1
    switch choice {
    case .always: isColoured = true
    case .never: isColoured = false
    case .auto:
      let refused = !(environment.values["NO_COLOR"] ?? "").isEmpty || environment.values["TERM"] == "dumb"
      isColoured = isTerminal && !refused
    }
    var size = winsize()
    if isTerminal, ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 {
      width = max(40, Int(size.ws_col))
    } else {
      width = 80
    }
  }

  func bold(_ text: String) -> String { styled(text, "1") }
  func faint(_ text: String) -> String { styled(text, "2") }
  func red(_ text: String) -> String { styled(text, "1;31") }
  func green(_ text: String) -> String { styled(text, "32") }
  func yellow(_ text: String) -> String { styled(text, "1;33") }

  private func styled(_ text: String, _ code: String) -> String {
    isColoured ? "\u{1b}[\(code)m\(text)\u{1b}[0m" : text
  }
}
