#if cuda
  import CostModel
  import CUDAKernels
  import Fusion
  import Foundation
  import MemorySimulation
  import ModelFiles

  /// Times of the kernels of a plan as a table and as JSON.
  struct TimingListing {
    let rows: [GroupTiming]
    let plan: FusionPlan
    let warmUps, runs: Int

    private func geometricMean(_ l2: TimingMethod.L2) -> Double? {
      let ratios = rows.compactMap { $0.speedUp(l2) }
      return ratios.isEmpty ? nil : exp(ratios.reduce(0) { $0 + log($1) } / Double(ratios.count))
    }

    func text(_ style: TerminalStyle) -> String {
      var table = TextTable(
        [.text("kernel", shrinksTo: nil), .text("layers")]
          + TimingMethod.L2.allCases.flatMap { l2 -> [TextTable.Column] in
            [.number("\(l2) us"), .number("layers us"), .number("ratio")]
          })
      for row in rows {
        let names = row.layers.map { sanitised(plan.network.layers[$0].name, limit: 48) }
        let cells = TimingMethod.L2.allCases.flatMap { l2 in
          [row.fused[l2]?.median, row.unfused[l2]?.median, row.speedUp(l2)].map {
            $0.map { fixed($0, decimals: 2) } ?? "-"
          }
        }
        table.add([row.schedule.kind.description, names.joined(separator: " + ")] + cells)
      }
      let means = TimingMethod.L2.allCases.compactMap { l2 in
        geometricMean(l2).map { "\(l2) \(fixed($0, decimals: 2))" }
      }
      let failures = rows.compactMap { row in
        row.failure.map { why in
          let names = row.layers.map { sanitised(plan.network.layers[$0].name, limit: 48) }
          return "\(style.red("not timed")): \(names.joined(separator: " + ")): \(why)\n"
        }
      }
      return table.text(style)
        + "medians of \(runs) runs after \(warmUps), batch \(plan.network.batch); each run replays a graph\n"
        + (means.isEmpty
          ? "" : "layers' time / fused time, geometric mean: \(means.joined(separator: ", "))\n")
        + failures.joined()
    }

    func json(device: JSONValue) -> JSONValue {
      [
        "device": device, "network": .string(plan.network.name), "gpu": .string(plan.gpu.id),
        "element_type": .string(plan.precision.elementType.rawValue), "batch": .integer(plan.network.batch),
        "warm_ups": .integer(warmUps), "runs": .integer(runs),
        "kernels": .array(
          rows.map { row in
            [
              "kind": .string(row.schedule.kind.description),
              "layers": JSONValue(row.layers.map { plan.network.layers[$0].name }),
              "failure": JSONValue(row.failure), "work": work(row),
              "schedule": PlanListing.json(row.schedule),
              "fused": Self.json(row.fused), "unfused": Self.json(row.unfused),
            ]
          }),
      ]
    }

    /// For `gpu calibrate`: what the fused kernel does, as a replay on the planned GPU counts it.
    private func work(_ row: GroupTiming) -> JSONValue {
      let traffic = KernelReplay(row.schedule, on: plan.gpu).run()
      let counts = KernelWork(traffic, of: row.schedule, on: plan.gpu).counts
      return .object(Dictionary(counts.map { ($0.name, JSONValue($0.value)) }) { first, _ in first })
    }

    private static func json(_ timings: [TimingMethod.L2: KernelTiming]) -> JSONValue {
      var values: [String: JSONValue] = [:]
      for (l2, timing) in timings {
        values["\(l2)_l2"] = [
          "microseconds": .array(timing.microseconds.map { .number($0) }),
          "median_us": .number(timing.median), "min_us": .number(timing.minimum),
          "max_us": .number(timing.maximum), "passes": .integer(timing.passes),
          "copies": .integer(timing.copies),
        ]
      }
      return .object(values)
    }
  }
#endif
