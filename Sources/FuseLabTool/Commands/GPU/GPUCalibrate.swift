import ArgumentParser
import CostModel
import Hardware
import ModelFiles
import Workload

struct GPUCalibrate: FuseLabCommand {
  static let verb = "gpu-calibrate"
  static let configuration = CommandConfiguration(
    commandName: "calibrate", abstract: "Fit the estimate of time to kernels that were timed on a GPU.",
    discussion: CommandHelp.discussion(
      [
        (
          "fuselab gpu calibrate bench.json --gpu h200 -o h200-measured.yaml",
          "then plan with --gpu that file"
        ),
        (
          "fuselab gpu calibrate v2/results.json --gpu h200",
          "of a bundle's run.py; the file to standard output"
        ),
        (
          "fuselab gpu calibrate a.json b.json --gpu l4 --date 2026-05-01 --json",
          "several, and the evidence dated"
        ),
      ], exits: [.invalid, .limit]))

  @Argument(help: ArgumentHelp("What cuda bench --json or a bundle's run.py wrote.", valueName: "bench.json"))
  var files: [String]
  @OptionGroup var gpu: GPUOption
  @Option(help: ArgumentHelp("When it was measured, for the evidence.", valueName: "yyyy-mm-dd"))
  var date: String?
  @OptionGroup var output: OutputOption
  @OptionGroup(title: "Global options") var global: GlobalOptions

  func report(_ session: inout Session) throws -> Report {
    if let date, date.wholeMatch(of: /[0-9]{4}-[0-9]{2}-[0-9]{2}/) == nil {
      throw CommandFailure.usage("--date \(sanitised(date, limit: 40))", remedy: "write it as 2026-05-01")
    }
    let base = try session.gpuFile(named: gpu.name())
    var benches: [BenchFile] = []
    for file in files {
      let bench = try BenchFile.parse(text: session.text(at: file), path: file)
      guard bench.plannedFor == base.gpu.id || session.settings.force else {
        throw CommandFailure(
          "bench-gpu",
          "'\(sanitised(file, limit: 400))' has kernels planned for \(sanitised(bench.plannedFor, limit: 60)), not for "
            + base.gpu.id, remedy: "name that GPU with --gpu, or pass --force")
      }
      benches.append(bench)
    }
    let fit = try TimeFit(observations(benches), on: base.gpu)
    let file = try Calibrated.file(base, fit, evidence: evidence(benches, fit))
    let rankings = benches.flatMap { TileRanking.all(in: $0, given: base.gpu, fitted: file.gpu) }
    let data = CalibrationListing.json(fit, file, rankings)
    guard let path = output.output else { return Report(data: data, text: file.print()) }
    try session.write(file.print(), to: path)
    return Report(data: data, text: path == "-" ? "" : CalibrationListing.text(fit, rankings, session.style))
  }

  private func observations(_ benches: [BenchFile]) throws(CommandFailure) -> [TimeFit.Observation] {
    var observations: [TimeFit.Observation] = []
    for bench in benches {
      for kernel in bench.kernels {
        guard let work = KernelWork(counts: kernel.work, elementType: bench.elementType) else {
          throw CommandFailure(
            "bench-work", "a kernel of \(sanitised(bench.network, limit: 60)) lacks counts of its work",
            remedy: "time it again with this version of fuselab")
        }
        observations.append(TimeFit.Observation(work: work, nanoseconds: kernel.median * 1000))
      }
    }
    return observations
  }

  /// What was measured where, by what, when.
  private func evidence(_ benches: [BenchFile], _ fit: TimeFit) -> String {
    func list(_ words: [String]) -> String {
      var seen: [String] = []
      for word in words where !seen.contains(word) { seen.append(word) }
      return seen.map { sanitised($0, limit: 60) }.joined(separator: ", ")
    }
    let kernels = benches.reduce(0) { $0 + $1.kernels.count }
    return
      "\(kernels) kernels of \(list(benches.map { "\($0.network) \($0.elementType.rawValue)" })) from a cold L2 on "
      + "\(list(benches.map(\.device))), CUDA driver \(list(benches.map(\.driver))), by "
      + "\(list(benches.map(\.command))), \(date ?? "date not given"); fitted by fuselab gpu calibrate "
      + "\(FuseLab.version), mean error \(fixed(fit.errorAfter * 100, decimals: 1))% after, "
      + "\(fixed(fit.errorBefore * 100, decimals: 1))% before"
  }
}

/// How the estimate ranks the tiles of one kernel, beside how they were timed.
struct TileRanking {
  let network: String
  let elementType: ElementType
  let layers: [String]
  let tiles: Int
  /// Kendall's τ by the GPU's file as it is given, and by the fitted factors.
  let given, fitted: Double

