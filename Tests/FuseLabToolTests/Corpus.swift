import Foundation
import ModelFiles
import TestSupport
import Testing

/// One measurement beside the simulation of what it was measured of.
enum Corpus {
  /// The largest error that passes, by level and direction; where a bar is missed, what was found when it was measured and as
  /// much as rounding takes.
  private static func bar(_ counter: [String: Any], _ measurement: MeasurementFile) -> Double {
    let name = counter["name"] as? String ?? ""
    if let missed = measurement.missed[name] { return missed * 1.001 }
    switch counter["level"] as? String {
    case "l2": return name.contains("write") ? 0.03 : 0.01
    case "dram": return name.contains("write") ? 0.03 : 0.005
    default: return 0
    }
  }

  static func check(_ text: String, _ file: String, _ root: URL) throws {
    let measurement = try MeasurementFile.parse(text: text, path: file)
    guard measurement.l2 == .cold else { return }
    let place = root.appendingPathComponent(file).deletingLastPathComponent()
    let folder = try TemporaryFolder()
    let kernels =
      measurement.plan.map { ["--plan", place.appendingPathComponent($0).path] }
      ?? (measurement.isUnfused ? ["--unfused"] : [])
    let code = measurement.code.map { ["--code", place.appendingPathComponent($0).path] } ?? []
    let simulated = try CommandRunner.run(
      [
        "simulate", measurement.network, "--gpu", place.lastPathComponent, "--dtype",
        measurement.elementType.rawValue, "--json",
      ] + measurement.options + kernels + code)
    _ = try folder.file("sim.json", simulated.output)
    let compared = try CommandRunner.run(
      ["compare", "sim.json", "--json", "--ncu", place.appendingPathComponent(measurement.profile).path]
        + code,
      in: folder)
    // A plan has other kernels than when it was measured: there is nothing to hold the simulation to.
    if measurement.plan == nil, compared.status == 2,
      compared.codes.allSatisfy({ ["ncu-no-kernel", "ncu-uneven"].contains($0) })
    {
      print("\(file): its kernels are no longer those of the plan; measure it anew")
      return
    }
    #expect(compared.status <= 1, "\(file): \(compared.errors)")
    let envelope = try JSONSerialization.jsonObject(with: Data(compared.output.utf8)) as? [String: Any]
    let data = envelope?["data"] as? [String: Any]
    let profile = try #require(data?["profile"] as? [String: Any])
    for counter in try #require(profile["counters"] as? [[String: Any]]) {
      if measurement.outdated.contains(counter["name"] as? String ?? "") { continue }
      let error = counter["wape_share"] as? Double ?? .infinity
      #expect(error <= bar(counter, measurement), "\(file): \(counter["name"] ?? "") is off by \(error)")
    }
  }
}
