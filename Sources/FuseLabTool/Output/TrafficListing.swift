import CostModel
import Fusion
import Hardware
import MemorySimulation
import ModelFiles
import Scheduling
import Workload

/// Replayed kernels as a table and as JSON.
enum TrafficListing {
  struct Kernel {
    let schedule: Schedule
    let traffic: KernelTraffic

    /// Of the replayed work.
    func estimate(on gpu: GPU) -> KernelEstimate {
      KernelEstimate(KernelWork(traffic, of: schedule, on: gpu), on: gpu)
    }
  }

  static func text(
    _ kernels: [Kernel], _ plan: FusionPlan, _ l2: L2BetweenKernels, _ style: TerminalStyle
  ) -> String {
    var table = TextTable([
      .text("kernel", shrinksTo: nil), .text("layers"), .number("waves"), .number("accesses B"),
      .number("sectors"), .number("L1 hit"), .number("L2 hit"), .number("DRAM read B"),
      .number("DRAM write B"), .number("bank conf."), .number("est. us"), .text("limit", shrinksTo: nil),
      .number("est. uJ"),
    ])
    for kernel in kernels {
      let (traffic, loads) = (kernel.traffic, kernel.traffic.loads)
      let estimate = kernel.estimate(on: plan.gpu)
      table.add([
        kernel.schedule.kind.description, names(kernel.schedule), String(traffic.waves),
        grouped(traffic.gma.count), grouped(traffic.total.sectors.count),
        percentage(loads.l1Hits.count, of: loads.sectors.count),
        percentage(loads.l2ReadHits.count, of: loads.l1Misses.count),
        grouped(traffic.dramRead.count), grouped(traffic.dramWritten.count),
        grouped(traffic.shared.bankConflicts), EstimateListing.microseconds(estimate.time.total),
        estimate.time.limit.rawValue, EstimateListing.microjoules(estimate.energy.total),
      ])
    }
    table.addRule()
    let all = kernels.map(\.traffic)
    func sum(_ value: (KernelTraffic) -> Int) -> String { grouped(all.reduce(0) { $0 + value($1) }) }
    table.add([
      "total", "", "", sum { $0.gma.count }, sum { $0.total.sectors.count }, "", "",
      sum { $0.dramRead.count }, sum { $0.dramWritten.count },
      sum { $0.shared.bankConflicts }, EstimateListing.microseconds(time(kernels, plan)), "",
      EstimateListing.microjoules(energy(kernels, plan)),
    ])
    let title =
      "\(sanitised(plan.network.name)) on \(sanitised(plan.gpu.name)), \(plan.precision.elementType), "
      + l2.words
    return style.bold(title) + "\n" + table.text(style)
      + hanging(EstimateListing.footnote(plan.gpu), width: style.width) + "\n"
  }

  private static func time(_ kernels: [Kernel], _ plan: FusionPlan) -> Picoseconds {
    kernels.reduce(.zero) { $0 + $1.estimate(on: plan.gpu).time.total }
  }
  private static func energy(_ kernels: [Kernel], _ plan: FusionPlan) -> Picojoules {
    kernels.reduce(.zero) { $0 + $1.estimate(on: plan.gpu).energy.total }
  }

  private static func names(_ schedule: Schedule) -> String {
    schedule.chain.stages.map { sanitised($0.name, limit: 48) }.joined(separator: " + ")
  }

  /// `counters` says once what each counter of a kernel is; a kernel's `counters` are its numbers.
  static func json(_ kernels: [Kernel], _ plan: FusionPlan, _ l2: L2BetweenKernels) -> JSONValue {
    [
      "network": .string(plan.network.name), "gpu": .string(plan.gpu.id),
      "element_type": .string(plan.precision.elementType.rawValue),
      "layout": .string(MapLayout(plan.axisOrder).rawValue), "batch": .integer(plan.network.batch),
      "l2_between_kernels": .string(l2.rawValue),
      "counters": .array(
        Counter.all.map {
          [
            "name": .string($0.name), "title": .string($0.title), "unit": .string($0.unit.rawValue),
            "metric": JSONValue($0.metric(on: plan.gpu)),
          ]
        }),
      "kernels": .array(kernels.map { json($0, on: plan.gpu) }),
      "estimate": [
        "is_estimate": true, "time_picoseconds": .integer(time(kernels, plan).count),
        "energy_picojoules": .integer(energy(kernels, plan).count),
      ],
      "totals": json(kernels.reduce(.zero) { $0 + $1.traffic.total }),
    ]
  }

