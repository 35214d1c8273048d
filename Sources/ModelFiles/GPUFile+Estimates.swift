import Hardware

extension GPUFile {
  /// A fact of the groups that estimates need.
  public enum Fact: Hashable, Sendable {
    case integer(Int)
    case decimal(Double)
  }

  /// The facts of `throughput`, `latency`, `energy` and `calibration` in the order of the file; of other groups, and
  /// of a calibration that the GPU does not have, none.
  public static func estimateFacts(of gpu: GPU, _ group: Group) -> [(key: String, value: Fact)] {
    let values: [Fact]
    switch group {
    case .throughput:
      let facts = gpu.estimates.throughput
      values = [
        facts.warpInstructions, facts.int32Lanes, facts.int8MatrixProducts, facts.l1Bytes, facts.sharedBytes,
        facts.l2BytesPerMultiprocessor, facts.l2Bytes,
      ].map { .integer($0) }
    case .latency:
      let facts = gpu.estimates.latency
      values = [facts.l1Clocks, facts.l2Clocks, facts.dramClocks, facts.launchNanoseconds].map {
        .integer($0)
      }
    case .energy:
      let facts = gpu.estimates.energy
      values = [
        facts.fp32MultiplyAdd, facts.int8MultiplyAdd, facts.instructionLane, facts.sharedByte, facts.l1Byte,
        facts.l2Byte, facts.dramByte,
      ].map { .decimal($0) }
    case .calibration:
      guard let facts = gpu.estimates.calibration else { return [] }
      values = ([facts.launchNanoseconds] + calibrated.map { facts.factor(of: $0) }).map { .decimal($0) }
    case .chip, .clock, .limits, .sharedMemory, .l1, .l2, .dram: return []
    }
    return zip(group.keys, values).map { (key: $0, value: $1) }
  }

  /// The terms that have a factor, in the order of the file.
  static let calibrated = TimeLimit.allCases.filter { $0 != .launch }
}

extension GPUFacts {
  var estimates: EstimateFacts {
    EstimateFacts(
      throughput: Throughput(
        warpInstructions: number(.throughput, "warp_instructions_per_clock_per_multiprocessor"),
        int32Lanes: number(.throughput, "int32_lanes_per_multiprocessor"),
        int8MatrixProducts: number(.throughput, "int8_matrix_products_per_clock_per_multiprocessor"),
        l1Bytes: number(.throughput, "l1_bytes_per_clock_per_multiprocessor"),
        sharedBytes: number(.throughput, "shared_bytes_per_clock_per_multiprocessor"),
        l2BytesPerMultiprocessor: number(.throughput, "l2_bytes_per_clock_per_multiprocessor"),
        l2Bytes: number(.throughput, "l2_bytes_per_clock")),
      latency: Latency(
        l1Clocks: number(.latency, "l1_clocks"), l2Clocks: number(.latency, "l2_clocks"),
        dramClocks: number(.latency, "dram_clocks"), launchNanoseconds: number(.latency, "launch_nanoseconds")
      ),
      energy: ActionEnergy(
        fp32MultiplyAdd: decimal(.energy, "fp32_multiply_add_picojoules"),
        int8MultiplyAdd: decimal(.energy, "int8_multiply_add_picojoules"),
        instructionLane: decimal(.energy, "instruction_picojoules_per_lane"),
        sharedByte: decimal(.energy, "shared_picojoules_per_byte"),
        l1Byte: decimal(.energy, "l1_picojoules_per_byte"),
        l2Byte: decimal(.energy, "l2_picojoules_per_byte"),
        dramByte: decimal(.energy, "dram_picojoules_per_byte")),
      calibration: calibration)
  }

  private var calibration: TimeCalibration? {
    guard has(.calibration) else { return nil }
    let factors = GPUFile.calibrated.map { ($0, decimal(.calibration, $0.rawValue + "_factor")) }
    return TimeCalibration(
      launchNanoseconds: decimal(.calibration, "launch_nanoseconds"),
      factors: Dictionary(factors) { first, _ in first })
  }
}