  /// Of each kernel that a file has in several tiles (`cuda bundle --tiles`), in the order of the file.
  static func all(in bench: BenchFile, given: GPU, fitted: GPU) -> [TileRanking] {
    var order: [[String]] = []
    var tiles: [[String]: [(work: KernelWork, time: Double)]] = [:]
    for kernel in bench.kernels {
      guard let work = KernelWork(counts: kernel.work, elementType: bench.elementType) else { continue }
      if tiles[kernel.layers] == nil { order.append(kernel.layers) }
      tiles[kernel.layers, default: []].append((work, kernel.median))
    }
    return order.compactMap { layers in
      guard let timed = tiles[layers], timed.count > 2 else { return nil }
      func tau(_ gpu: GPU) -> Double? {
        RankCorrelation.kendallTau(
          timed.map { (Double(TimeEstimate($0.work, on: gpu).total.count), $0.time) })
      }
      guard let before = tau(given), let after = tau(fitted) else { return nil }
      return TileRanking(
        network: bench.network, elementType: bench.elementType, layers: layers, tiles: timed.count,
        given: before, fitted: after)
    }
  }
}

/// A GPU's file with a calibration.
enum Calibrated {
  static func file(_ base: GPUFile, _ fit: TimeFit, evidence: String) throws(GPUError) -> GPUFile {
    var provenance = base.provenance
    let idle = TimeLimit.overlapping.filter { (fit.kernels[$0] ?? 0) < TimeFit.leastKernels }
    provenance[.calibration] = GPUFile.Provenance(
      source: evidence,
      note: idle.isEmpty
        ? nil
        : "Too few kernels are limited by \(idle.map(\.rawValue).joined(separator: ", ")); their factors are not of this data."
    )
    return GPUFile(gpu: try base.gpu.calibrated(by: fit.calibration), provenance: provenance)
  }
}

/// A fit as a table and as JSON.
enum CalibrationListing {
  static func text(_ fit: TimeFit, _ rankings: [TileRanking], _ style: TerminalStyle) -> String {
    var table = TextTable([.text("term", shrinksTo: nil), .number("factor"), .number("kernels")])
    for limit in TimeLimit.allCases where limit != .launch {
      table.add([
        limit.rawValue, fixed(fit.calibration.factor(of: limit), decimals: 3),
        TimeLimit.overlapping.contains(limit) ? grouped(fit.kernels[limit] ?? 0) : "all",
      ])
    }
    return table.text(style)
      + "launch \(fixed(fit.calibration.launchNanoseconds, decimals: 0)) ns; mean error "
      + "\(fixed(fit.errorBefore * 100, decimals: 1))% before, \(fixed(fit.errorAfter * 100, decimals: 1))% after\n"
      + ranked(rankings, style)
  }

  private static func ranked(_ rankings: [TileRanking], _ style: TerminalStyle) -> String {
    if rankings.isEmpty { return "" }
    var table = TextTable([
      .text("tiles of"), .text("dtype", shrinksTo: nil), .number("tiles"), .number("Kendall τ as given"),
      .number("fitted"),
    ])
    for ranking in rankings {
      let names = ranking.layers.map { sanitised($0, limit: 48) }.joined(separator: " + ")
      table.add([
        names, ranking.elementType.rawValue, grouped(ranking.tiles), fixed(ranking.given, decimals: 2),
        fixed(ranking.fitted, decimals: 2),
      ])
    }
    func mean(_ tau: KeyPath<TileRanking, Double>) -> String {
      fixed(rankings.reduce(0) { $0 + $1[keyPath: tau] } / Double(rankings.count), decimals: 2)
    }
    return "\n" + table.text(style) + "mean \(mean(\.given)) as given, \(mean(\.fitted)) fitted\n"
  }

  static func json(_ fit: TimeFit, _ file: GPUFile, _ rankings: [TileRanking]) -> JSONValue {
    let factors = TimeLimit.allCases.filter { $0 != .launch }.map {
      ($0.rawValue, JSONValue(fit.calibration.factor(of: $0)))
    }
    let kernels = TimeLimit.overlapping.map { ($0.rawValue, JSONValue(fit.kernels[$0] ?? 0)) }
    return [
      "factors": .object(Dictionary(factors) { first, _ in first }),
      "kernels_limited_by": .object(Dictionary(kernels) { first, _ in first }),
      "launch_nanoseconds": .number(fit.calibration.launchNanoseconds),
      "tile_rankings": .array(
        rankings.map {
          [
            "network": .string($0.network), "element_type": .string($0.elementType.rawValue),
            "layers": .array($0.layers.map { .string($0) }), "tiles": .integer($0.tiles),
            "kendall_tau_given": .number($0.given), "kendall_tau_fitted": .number($0.fitted),
          ]
        }),
      "mean_error_share_before": .number(fit.errorBefore), "mean_error_share_after": .number(fit.errorAfter),
      "gpu": GPUListing.json(file.gpu), "provenance": GPUListing.json(file.provenance),
    ]
  }
}