  private static func json(_ kernel: Kernel, on gpu: GPU) -> JSONValue {
    let traffic = kernel.traffic
    let counters = Counter.all.map { ($0.name, JSONValue($0.value(from: traffic))) }
    let operands = traffic.operands.map { ($0.description, json($1)) }
    return [
      "kind": .string(kernel.schedule.kind.description),
      "layers": JSONValue(kernel.schedule.chain.stages.map(\.name)),
      "schedule": PlanListing.json(kernel.schedule),
      "occupancy_limits": JSONValue(traffic.occupancy.limits.map(\.key)),
      "counters": .object(Dictionary(counters) { first, _ in first }),
      "operands": .object(Dictionary(operands) { first, _ in first }),
      "sectors_by_cause": sectorsByCause(traffic),
      "estimate": EstimateListing.json(kernel.estimate(on: gpu), on: gpu),
    ]
  }

  private static func json(_ traffic: OperandTraffic) -> JSONValue {
    [
      "accesses_elements": .integer(traffic.accesses.count),
      "distinct_elements": .integer(traffic.distinct.count),
      "instructions": .integer(traffic.instructions), "requests": .integer(traffic.requests),
      "lines": .integer(traffic.lines), "sectors": .integer(traffic.sectors.count),
      "distinct_sectors": .integer(traffic.distinctSectors.count),
      "l1_hit_sectors": .integer(traffic.l1Hits.count), "l1_miss_sectors": .integer(traffic.l1Misses.count),
      "l2_read_hit_sectors": .integer(traffic.l2ReadHits.count),
      "l2_read_miss_sectors": .integer(traffic.l2ReadMisses.count),
      "l2_write_sectors": .integer(traffic.l2Writes.count),
      "l2_write_hit_sectors": .integer(traffic.l2WriteHits.count),
      "l2_write_miss_sectors": .integer(traffic.l2WriteMisses.count),
      "dram_read_sectors": .integer(traffic.dramReads.count),
      "dram_write_sectors": .integer(traffic.dramWrites.count),
      "l1_merged_store_sectors": .integer(traffic.mergedStores.count),
      "l2_fabric_sectors": .integer(traffic.fabric.count),
      "l2_inherited_sectors": .integer(traffic.inherited.count),
    ]
  }

  /// For each tensor and level its sectors by cause; causes that are zero are left out.
  static func sectorsByCause(_ traffic: KernelTraffic) -> JSONValue {
    let books = traffic.operands.map { ($0.description, json($1.causes)) }
    return .object(Dictionary(books) { first, _ in first })
  }

  private static func json(_ books: SectorBooks) -> JSONValue {
    let levels = SectorBooks.Level.allCases.map { level in
      let counts = SectorCause.allCases.filter { books[level][$0] != 0 }.map {
        ($0.name, JSONValue.integer(books[level][$0]))
      }
      return (level.rawValue, JSONValue.object(Dictionary(counts) { first, _ in first }))
    }
    return .object(Dictionary(levels) { first, _ in first })
  }
}

extension L2BetweenKernels {
  fileprivate var words: String {
    switch self {
    case .cold: "each kernel from a cold L2 that is flushed at its end"
    case .warm: "each kernel from the L2 that the one before left"
    case .flushed: "each kernel from the L2 that the one before left, its dirty sectors written"
    }
  }
}

extension Occupancy.Limit {
  /// The name in JSON.
  var key: String { self == .sharedMemory ? "shared_memory" : rawValue }
  /// The name in text.
  var words: String { self == .sharedMemory ? "shared memory" : rawValue }
}
