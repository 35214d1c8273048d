import CostModel
import Foundation
import Fusion
import KernelSources
import MemorySimulation
import ModelFiles
import Scheduling
import TestSupport
import Testing
import Workload

/// What the kernels did that were timed on a GPU, as `Configs/Measurements` has it beside their times.
@Suite struct MeasuredWorkTests {
  static let files = ["plans-fp32", "plans-int8", "tiles-fp32", "tiles-int8"]
  private static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .appendingPathComponent("../../Configs/Measurements/h200").standardizedFileURL

  private static let named = "instructions", ofText = "overhead_instructions"

  private struct Compiled: Decodable { let layers: [String] }

  private struct Timed: Decodable {
    let layers: [String]
    let work: [String: Int]
    /// As ncu counted them.
    let instructions: Int?
  }

  /// Counted anew, but for what the text that was timed did beside what its schedule names. Where the counts have changed for good
  /// reason, `FUSELAB_RECOUNT=1` puts those of all kernels into the files.
  @Test("Counts of timed kernels are those of their schedules", arguments: files)
  func counts(_ name: String) throws {
    let url = Self.folder.appendingPathComponent(name + ".json")
    var lines = try String(contentsOf: url, encoding: .utf8).split(separator: "\n").map(String.init)
    var checked = 0
    let isAnew = ProcessInfo.processInfo.environment["FUSELAB_RECOUNT"] == "1"
    for index in lines.indices where lines[index].hasPrefix("{\"kernel\"") {
      checked += 1
      let line = lines[index].hasSuffix(",") ? String(lines[index].dropLast()) : lines[index]
      let timed = try JSONDecoder().decode(Timed.self, from: Data(line.utf8))
      // All together it executed what it did, however much of that has a name.
      let executed = try #require(timed.work[Self.named]) + #require(timed.work[Self.ofText])
      if let measured = timed.instructions { #expect(executed == measured, "\(name), line \(index + 1)") }
      var counts = try recounted(timed.layers, line, isInt8: name.hasSuffix("int8"))
      let anew = try #require(counts.first { $0.name == Self.named }).value
      let own = try #require(counts.firstIndex { $0.name == Self.ofText })
      counts[own].value = executed - anew
      if isAnew {
        let list = counts.map { "\"\($0.name)\":\($0.value)" }.joined(separator: ",")
        lines[index].replace(/"work":\{[^}]*\}/, with: "\"work\":{\(list)}")
      } else {
        #expect(timed.work == Dictionary(uniqueKeysWithValues: counts), "\(name), line \(index + 1)")
      }
    }
    #expect(checked >= 125)
    if isAnew { try (lines.joined(separator: "\n") + "\n").write(to: url, atomically: true, encoding: .utf8) }
  }

  @Test(
    "Instructions are those that the machine code of tiles executes, within 8 % in the mean, and rank the tiles of a kernel as it does",
    arguments: ["h200/tiles-fp32", "h200/tiles-int8"])
  func instructions(_ name: String) throws {
    let (error, pairs) = try errorOfInstructions(name)
    #expect(error < 0.08, "\(error)")
    let ranks = pairs.values.compactMap { RankCorrelation.kendallTau($0) }
    #expect(ranks.count == 8 && ranks.reduce(0, +) / 8 > 0.9, "\(ranks)")
  }

  @Test(
    "So they are of kernels of plans with their own lanes and others, within 10 %",
    arguments: ["sm_90/lanes-fp32", "sm_90/lanes-int8"])
  func instructionsOfLanes(_ name: String) throws {
    let error = try errorOfInstructions(name).error
    #expect(error < 0.1, "\(error)")
  }

  /// The mean error of the kernels in a file, and of each layer's kernels the instructions counted and executed.
  private func errorOfInstructions(
    _ name: String
  ) throws -> (error: Double, pairs: [[String]: [(Double, Double)]]) {
    struct Tile: Decodable {
      let layers: [String]
      let executed: Int
    }
    let gpu = try #require(BuiltIn.gpu(named: "h200"))
    let text = try String(
      contentsOf: Self.folder.appendingPathComponent("../\(name).json"), encoding: .utf8)
    var pairs: [[String]: [(Double, Double)]] = [:]
    var (error, tiles) = (0.0, 0)
    for line in text.split(separator: "\n").map(String.init) where line.hasPrefix("{\"kernel\"") {
      let bare = line.hasSuffix(",") ? String(line.dropLast()) : line
      let tile = try JSONDecoder().decode(Tile.self, from: Data(bare.utf8))
      let schedule = try schedule(tile.layers, bare, isInt8: name.hasSuffix("int8"))
      // The closed form's are the replay's (`KernelWorkTests`).
      let work = KernelWork(schedule, on: gpu)
      let counted = Double(work.instructions + work.overhead)
      error += abs(counted / Double(tile.executed) - 1)
      tiles += 1
      pairs[tile.layers, default: []].append((counted, Double(tile.executed)))
    }
    #expect(tiles >= 125)
    return (error / Double(tiles), pairs)
  }

