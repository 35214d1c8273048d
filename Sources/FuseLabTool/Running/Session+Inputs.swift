import Foundation
import Hardware
import ModelFiles
import Workload

/// A network with what is known of its file.
struct LoadedModel {
  let network: Network
  /// Where it came from a `model_dag.json`.
  let dag: ModelDAG?
}

extension Session {
  /// The network of MODEL with `--batch` applied, recorded as an input; its warnings are said.
  ///
  /// - Throws: `FileErrors`; with `--strict` also `op-unsupported`, exit 3, for opaque layers.
  mutating func network(_ model: ModelArgument) throws -> Network { try load(model).network }

  mutating func load(_ model: ModelArgument) throws -> LoadedModel {
    let loaded = try readNetwork(model.model)
    var network = loaded.network
    if let batch = settings.batch {
      do { network = try network.batched(batch) } catch { throw CommandFailure(error) }
    }
    let opaque = network.layers.filter(\.isOpaque).map(\.name)
    if settings.strict, let first = opaque.first {
      let others = opaque.count == 1 ? "" : " and \(opaque.count - 1) more"
      throw CommandFailure(
        "op-unsupported", "layer '\(sanitised(first, limit: 60))'\(others) cannot be computed",
        exit: .unsupported, remedy: "without --strict they are boundaries that nothing is fused across")
    }
    return LoadedModel(network: network, dag: loaded.dag)
  }

  /// A network by name, path or `-`, as it is.
  mutating func readNetwork(_ model: String) throws(FileErrors) -> LoadedModel {
    if model == "-" {
      let text = try standardInput()
      record(InputRecord(name: "-", text: text))
      if text.first(where: { !$0.isWhitespace }) == "[" {
        let dag = try ModelDAG.parse(text: text, path: "-", name: "stdin")
        warn(dag.warnings)
        return LoadedModel(network: dag.network, dag: dag)
      }
      let file = try NetworkFile.parse(text: text, path: "-", dimensions: settings.dimensions)
      warn(file.warnings)
      return LoadedModel(network: file.network, dag: nil)
    }
    let loaded = try ModelSource.load(
      model, limit: settings.maxFile, dimensions: settings.dimensions)
    record(InputRecord(name: Self.fileName(loaded.origin), text: loaded.text))
    warn(loaded.warnings)
    return LoadedModel(network: loaded.network, dag: loaded.dag)
  }

  /// The GPU of `--gpu`, recorded as an input; its warnings are said.
  mutating func gpu(_ option: GPUOption) throws(FileErrors) -> GPU { try gpu(named: option.name()) }

  mutating func gpu(named nameOrPath: String) throws(FileErrors) -> GPU {
    let loaded = try GPUSource.load(nameOrPath, limit: settings.maxFile)
    record(InputRecord(name: Self.fileName(loaded.origin), text: loaded.text))
    warn(loaded.warnings)
    return loaded.gpu
  }

  /// The text of a file, or of standard input for `-`.
  func unrecordedText(at path: String) throws(FileErrors) -> String {
    path == "-" ? try standardInput() : try FileReader.text(at: path, limit: settings.maxFile)
  }

  /// All of standard input as text, up to `--max-file` bytes.
  private func standardInput() throws(FileErrors) -> String {
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 1 << 16)
    while bytes.count <= settings.maxFile {
      let got = Foundation.read(STDIN_FILENO, &buffer, buffer.count)
      if got < 0, errno == EINTR { continue }
      if got < 0 {
        let reason = String(cString: strerror(errno)).lowercased()
        throw FileErrors(Diagnostic(.fileUnreadable, "the file cannot be read: \(reason)", path: "-"))
      }
      if got == 0 { return try FileReader.text(of: bytes, path: "-") }
      bytes += buffer[..<got]
    }
    throw FileErrors(
      Diagnostic(
        .limitFileSize, "standard input has more than \(settings.maxFile) bytes",
        remedy: "raise --max-file if it is meant to be that large", path: "-"))
  }
}
