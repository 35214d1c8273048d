import ArgumentParser
import ModelFiles

/// What a compiler made of the kernels.
struct CodeOption: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "What a bundle's run.py wrote: of each kernel the registers and, with --places, its blocks' multiprocessors, which "
        + "simulate takes instead of estimates, and the machine code and local memory, which compare heeds.",
      valueName: "results.json"))
  var code: String?

  /// Nil where none is named.
  /// - Throws: `file-…`, `result-type`, `json-…`.
  func file(_ session: inout Session) throws(FileErrors) -> CodeFile? {
    guard let code else { return nil }
    return try CodeFile.parse(text: session.text(at: code), path: code)
  }
}
