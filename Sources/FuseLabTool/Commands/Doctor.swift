import ArgumentParser

struct Doctor: FuseLabCommand {
  static let verb = "doctor"
  static let configuration = CommandConfiguration(
    abstract: "Say what this build and this machine can do.",
    discussion: CommandHelp.discussion(
      [
        ("fuselab doctor", "libraries, fonts, threads, built-ins"),
        ("fuselab doctor --json", "the same, to attach to a report of a bug"),
        ("fuselab doctor --quiet", "the exit status alone"),
      ], exits: [.checkFailed, .invalid]))

  @OptionGroup(title: "Global options") var global: GlobalOptions

  func report(_ session: inout Session) throws -> Report {
    let diagnosis = Diagnosis(threads: session.settings.threads)
    return Report(
      data: diagnosis.json, text: session.settings.quiet ? "" : diagnosis.text(session.style),
      exit: diagnosis.isHealthy ? .success : .checkFailed)
  }
}
