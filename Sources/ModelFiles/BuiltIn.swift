import Hardware
import Workload

/// The GPUs and networks that come with the tool, from `Configs/`.
public enum BuiltIn {
  /// Names of the GPUs, the default one first.
  public static var gpus: [String] { gpuTexts.map(\.name) }

  /// The built-in GPU of that name, e.g. `gtx1660`; nil where there is none.
  public static func gpu(named name: String) -> GPU? { gpuFile(named: name)?.gpu }

  /// The same with the sources of its facts.
  public static func gpuFile(named name: String) -> GPUFile? {
    guard let text = gpuText(named: name) else { return nil }
    do {
      return try GPUFile.parse(text: text, path: "Configs/GPUs/\(name).yaml")
    } catch {
      preconditionFailure("the built-in \(name) is broken:\n\(error)")
    }
  }

  /// The text of a built-in GPU's file.
  public static func gpuText(named name: String) -> String? {
    gpuTexts.first { $0.name == name }?.text
  }

  /// Names of the networks.
  public static var networks: [String] { networkTexts.map(\.name) }

  /// The built-in network of that name, e.g. `mobilenet_v1`; nil where there is none.
  public static func network(named name: String) -> Network? { networkFile(named: name)?.network }

  /// The same with its sources and published figures.
  public static func networkFile(named name: String) -> NetworkFile? {
    guard let text = networkText(named: name) else { return nil }
    do {
      return try NetworkFile.parse(text: text, path: "Configs/Networks/\(name).yaml")
    } catch {
      preconditionFailure("the built-in \(name) is broken:\n\(error)")
    }
  }

  /// The text of a built-in network's file.
  public static func networkText(named name: String) -> String? {
    networkTexts.first { $0.name == name }?.text
  }

  private struct EmbeddedText {
    let name: String
    let bytes: [UInt8]
    var text: String { String(decoding: bytes, as: UTF8.self) }
  }

  private static var gpuTexts: [EmbeddedText] {
    [
      EmbeddedText(name: "gtx1660", bytes: PackageResources.gtx1660_yaml),
      EmbeddedText(name: "rtx_a4000", bytes: PackageResources.rtx_a4000_yaml),
      EmbeddedText(name: "agx_orin", bytes: PackageResources.agx_orin_yaml),
      EmbeddedText(name: "a100", bytes: PackageResources.a100_yaml),
      EmbeddedText(name: "rtx_4090", bytes: PackageResources.rtx_4090_yaml),
      EmbeddedText(name: "l4", bytes: PackageResources.l4_yaml),
      EmbeddedText(name: "h200", bytes: PackageResources.h200_yaml),
    ]
  }

  private static var networkTexts: [EmbeddedText] {
    [
      EmbeddedText(name: "mobilenet_v1", bytes: PackageResources.mobilenet_v1_yaml),
      EmbeddedText(name: "mobilenet_v2", bytes: PackageResources.mobilenet_v2_yaml),
      EmbeddedText(name: "xception", bytes: PackageResources.xception_yaml),
      EmbeddedText(name: "proxylessnas", bytes: PackageResources.proxylessnas_yaml),
    ]
  }
}
