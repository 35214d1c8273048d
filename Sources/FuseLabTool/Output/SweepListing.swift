import Fusion
import Hardware
import MemorySimulation
import ModelFiles
import Workload

/// A sweep of the undocumented parameters as a table and as JSON.
struct SweepListing {
  let sweep: UnknownSweep
  let plan: FusionPlan
  let kernels: Int

  private var counters: [Counter] { UnknownSweep.counters }

  func text(_ style: TerminalStyle) -> String {
    let moving = counters.indices.filter { sweep.strongest(for: $0) != nil }
    var table = TextTable([
      .text("counter", shrinksTo: nil), .number("least"), .number("default"), .number("most"),
      .text("moved most by"),
    ])
    for index in moving {
      let range = sweep.range(of: index)
      table.add([
        counters[index].name, grouped(range.lowerBound), grouped(sweep.defaults[index]),
        grouped(range.upperBound), sweep.strongest(for: index)?.rawValue ?? "",
      ])
    }
    var settings = TextTable([
      .text("parameter", shrinksTo: nil), .text("value"), .number("L2 reads"), .number("L2 writes"),
      .number("DRAM read B"), .number("DRAM write B"),
    ])
    let shown = ["l2_read_sectors", "l2_write_sectors", "dram_read_bytes", "dram_write_bytes"]
    let columns = shown.compactMap { name in counters.firstIndex { $0.name == name } }
    settings.add(["(defaults)", ""] + columns.map { grouped(sweep.defaults[$0]) })
    for run in sweep.runs {
      settings.add([run.name.rawValue, run.value] + columns.map { grouped(run.sums[$0]) })
    }
    let title =
      "\(sanitised(plan.network.name)) on \(sanitised(plan.gpu.name)), \(plan.precision.elementType), "
      + "\(kernels) kernels, one undocumented parameter at a time"
    let still = counters.count - moving.count
    return style.bold(title) + "\n" + table.text(style)
      + "\(still) other counters depend on none of them\n\n" + settings.text(style)
  }

  var json: JSONValue {
    [
      "network": .string(plan.network.name), "gpu": .string(plan.gpu.id),
      "element_type": .string(plan.precision.elementType.rawValue), "kernel_count": .integer(kernels),
      "parameters": .array(
        UndocumentedParameter.Name.allCases.map { name in
          let parameter = plan.gpu.undocumented(name)
          return [
            "name": .string(name.rawValue), "default": .string(parameter.value),
            "range": JSONValue(parameter.range), "source": .string(parameter.source),
          ]
        }),
      "counters": .array(counters.indices.map { json($0) }),
      "settings": .array(
        sweep.runs.map { run in
          let sums = zip(counters, run.sums).map { ($0.name, JSONValue.integer($1)) }
          return [
            "parameter": .string(run.name.rawValue), "value": .string(run.value),
            "counters": .object(Dictionary(sums) { first, _ in first }),
          ]
        }),
    ]
  }

  private func json(_ index: Int) -> JSONValue {
    let counter = counters[index]
    let range = sweep.range(of: index)
    return [
      "name": .string(counter.name), "title": .string(counter.title), "unit": .string(counter.unit.rawValue),
      "metric": JSONValue(counter.metric(on: plan.gpu)), "least": .integer(range.lowerBound),
      "default": .integer(sweep.defaults[index]), "most": .integer(range.upperBound),
      "strongest_parameter": JSONValue(sweep.strongest(for: index)?.rawValue),
    ]
  }
}
