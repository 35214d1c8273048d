import ArgumentParser
import Comparison
import ModelFiles

struct Compare: FuseLabCommand {
  static let verb = "compare"
  static let configuration = CommandConfiguration(
    abstract: "Lay a result beside another one, a profile of Nsight Compute, or a budget.",
    discussion: CommandHelp.discussion(
      [
        ("fuselab compare sim.json --ncu raw.csv", "the error of every counter that hardware measures"),
        ("fuselab compare a.json b.json --tolerance 1%", "two simulations or two plans, number by number"),
        ("fuselab compare plan.json --budget budgets.yaml", "exit status 1 if a limit is passed"),
      ], exits: [.checkFailed, .invalid, .limit]))

  @Argument(help: ArgumentHelp("What simulate --json or plan --json wrote.", valueName: "a"))
  var first: String
  @Argument(help: ArgumentHelp("The same of another run.", valueName: "b"))
  var second: String?
  @Option(
    help: ArgumentHelp("What ncu --csv wrote of the kernels of A, raw or by metric.", valueName: "raw.csv"))
  var ncu: String?
  @OptionGroup var compiled: CodeOption
  @Option(help: ArgumentHelp("The largest error that passes (default 5%).", valueName: "share"))
  var tolerance = "5%"
  @Option(help: ArgumentHelp("Limits on the numbers of A.", valueName: "yaml"))
  var budget: String?
  @OptionGroup(title: "Global options") var global: GlobalOptions

  func report(_ session: inout Session) throws -> Report {
    guard second != nil || ncu != nil || budget != nil else {
      throw CommandFailure.usage(
        "there is nothing to compare with", remedy: "name a second result, --ncu or --budget")
    }
    guard compiled.code == nil || ncu != nil else {
      throw CommandFailure.usage("--code belongs to a profile", remedy: "add --ncu")
    }
    let tolerance = try Tolerance.parse(tolerance)
    let result = try ResultFile.parse(text: session.text(at: first), path: first)
    var data: [String: JSONValue] = ["tolerance_share": .number(tolerance)]
    var text = ""
    var passes = true
    func add(_ section: ComparisonListing.Section, _ key: String) {
      data[key] = section.json
      text += (text.isEmpty ? "" : "\n") + section.text
      passes = passes && section.passes
    }
    if let second {
      let other = try ResultFile.parse(text: session.text(at: second), path: second)
      add(
        ComparisonListing.section(try ResultDifference(result, other), tolerance, session.style), "difference"
      )
    }
    if let ncu {
      let profile = try NCUFile.parse(text: session.text(at: ncu), path: ncu)
      let comparison = try ProfileComparison(result, profile, code: compiled.file(&session))
      if comparison.unmatched > 0 {
        session.warn(
          "ncu-unmatched", "\(comparison.unmatched) launches of the profile are no kernel of the result")
      }
      add(ComparisonListing.section(comparison, tolerance, session.style), "profile")
    }
    if let budget {
      let checks = try BudgetFile.parse(text: session.text(at: budget), path: budget).check(result)
      add(ComparisonListing.section(checks, session.style), "budget")
    }
    data["passes"] = .bool(passes)
    return Report(data: .object(data), text: text, exit: passes ? .success : .checkFailed)
  }
}

extension Session {
  /// A file's text, recorded as an input.
  mutating func text(at path: String) throws(FileErrors) -> String {
    let text = try unrecordedText(at: path)
    record(InputRecord(name: Self.fileName(path), text: text))
    return text
  }
}

/// `5%` or `0.05`.
enum Tolerance {
  /// - Throws: `usage` where it is no share from 0 to 10.
  static func parse(_ text: String) throws(CommandFailure) -> Double {
    let isPercent = text.hasSuffix("%")
    let digits = isPercent ? String(text.dropLast()) : text
    let isPlain = !digits.isEmpty && digits.utf8.allSatisfy { (0x30...0x39).contains($0) || $0 == 0x2e }
    guard isPlain, digits.utf8.count <= 16, let number = Double(digits),
      (0...10).contains(isPercent ? number / 100 : number)
    else {
      throw CommandFailure.usage(
        "--tolerance \(sanitised(text, limit: 40))", remedy: "give for example 5% or 0.05")
    }
    return isPercent ? number / 100 : number
  }
}
