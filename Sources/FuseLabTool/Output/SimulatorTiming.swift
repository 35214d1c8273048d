import Foundation
import Fusion
import MemorySimulation
import ModelFiles
import Workload

/// How long the simulator takes: its caches on traces, and the kernels of a plan.
struct SimulatorTiming {
  struct Row {
    let name: String
    /// Sectors asked for.
    let accesses: Int
    let hits, misses: Int?
    /// Of processor time, in the order of the runs: what others do on the machine counts little.
    let seconds: [Double]

    /// Millions a second in the fastest run.
    var rate: Double { Double(accesses) / (seconds.min() ?? 1) / 1e6 }
  }

  static let (sets, ways) = (1024, 16)
  let rows: [Row]
  let plan: FusionPlan
  let runs: Int

  /// - Parameter kernels: Replayed one after the other on one thread.
  init(_ plan: FusionPlan, kernels: [TileCandidate], runs: Int) {
    self.plan = plan
    self.runs = runs
    var rows: [Row] = []
    for trace in CacheTrace.all(count: 4_000_000) {
      var found = (hits: 0, misses: 0)
      let seconds = (0..<runs).map { _ in
        Self.processorSeconds { found = trace.replay(sets: Self.sets, ways: Self.ways) }
      }
      rows.append(
        Row(
          name: trace.name, accesses: trace.sectors.count, hits: found.hits, misses: found.misses,
          seconds: seconds))
    }
    var sectors = 0
    let seconds = (0..<runs).map { _ in
      Self.processorSeconds {
        sectors = kernels.reduce(0) {
          $0 + KernelReplay($1.schedule, on: plan.gpu).run().total.sectors.count
        }
      }
    }
    rows.append(Row(name: "network", accesses: sectors, hits: nil, misses: nil, seconds: seconds))
    self.rows = rows
  }

  private static func processorSeconds(_ body: () -> Void) -> Double {
    let start = clock()
    body()
    return Double(clock() - start) / Double(CLOCKS_PER_SEC)
  }

  func text(_ style: TerminalStyle) -> String {
    var table = TextTable([
      .text("trace", shrinksTo: nil), .number("accesses"), .number("misses"), .number("seconds"),
      .number("M accesses/s"),
    ])
    for row in rows {
      table.add([
        row.name, grouped(row.accesses), row.misses.map { grouped($0) } ?? "-",
        fixed(row.seconds.min() ?? 0, decimals: 3), fixed(row.rate, decimals: 0),
      ])
    }
    return table.text(style)
      + "processor time, fastest of \(runs) runs on one thread; traces: \(Self.sets) sets of \(Self.ways) ways of 32 B, LRU\n"
      + "network: \(sanitised(plan.network.name)) on \(sanitised(plan.gpu.name)), whole replay of each kernel\n"
  }

  var json: JSONValue {
    [
      "network": .string(plan.network.name), "gpu": .string(plan.gpu.id), "runs": .integer(runs),
      "threads": 1, "sets": .integer(Self.sets), "ways": .integer(Self.ways), "line_bytes": 32,
      "traces": .array(
        rows.map { row in
          [
            "name": .string(row.name), "accesses": .integer(row.accesses),
            "hits": row.hits.map { .integer($0) } ?? .null,
            "misses": row.misses.map { .integer($0) } ?? .null,
            "seconds": .array(row.seconds.map { .number($0) }),
          ]
        }),
    ]
  }
}
