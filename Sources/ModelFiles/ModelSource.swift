import Hardware
import Workload

/// A network as a command got it: by name or from a file.
public struct LoadedNetwork: Sendable {
  public let network: Network
  /// The file as text: what a result's checksum of its inputs covers.
  public let text: String
  /// Its name for people: a built-in's name, or the path.
  public let origin: String
  /// What was said of it on loading.
  public let warnings: [Diagnostic]
  /// Where it came from a `model_dag.json`: the mapping from that file's ids.
  public let dag: ModelDAG?
}

/// A GPU as a command got it: by name or from a file.
public struct LoadedGPU: Sendable {
  public let gpu: GPU
  public let text: String
  public let origin: String
  public let warnings: [Diagnostic]
}

/// Finds networks by the name of a built-in or by path: `.yaml`, `.yml`, and `.json` for `model_dag.json`.
public enum ModelSource {
  /// - Parameters:
  ///   - limit: the largest file that is read, in bytes.
  ///   - dimensions: numbers for the sizes that the file names; those it does not name are warned of.
  public static func load(
    _ nameOrPath: String, limit: Int = FileReader.defaultLimit, dimensions: [String: Int] = [:]
  ) throws(FileErrors) -> LoadedNetwork {
    let unused = dimensions.keys.sorted().map { Diagnostic.unusedDimension($0, path: nameOrPath) }
    if let file = BuiltIn.networkFile(named: nameOrPath) {
      return LoadedNetwork(
        network: file.network, text: BuiltIn.networkText(named: nameOrPath) ?? "", origin: nameOrPath,
        warnings: file.warnings + unused, dag: nil)
    }
    let type = try fileType(of: nameOrPath, among: BuiltIn.networks, ["yaml", "yml", "json"], "network")
    let text = try FileReader.text(at: nameOrPath, limit: limit)
    if type == "json" {
      let dag = try ModelDAG.parse(text: text, path: nameOrPath, name: stem(of: nameOrPath))
      return LoadedNetwork(
        network: dag.network, text: text, origin: nameOrPath, warnings: dag.warnings + unused, dag: dag)
    }
    let file = try NetworkFile.parse(text: text, path: nameOrPath, dimensions: dimensions)
    return LoadedNetwork(
      network: file.network, text: text, origin: nameOrPath, warnings: file.warnings, dag: nil)
  }

  /// The extension of a path; an error where `nameOrPath` is neither a path nor one of `names`.
  static func fileType(
    of nameOrPath: String, among names: [String], _ types: [String], _ what: String
  ) throws(FileErrors) -> String {
    let parts = nameOrPath.split(separator: "/").last?.split(separator: ".") ?? []
    if parts.count > 1, let type = parts.last?.lowercased(), types.contains(type) { return type }
    let shown = sanitised(nameOrPath)
    guard nameOrPath.contains("/") || nameOrPath.contains(".") else {
      throw FileErrors(
        Diagnostic(
          .unknownName, "there is no built-in \(what) '\(shown)'",
          remedy: DidYouMean.question(for: nameOrPath, among: names)
            ?? "name a file, or one of: \(names.joined(separator: ", "))"))
    }
    _ = try FileReader.bytes(at: nameOrPath, limit: FileReader.defaultLimit)
    throw FileErrors(
      Diagnostic(
        .unknownFileType, "the ending of the name does not say what kind of \(what) this is",
        remedy: "name it .\(types.joined(separator: ", ."))", path: nameOrPath))
  }

  /// The last part of a path without its extension.
  static func stem(of path: String) -> String {
    let file = path.split(separator: "/").last.map(String.init) ?? path
    return file.lastIndex(of: ".").map { String(file[..<$0]) } ?? file
  }
}

/// Finds GPUs by the name of a built-in or by path: `.yaml`, `.yml`, and `.cfg` for FusePlanner's files.
public enum GPUSource {
  /// - Parameter limit: the largest file that is read, in bytes.
  public static func load(
    _ nameOrPath: String, limit: Int = FileReader.defaultLimit
  ) throws(FileErrors) -> LoadedGPU {
    if let gpu = BuiltIn.gpu(named: nameOrPath) {
      let text = BuiltIn.gpuText(named: nameOrPath) ?? ""
      return LoadedGPU(gpu: gpu, text: text, origin: nameOrPath, warnings: [])
    }
    let types = ["yaml", "yml", "cfg"]
    let type = try ModelSource.fileType(of: nameOrPath, among: BuiltIn.gpus, types, "GPU")
    let text = try FileReader.text(at: nameOrPath, limit: limit)
    if type == "cfg" {
      let imported = try FusePlannerGPU.parse(text: text, path: nameOrPath)
      return LoadedGPU(gpu: imported.gpu, text: text, origin: nameOrPath, warnings: imported.warnings)
    }
    let file = try GPUFile.parse(text: text, path: nameOrPath)
    return LoadedGPU(gpu: file.gpu, text: text, origin: nameOrPath, warnings: [])
  }
}
