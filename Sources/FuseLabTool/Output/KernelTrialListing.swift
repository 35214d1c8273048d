import Hardware
import KernelEmulator
import KernelSources
import MemorySimulation
import ModelFiles
import Scheduling
import Verification
import Workload

/// What came of a user's own kernel, as text and as JSON.
struct KernelTrialListing {
  let trial: KernelTrial
  let file: String

  func report(_ style: TerminalStyle) -> Report {
    Report(data: json, text: text(style), exit: trial.passes ? .success : .checkFailed)
  }

  private struct Row {
    let operand: Operand
    let found: EmulationReport.GlobalRequests
    let scheduled: OperandTraffic
  }

  private var rows: [Row] {
    trial.schedule.chain.operands.compactMap { operand in
      let requests = operand == .ofm ? trial.recorded.writes : trial.recorded.reads
      guard let found = requests[operand], let scheduled = trial.scheduled.operands[operand] else {
        return nil
      }
      return Row(operand: operand, found: found, scheduled: scheduled)
    }
  }

  private var shared: (found: Int, scheduled: Int) {
    let all = Array(trial.recorded.bufferReads.values) + Array(trial.recorded.bufferWrites.values)
    return (all.reduce(0) { $0 + $1.wavefronts }, trial.scheduled.shared.wavefronts)
  }

  private func text(_ style: TerminalStyle) -> String {
    let schedule = trial.schedule
    let names = schedule.chain.stages.map { sanitised($0.name, limit: 48) }.joined(separator: " + ")
    let title =
      "\(sanitised(file, limit: 80)): \(schedule.kind) of \(names), \(schedule.chain.elementType), "
      + "\(grouped(trial.launch.blocks)) blocks of \(grouped(trial.launch.threads)) threads"
    var table = TextTable([
      .text("tensor", shrinksTo: nil), .number("requests"), .number("sectors"), .number("bytes"),
      .number("scheduled req."), .number("sectors"), .number("bytes"),
    ])
    for row in rows {
      let bytes = row.scheduled.accesses.count * schedule.chain.elementBytes(of: row.operand)
      table.add([
        row.operand.description, grouped(row.found.requests), grouped(row.found.sectors),
        grouped(row.found.bytes),
        grouped(row.scheduled.requests), grouped(row.scheduled.sectors.count), grouped(bytes),
      ])
    }
    let findings = trial.findings.map { hanging(sanitised("\($0)", limit: 400), width: style.width) + "\n" }
      .joined()
    let others = trial.findingCount - trial.findings.reduce(0) { $0 + $1.count }
    return style.bold(title) + "\n" + findings + (others > 0 ? "and \(grouped(others)) more findings\n" : "")
      + table.text(style)
      + "shared-memory wavefronts: \(grouped(shared.found)), the schedule's \(grouped(shared.scheduled))\n"
      + verdict(style) + "\n"
  }

  private func verdict(_ style: TerminalStyle) -> String {
    let findings = trial.findingCount == 0 ? "no findings" : "\(grouped(trial.findingCount)) findings"
    guard let difference = trial.difference else {
      let values = "\(grouped(trial.bytesCompared)) bytes equal the reference, \(findings)"
      return (trial.passes ? style.green("equal") : style.red("not right")) + ": " + values
    }
    return style.red("different") + ": first at image \(difference.image), channel \(difference.channel), "
      + "row \(difference.row), column \(difference.column): expected \(difference.expected), "
      + "found \(difference.found); \(findings)"
  }

  private var json: JSONValue {
    [
      "kernel": .string(file), "kind": .string(trial.schedule.kind.description),
      "layers": JSONValue(trial.schedule.chain.stages.map(\.name)), "passes": .bool(trial.passes),
      "bytes_compared": .integer(trial.bytesCompared), "values_equal": .bool(trial.difference == nil),
      "launch": [
        "blocks": .integer(trial.launch.blocks), "threads": .integer(trial.launch.threads),
        "shared_bytes": .integer(trial.launch.sharedBytes),
      ],
      "finding_count": .integer(trial.findingCount),
      "findings": .array(
        trial.findings.map {
          [
            "code": .string($0.kind.code), "file": .string($0.file), "line": .integer($0.line),
            "count": .integer($0.count), "text": .string($0.description),
          ]
        }),
      "tensors": .array(
        rows.map {
          [
            "operand": .string($0.operand.description), "requests": .integer($0.found.requests),
            "sectors": .integer($0.found.sectors), "bytes": .integer($0.found.bytes),
            "scheduled_requests": .integer($0.scheduled.requests),
            "scheduled_sectors": .integer($0.scheduled.sectors.count),
          ]
        }),
      "shared_wavefronts": .integer(shared.found), "scheduled_shared_wavefronts": .integer(shared.scheduled),
    ]
  }
}
