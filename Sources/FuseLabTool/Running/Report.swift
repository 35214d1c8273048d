import Digest

/// What a command found out. The same facts twice: for people, and for programs.
struct Report {
  /// The envelope's `data`.
  let data: JSONValue
  /// For standard output without `--json`; empty where the command has printed its data itself (`-o -`).
  let text: String
  let exit: ExitStatus

  init(data: JSONValue, text: String, exit: ExitStatus = .success) {
    self.data = data
    self.text = text
    self.exit = exit
  }
}

/// A file that a result depends on.
struct InputRecord: Hashable, Sendable {
  /// A built-in's name, or the file's name without folders: results must not depend on where files lie.
  let name: String
  let sha256: String
  let bytes: Int

  init(name: String, text: String) {
    self.name = name
    sha256 = SHA256.hex(of: text)
    bytes = text.utf8.count
  }

  var json: JSONValue { ["name": .string(name), "sha256": .string(sha256), "bytes": .integer(bytes)] }
}

/// Something that the user should know though the command went on.
struct Warning: Hashable, Sendable {
  let code, message: String
  /// E.g. `net.yaml:7:3`, or a layer; nil where it is about no place.
  let place: String?

  var json: JSONValue {
    ["code": .string(code), "message": .string(message), "where": JSONValue(place)]
  }
}