  /// Not a test: `FUSELAB_SOURCES=FOLDER` writes the source of every kernel of the measurements there, for
  /// `Tests/executed-instructions`.
  @Test(
    "Sources of measured kernels", .enabled(if: sources != nil),
    arguments: files + ["lanes-fp32", "lanes-int8"])
  func write(_ name: String) throws {
    let folder = try #require(Self.sources)
    let card = name.hasPrefix("lanes") ? "../sm_90/" : ""
    let text = try String(
      contentsOf: Self.folder.appendingPathComponent(card + name + ".json"), encoding: .utf8)
    for (index, line) in text.split(separator: "\n").map(String.init).enumerated()
    where line.hasPrefix("{\"kernel\"") {
      let bare = line.hasSuffix(",") ? String(line.dropLast()) : line
      let compiled = try JSONDecoder().decode(Compiled.self, from: Data(bare.utf8))
      let schedule = try schedule(compiled.layers, bare, isInt8: name.hasSuffix("int8"))
      let program = try KernelProgram(schedule, parameters: Self.usualParameters(of: schedule.chain))
      try "// \(program.launch.threads) \(program.launch.blocks)\n\(program.source)".write(
        toFile: "\(folder)/\(name)-\(index + 1).cu", atomically: true, encoding: .utf8)
    }
  }

  private static var sources: String? { ProcessInfo.processInfo.environment["FUSELAB_SOURCES"] }

  /// As networks have them: values from 0 to 6, weights around 0.
  private static func usualParameters(of chain: Chain) -> [LayerParameters] {
    var generator = RandomCaseGenerator(seed: 1)
    let values = Quantization(scale: 6.0 / 255, zeroPoint: -128)
    return generator.parameters(of: chain).map { parameters in
      guard case .int8(let own) = parameters else { return parameters }
      return .int8(
        QuantizedParameters(
          mode: own.mode, weights: own.weights, weightScales: own.weightScales,
          weightZeroPoints: own.weightZeroPoints.map { _ in 0 }, bias: own.bias,
          inputs: own.inputs.map { _ in values }, output: values))
    }
  }

  private func recounted(
    _ layers: [String], _ line: String, isInt8: Bool
  ) throws -> [(name: String, value: Int)] {
    let gpu = try #require(BuiltIn.gpu(named: "h200"))
    let made = try schedule(layers, line, isInt8: isInt8)
    return KernelWork(KernelReplay(made, on: gpu).run(), of: made, on: gpu).counts
  }

  /// The schedule of a timed kernel.
  private func schedule(_ layers: [String], _ line: String, isInt8: Bool) throws -> Schedule {
    let names = layers.map { $0.split(separator: "/").map(String.init) }
    let name = try #require(names.first?.first)
    let network = try #require(BuiltIn.network(named: name))
    let text = try #require(line.firstMatch(of: /"schedule":(\{[^}]*\})/)).1
    let list = names.map { "\"\($0[1])\"" }.joined(separator: ",")
    let plan = """
      {"schema": "fuselab.simulate/1", "data": {"network": "", "element_type": "", "layout": "", "batch": 1,
       "kernels": [{"layers": [\(list)], "schedule": \(text)}]}}
      """
    let kernel = try #require(try PlanFile.parse(text: plan, path: "line").kernels.first)
    let numbers = try kernel.layers.map { name in
      try #require(network.layers.firstIndex { $0.name == name })
    }
    let chain = try Chain(
      network.run(of: numbers),
      precision: isInt8 ? .int8(.onnx) : .fp32, axisOrder: isInt8 ? .hwc : .chw)
    return try Schedule(
      chain,
      tiling: Tiling(
        rows: kernel.rows, columns: kernel.columns, channels: kernel.channels, reduction: kernel.reduction),
      lanes: LaneMap(
        threads: kernel.threads, vectorWidth: kernel.vectorWidth, buffers: kernel.buffers,
        channelsPerThread: kernel.channelsPerThread, pixelsPerThread: kernel.pixelsPerThread,
        usesTensorCores: kernel.usesTensorCores, slidesWindows: kernel.slidesWindows,
        keepsSlots: kernel.keepsSlots),
      order: try #require(BlockOrder(rawValue: kernel.order)))
  }
}
