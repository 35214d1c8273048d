import Foundation
import Hardware
import ModelFiles
import Workload

/// Checks configuration files and gathers everything that is wrong with all of them.
struct FileCheck {
  enum Kind: String { case gpu, network }

  private struct Outcome {
    let name: String
    let kind: Kind
    /// What a sound file describes, e.g. the GPU's name.
    let subject: String?
    let errors: [Diagnostic]
  }

  private var outcomes: [Outcome] = []
  private var status = ExitStatus.success
  private var lines: [String] = []

  /// Checks one file and says on standard error what is wrong with it.
  ///
  /// - Parameter kind: Nil finds it from the file's ending and keys.
  mutating func add(_ path: String, as kind: Kind?, _ session: inout Session) {
    let kind = kind ?? Self.kind(of: path, limit: session.settings.maxFile)
    let name = Session.fileName(path)
    do throws(FileErrors) {
      let subject: String
      switch kind {
      case .gpu: subject = try session.gpu(named: path).id
      case .network: subject = try session.readNetwork(path).network.name
      }
      outcomes.append(Outcome(name: name, kind: kind, subject: subject, errors: []))
      lines.append("ok  \(sanitised(path, limit: 400)): \(kind.rawValue) \(sanitised(subject, limit: 60))\n")
    } catch {
      StandardStream.say(session.errorStyle.highlighting(error.description))
      outcomes.append(Outcome(name: name, kind: kind, subject: nil, errors: error.diagnostics))
      status = ExitStatus(rawValue: max(status.rawValue, error.exitStatus)) ?? .invalid
    }
  }

  /// - Parameter quiet: Leaves out the lines about sound files.
  func report(quiet: Bool) -> Report {
    Report(
      data: ["files": .array(outcomes.map(Self.json))], text: quiet ? "" : lines.joined(), exit: status)
  }

  private static func json(_ outcome: Outcome) -> JSONValue {
    [
      "name": .string(outcome.name), "kind": .string(outcome.kind.rawValue),
      "subject": JSONValue(outcome.subject), "valid": .bool(outcome.errors.isEmpty),
      "errors": .array(
        outcome.errors.map { error in
          [
            "code": .string(error.code.rawValue), "message": .string(error.message),
            "remedy": JSONValue(error.remedy), "line": JSONValue(error.location?.line),
            "column": JSONValue(error.location?.column),
          ]
        }),
    ]
  }

  /// The kind whose keys the file has more of; a network where that is even.
  private static func kind(of path: String, limit: Int) -> Kind {
    let ending = path.split(separator: ".").last?.lowercased()
    if ending == "cfg" || BuiltIn.gpus.contains(path) { return .gpu }
    guard ending != "json", let text = try? FileReader.text(at: path, limit: limit) else { return .network }
    let gpuKeys = Set(GPUFile.Group.allCases.map(\.rawValue) + ["id"])
    let networkKeys: Set = ["layers", "input", "inputs", "published"]
    var balance = 0
    for line in text.split(whereSeparator: \.isNewline).prefix(10_000) {
      let key = String(line.prefix { $0 != ":" && $0 != " " }.prefix(40))
      if gpuKeys.contains(key) { balance += 1 } else if networkKeys.contains(key) { balance -= 1 }
    }
    return balance > 0 ? .gpu : .network
  }
}
