import Foundation
import ModelFiles
import Rendering

/// What this build and this machine can do.
struct Diagnosis {
  /// One line of the report. Where `isProblem`, a command will fail.
  struct Finding {
    let name, value: String
    var isProblem = false
    var remedy: String?
  }

  let findings: [Finding]
  var isHealthy: Bool { !findings.contains(where: \.isProblem) }

  init(threads: Int) {
    let processors = ProcessInfo.processInfo.activeProcessorCount
    findings = [
      Finding(name: "fuselab", value: FuseLab.version),
      Finding(name: "compiler", value: Self.compiler),
      Finding(name: "build", value: Self.isDebug ? "debug" : "release"),
      Finding(name: "cuda", value: Self.hasCUDA ? "on" : "off"),
      Finding(name: "processors", value: "\(processors)"),
      Finding(name: "threads", value: "\(threads)"),
      Self.graphviz(), Self.drawing(), Self.fonts(),
      Finding(name: "gpus", value: "\(BuiltIn.gpus.count)"),
      Finding(name: "models", value: "\(BuiltIn.networks.count)"),
    ]
  }

  var json: JSONValue {
    [
      "healthy": .bool(isHealthy),
      "findings": .array(
        findings.map { finding in
          [
            "name": .string(finding.name), "value": .string(finding.value),
            "problem": .bool(finding.isProblem), "remedy": JSONValue(finding.remedy),
          ]
        }),
    ]
  }

  func text(_ style: TerminalStyle) -> String {
    let width = findings.reduce(0) { max($0, $1.name.count) } + 2
    return findings.map { finding in
      let name = finding.name + String(repeating: " ", count: width - finding.name.count)
      let value = sanitised(finding.value, limit: 400)
      let remedy = finding.remedy.map { "\n" + String(repeating: " ", count: width) + "= \($0)" } ?? ""
      return name + (finding.isProblem ? style.red(value) : value) + remedy + "\n"
    }.joined()
  }

  private static var compiler: String {
    #if compiler(>=6.4)
      "Swift 6.4 or newer"
    #elseif compiler(>=6.3)
      "Swift 6.3"
    #else
      "Swift 6.2"
    #endif
  }

  private static var isDebug: Bool {
    #if DEBUG
      true
    #else
      false
    #endif
  }

  private static var hasCUDA: Bool {
    #if cuda
      true
    #else
      false
    #endif
  }

  private static func graphviz() -> Finding {
    Finding(name: "graphviz", value: GraphvizLayout.version ?? "unknown version")
  }

  private static func drawing() -> Finding {
    do throws(GraphvizError) {
      _ = try GraphvizLayout.svg(of: "digraph probe { a -> b }")
      return Finding(name: "drawing", value: "works")
    } catch {
      return Finding(
        name: "drawing", value: error.description, isProblem: true,
        remedy: "without it, graph writes .dot but no .svg")
    }
  }

  /// Without fonts Graphviz guesses the width of labels.
  private static func fonts() -> Finding {
    let home = ProcessInfo.processInfo.environment["HOME"].map {
      [$0 + "/.fonts", $0 + "/.local/share/fonts"]
    }
    let folders = ["/usr/share/fonts", "/usr/local/share/fonts"] + (home ?? [])
    let endings: Set<String> = ["ttf", "otf", "ttc", "pfb"]
    var count = 0
    for folder in folders {
      guard let files = FileManager.default.enumerator(atPath: folder) else { continue }
      while let file = files.nextObject() as? String, count < 10_000 {
        if let ending = file.split(separator: ".").last, endings.contains(ending.lowercased()) { count += 1 }
      }
    }
    return Finding(
      name: "fonts", value: count == 0 ? "none: labels are measured by estimate" : "\(count)",
      remedy: count == 0 ? "install one, such as fonts-dejavu-core" : nil)
  }
}
