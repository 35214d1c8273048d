/// What a multiprocessor and the L2 move and issue a clock cycle.
public struct Throughput: Hashable, Sendable {
  /// Warp instructions that a multiprocessor issues.
  public let warpInstructions: Int
  /// Lanes of a multiprocessor that multiply and add 32-bit integers, or four bytes each at once (dp4a).
  public let int32Lanes: Int
  /// Products of bytes that a multiprocessor's tensor cores multiply and add.
  public let int8MatrixProducts: Int
  /// Bytes that a multiprocessor's L1 delivers, and its shared memory.
  public let l1Bytes, sharedBytes: Int
  /// Bytes between a multiprocessor and the L2, and what the whole L2 delivers.
  public let l2BytesPerMultiprocessor, l2Bytes: Int

  public init(
    warpInstructions: Int, int32Lanes: Int, int8MatrixProducts: Int, l1Bytes: Int, sharedBytes: Int,
    l2BytesPerMultiprocessor: Int, l2Bytes: Int
  ) {
    self.warpInstructions = warpInstructions
    self.int32Lanes = int32Lanes
    self.int8MatrixProducts = int8MatrixProducts
    self.l1Bytes = l1Bytes
    self.sharedBytes = sharedBytes
    self.l2BytesPerMultiprocessor = l2BytesPerMultiprocessor
    self.l2Bytes = l2Bytes
  }
}

/// How long a lone access takes, in clock cycles of the multiprocessors, and how long a launch.
public struct Latency: Hashable, Sendable {
  public let l1Clocks, l2Clocks, dramClocks: Int
  /// What a kernel costs beyond its work where it follows another one of a graph.
  public let launchNanoseconds: Int

  public init(l1Clocks: Int, l2Clocks: Int, dramClocks: Int, launchNanoseconds: Int) {
    self.l1Clocks = l1Clocks
    self.l2Clocks = l2Clocks
    self.dramClocks = dramClocks
    self.launchNanoseconds = launchNanoseconds
  }
}

/// Dynamic energy of single actions, in picojoules.
public struct ActionEnergy: Hashable, Sendable {
  /// One multiply-add.
  public let fp32MultiplyAdd, int8MultiplyAdd: Double
  /// Fetch, decode and operands of an instruction, for each of its lanes.
  public let instructionLane: Double
  /// One byte moved.
  public let sharedByte, l1Byte, l2Byte, dramByte: Double

  public init(
    fp32MultiplyAdd: Double, int8MultiplyAdd: Double, instructionLane: Double, sharedByte: Double,
    l1Byte: Double, l2Byte: Double, dramByte: Double
  ) {
    self.fp32MultiplyAdd = fp32MultiplyAdd
    self.int8MultiplyAdd = int8MultiplyAdd
    self.instructionLane = instructionLane
    self.sharedByte = sharedByte
    self.l1Byte = l1Byte
    self.l2Byte = l2Byte
    self.dramByte = dramByte
  }
}

/// What may set the time of a kernel.
public enum TimeLimit: String, Hashable, Sendable, CaseIterable {
  /// Bytes of DRAM, of the L2, of the busiest multiprocessor's L1, and its shared-memory wavefronts.
  case dram, l2, l1, shared
  /// Warp instructions of the busiest multiprocessor, and its multiply-adds.
  case issue, compute
  /// Handing the blocks out to the multiprocessors.
  case distribution
  /// What a block waits for: its loads, and one matrix after the other.
  case latency
  case launch

  /// Those of which the largest sets the time, the others beside it as far as nothing hides them. The rest is added to that.
  public static let overlapping: [TimeLimit] = [.dram, .l2, .l1, .shared, .issue, .compute, .distribution]
}

/// What measurements say of an estimate: each term is multiplied by its factor before the largest is taken.
public struct TimeCalibration: Hashable, Sendable {
  /// Takes the place of `Latency.launchNanoseconds`.
  public let launchNanoseconds: Double
  /// 1 where a term has none. `launch` has none.
  public let factors: [TimeLimit: Double]

  public init(launchNanoseconds: Double, factors: [TimeLimit: Double]) {
    self.launchNanoseconds = launchNanoseconds
    self.factors = factors
  }

  /// What the uncalibrated term is multiplied by.
  public func factor(of limit: TimeLimit) -> Double { factors[limit] ?? 1 }
}

/// What estimates of time and energy need of a GPU beyond what counts of traffic need.
public struct EstimateFacts: Hashable, Sendable {
  public let throughput: Throughput
  public let latency: Latency
  public let energy: ActionEnergy
  /// Nil where nothing was measured.
  public let calibration: TimeCalibration?

  public init(
    throughput: Throughput, latency: Latency, energy: ActionEnergy, calibration: TimeCalibration? = nil
  ) {
    self.throughput = throughput
    self.latency = latency
    self.energy = energy
    self.calibration = calibration
  }

  /// Launch overhead in nanoseconds: measured, else the file's.
  public var launchNanoseconds: Double {
    calibration?.launchNanoseconds ?? Double(latency.launchNanoseconds)
  }

  /// What contradicts, each a whole sentence.
  var findings: [String] {
    var findings: [String] = []
    let counts = [
      ("instruction throughput", throughput.warpInstructions), ("int32 lanes", throughput.int32Lanes),
      ("matrix throughput", throughput.int8MatrixProducts),
      ("L1 throughput", throughput.l1Bytes), ("shared-memory throughput", throughput.sharedBytes),
      ("L2 throughput per multiprocessor", throughput.l2BytesPerMultiprocessor),
      ("L2 throughput", throughput.l2Bytes), ("L1 latency", latency.l1Clocks),
      ("L2 latency", latency.l2Clocks), ("DRAM latency", latency.dramClocks),
    ]
    for (name, value) in counts where !(1...1 << 20).contains(value) {
      findings.append("The \(name) must be 1 to \(1 << 20), not \(value).")
    }
    if !(latency.l1Clocks <= latency.l2Clocks && latency.l2Clocks <= latency.dramClocks) {
      findings.append("The latency of the L1, the L2 and DRAM must not fall from one to the next.")
    }
    if !(0...1_000_000_000).contains(latency.launchNanoseconds) {
      findings.append("The launch latency must be 0 to 1000000000 ns, not \(latency.launchNanoseconds).")
    }
    let joules = [
      energy.fp32MultiplyAdd, energy.int8MultiplyAdd, energy.instructionLane, energy.sharedByte,
      energy.l1Byte,
      energy.l2Byte, energy.dramByte,
    ]
    if !joules.allSatisfy({ $0.isFinite && (0...1e6).contains($0) }) {
      findings.append("An energy must be 0 to 1000000 picojoules.")
    }
    if let calibration {
      let isSound =
        (0...1e9).contains(calibration.launchNanoseconds)
        && calibration.factors.allSatisfy { $0.key != .launch && (1e-3...1e3).contains($0.value) }
      if !isSound { findings.append("A calibration factor must be 0.001 to 1000, its launch 0 to 1e9 ns.") }
    }
    return findings
  }
}
