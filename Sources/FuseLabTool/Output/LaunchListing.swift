import Hardware
import KernelSources
import Reference
import Scheduling
import Workload

/// A kernel's launch, buffers and constants, as text and as JSON.
struct LaunchListing {
  let schedule: Schedule
  let gpu: GPU
  let program: KernelProgram

  /// - Throws: `KernelError` where the kernel has no room for the schedule.
  init(_ schedule: Schedule, on gpu: GPU) throws(KernelError) {
    self.schedule = schedule
    self.gpu = gpu
    program = try KernelProgram(schedule)
  }

  func report(_ style: TerminalStyle) -> Report { Report(data: json, text: text(style)) }

  private var buffers: [(name: String, offset: Int, bytes: Int, copies: Int)] {
    schedule.sharedLayout.places.map { ($0.buffer.description, $0.offset, $0.bytesPerCopy, $0.copies) }
  }

  private func text(_ style: TerminalStyle) -> String {
    let launch = program.launch
    let footprint = schedule.footprint
    var table = TextTable([
      .text("buffer", shrinksTo: nil), .number("offset B"), .number("bytes"), .number("copies"),
    ])
    for buffer in buffers {
      table.add([buffer.name, grouped(buffer.offset), grouped(buffer.bytes), "\(buffer.copies)"])
    }
    return style.bold(program.name) + "\n"
      + "launch: \(grouped(launch.blocks)) blocks of \(grouped(launch.threads)) threads, "
      + "\(grouped(launch.sharedBytes)) B of dynamic shared memory\n"
      + "about \(footprint.registersPerThread) registers a thread; reductions by \(paths.joined(separator: ", "))\n\n"
      + table.text(style) + "\n" + copies(style) + "\n"
      + constants.map { hanging($0, width: style.width) + "\n" }.joined()
  }

  /// How the staged operands come into their buffers on the GPU.
  private func copies(_ style: TerminalStyle) -> String {
    var table = TextTable([
      .text("copied", shrinksTo: nil), .number("a lane B"),
      .text("on sm_\(gpu.architecture) by", shrinksTo: nil),
      .text("loaded", shrinksTo: nil),
    ])
    for copy in schedule.operandCopies {
      table.add([
        copy.operand.description, "\(copy.itemBytes)", copy.path(on: gpu.architecture).rawValue,
        copy.loads == 1 ? "once a block" : "\(grouped(copy.loads)) times a block",
      ])
    }
    return table.text(style)
  }

  /// The constants, those of one structure on a line.
  private var constants: [String] {
    var lines: [(structure: String, values: [String])] = []
    for field in program.constants.fields where isUsed(field) {
      let parts = field.name.split(separator: ".")
      let structure = parts.dropLast().joined(separator: ".")
      if lines.last?.structure != structure { lines.append((structure, [])) }
      lines[lines.count - 1].values.append("\(parts[parts.count - 1]) \(field.word)")
    }
    return lines.map { ($0.structure.isEmpty ? "" : "\($0.structure): ") + $0.values.joined(separator: ", ") }
  }

  /// Whether a constant is of a stage that the kernel has.
  private func isUsed(_ field: KernelConstants.Field) -> Bool {
    let stages = schedule.chain.stages.count
    return !(stages..<KernelConstants.maximumStages).contains { stage in
      field.name.hasPrefix("stage[\(stage)]") || field.name.hasPrefix("rows[\(stage + 1)]")
        || field.name.hasPrefix("columns[\(stage + 1)]")
    }
  }

  private var json: JSONValue {
    [
      "kernel": .string(program.name), "blocks": .integer(program.launch.blocks),
      "threads": .integer(program.launch.threads), "shared_bytes": .integer(program.launch.sharedBytes),
      "widest_load_bytes": .integer(widestLoad),
      "store_bytes": .integer(schedule.vectorWidth(of: .ofm) * schedule.chain.elementBytes(of: .ofm)),
      "paths": JSONValue(paths),
      "registers_per_thread": .integer(schedule.footprint.registersPerThread),
      "buffers": .array(
        buffers.map {
          [
            "name": .string($0.name), "offset": .integer($0.offset), "bytes": .integer($0.bytes),
            "copies": .integer($0.copies),
          ]
        }),
      "copies": .array(schedule.operandCopies.map(json)),
      "static_counts": json(schedule.staticCounts),
      "constants": .object(
        Dictionary(uniqueKeysWithValues: program.constants.fields.map { ($0.name, Self.json($0.word)) })),
      "source": .string(program.source),
    ]
  }

  private func json(_ copy: OperandCopy) -> JSONValue {
    [
      "tensor": .string(copy.operand.description), "item_bytes": .integer(copy.itemBytes),
      "path": .string(copy.path(on: gpu.architecture).rawValue), "loads_per_block": .integer(copy.loads),
      "path_by_architecture": .object(
        Dictionary(
          uniqueKeysWithValues: Self.architectures.map {
            ("sm_\($0)", .string(copy.path(on: $0).rawValue))
          })),
    ]
  }

  /// Those that kernels are compiled for without a GPU.
  private static let architectures = [75, 80, 86, 87, 89, 90]

  private func json(_ counts: StaticCounts) -> JSONValue {
    [
      "stores": .integer(counts.stores), "residual_loads": .integer(counts.residualLoads),
      "steps_once": .bool(counts.hasStepsOnce), "barriers": .integer(counts.barriers),
      "products": .array(
        counts.products.map {
          [
            "instruction": .string($0.instruction.rawValue), "count": .integer($0.count),
            "read_bytes": .integer($0.bytes), "constant_bytes": .integer($0.constantBytes),
            "copies": .integer($0.copies),
          ]
        }),
    ]
  }

  /// How each stage goes over its reduction.
  private var paths: [String] {
    schedule.chain.stages.indices.map { "\(schedule.footprintModel.path(of: $0))" }
  }

  /// Bytes that a lane moves at most of a tensor in one load.
  private var widestLoad: Int {
    let chain = schedule.chain
    return chain.operands.filter { $0 != .ofm }
      .reduce(0) { max($0, schedule.vectorWidth(of: $1) * chain.elementBytes(of: $1)) }
  }

  private static func json(_ word: KernelConstants.Word) -> JSONValue {
    switch word {
    case .integer(let value): .integer(Int(value))
    case .real(let value): .number(Double(value))
    }
  }
}
