/// Why a bundle cannot be used.
public enum BundleError: Error, Hashable, Sendable {
  case unreadable(String, String)
  case tooLarge(String, limit: Int)
  case malformed(line: Int, String)
  /// A tensor's file is not what the manifest names.
  case spoilt(String)

  public var code: String {
    switch self {
    case .unreadable: "bundle-unreadable"
    case .tooLarge: "bundle-file-size"
    case .malformed: "bundle-malformed"
    case .spoilt: "bundle-spoilt"
    }
  }
}

extension BundleError: CustomStringConvertible {
  public var description: String {
    switch self {
    case .unreadable(let path, let why):
      "'\(path)' cannot be read: \(why). Name the folder that holds bundle.txt."
    case .tooLarge(let path, let limit): "'\(path)' is longer than \(limit) bytes. Copy the bundle again."
    case .malformed(let line, let what): "bundle.txt:\(line): \(what). Make the bundle again."
    case .spoilt(let path): "'\(path)' is not what bundle.txt names. Copy the bundle again."
    }
  }
}
