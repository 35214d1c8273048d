import CostModel
import Fusion
import Hardware
import Workload

/// Estimates of time and energy as text and as JSON. Wherever they are printed they are called estimates.
enum EstimateListing {
  /// Under tables that have estimates in them.
  static func footnote(_ gpu: GPU) -> String {
    let state =
      gpu.estimates.calibration == nil
      ? "not calibrated by measurements (fuselab gpu calibrate)"
      : "calibrated by measurements (fuselab gpu show)"
    return "est.: estimates of a model, \(state); energy without leakage and idle power"
  }

  static func microseconds(_ time: Picoseconds) -> String { fixed(Double(time.count) / 1e6, decimals: 2) }
  static func microjoules(_ energy: Picojoules) -> String { fixed(Double(energy.count) / 1e6, decimals: 2) }

  /// One kernel, for `explain`.
  static func text(_ estimate: KernelEstimate, on gpu: GPU, _ style: TerminalStyle) -> String {
    let time = estimate.time
    var terms = TextTable([.text("estimate of time", shrinksTo: nil), .number("us"), .text("")])
    for limit in TimeLimit.allCases {
      let picoseconds = Self.picoseconds(time, limit)
      terms.add([
        limit.rawValue, microseconds(picoseconds), limit == time.limit ? "the limit" : "",
      ])
    }
    terms.addRule()
    terms.add(["launch, latency, largest, part of the rest", microseconds(time.total), ""])
    var energy = TextTable([.text("estimate of energy", shrinksTo: nil), .number("uJ"), .text("")])
    for part in EnergyEstimate.Part.allCases {
      let picojoules = Self.picojoules(estimate.energy, part)
      energy.add([
        part.rawValue, microjoules(picojoules), part == estimate.energy.largest ? "the most" : "",
      ])
    }
    energy.addRule()
    energy.add(["all", microjoules(estimate.energy.total), ""])
    return terms.text(style) + "\n" + energy.text(style) + hanging(footnote(gpu), width: style.width) + "\n"
  }

  static func json(_ estimate: KernelEstimate, on gpu: GPU) -> JSONValue {
    let (time, energy) = (estimate.time, estimate.energy)
    let terms = TimeLimit.allCases.map {
      ($0.rawValue + "_picoseconds", JSONValue(picoseconds(time, $0).count))
    }
    let parts = EnergyEstimate.Part.allCases.map {
      ($0.rawValue + "_picojoules", JSONValue(picojoules(energy, $0).count))
    }
    return [
      "is_estimate": true, "is_calibrated": .bool(gpu.estimates.calibration != nil),
      "time_picoseconds": .integer(time.total.count), "limited_by": .string(time.limit.rawValue),
      "time_terms": .object(Dictionary(terms) { first, _ in first }),
      "energy_picojoules": .integer(energy.total.count),
      "energy_parts": .object(Dictionary(parts) { first, _ in first }),
    ]
  }

  private static func picoseconds(_ time: TimeEstimate, _ limit: TimeLimit) -> Picoseconds {
    Picoseconds(whole((time.nanoseconds[limit] ?? 0) * 1000))
  }

  private static func picojoules(_ energy: EnergyEstimate, _ part: EnergyEstimate.Part) -> Picojoules {
    energy.picojoules[part] ?? .zero
  }

  private static func whole(_ value: Double) -> Int {
    Int(min(value.rounded(), Double(TimeEstimate.ceiling)))
  }
}
