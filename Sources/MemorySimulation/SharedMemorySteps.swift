import Hardware
import Scheduling
import Workload

/// Shared-memory accesses of the steps of a schedule. Steps of equal shape cost the same and are worked out once.
struct SharedMemorySteps {
  /// What decides a compute step's cost.
  private struct Computing: Hashable {
    let stage, channels, reducing, phase: Int
    let ends: Bool
  }
  private struct Staging: Hashable {
    let items, bytes: Int
  }
  private struct ComputeCost {
    let reads, writes: SharedMemoryTraffic
    let multiplyAdds: Int
  }

  private let schedule: Schedule
  private var computing: [Computing: ComputeCost] = [:]
  private var stagings: [Staging: SharedMemoryTraffic] = [:]
  /// Loads of operands into their buffers.
  private(set) var staging = SharedMemoryTraffic()
  /// Values, weights, biases and multipliers that compute steps read.
  private(set) var operandReads = SharedMemoryTraffic()
  /// Outputs of stages that another stage reads.
  private(set) var intermediateWrites = SharedMemoryTraffic()
  /// Warp instructions that multiply and add.
  private(set) var multiplyAdds = 0

  init(_ schedule: Schedule) { self.schedule = schedule }

  var total: SharedMemoryTraffic { staging + operandReads + intermediateWrites }

  /// A load step's writes: lane after lane writes its item, the slots of the region in the order of the lane map.
  /// Slots that hold no element are written too, with zeros.
  mutating func stage(_ operand: Operand, _ region: Region, width: Int) {
    let slots =
      region.outer.count * region.channels.count * region.rows.indices.count * region.columns.indices.count
    let key = Staging(
      items: (slots + width - 1) / width, bytes: width * schedule.chain.elementBytes(of: operand))
    let cost = stagings[key] ?? writes(of: key)
    stagings[key] = cost
    staging = staging + cost
  }

  /// - Parameter ends: Whether this is the last part of the reduction.
  mutating func compute(_ stage: Int, channels: Range<Int>, reducing: Int, ends: Bool = true) {
    let key = Computing(
      stage: stage, channels: channels.count, reducing: reducing,
      phase: channels.lowerBound % schedule.chain.stages[stage].shape.filtersPerGroup, ends: ends)
    let cost = computing[key] ?? cost(of: key)
    computing[key] = cost
    operandReads = operandReads + cost.reads
    intermediateWrites = intermediateWrites + cost.writes
    multiplyAdds += cost.multiplyAdds
  }

  private func cost(of step: Computing) -> ComputeCost {
    let lanes = ComputeLaneCost(
      schedule, stage: step.stage, channels: step.channels, reducing: step.reducing, phase: step.phase)
    let isLast = step.stage == schedule.chain.stages.count - 1
    return ComputeCost(
      reads: step.ends ? lanes.reads() + lanes.constantReads() : lanes.reads(),
      writes: step.ends && !isLast ? lanes.writes() : SharedMemoryTraffic(), multiplyAdds: lanes.multiplyAdds)
  }

  /// Whole warps cost the same; the last may have fewer items.
  private func writes(of step: Staging) -> SharedMemoryTraffic {
    func cost(_ lanes: Int) -> SharedMemoryTraffic {
      withUnsafeTemporaryAllocation(of: Int.self, capacity: WarpRequest.lanes) { addresses in
        for lane in addresses.indices { addresses[lane] = lane < lanes ? lane * step.bytes : -1 }
        let cost = SharedMemoryBanks.cost(of: addresses, size: step.bytes)
        return SharedMemoryTraffic(
          requests: 1, wavefronts: cost.wavefronts, bankConflicts: cost.conflicts)
      }
    }
    let (whole, rest) = step.items.quotientAndRemainder(dividingBy: WarpRequest.lanes)
    let all = cost(WarpRequest.lanes)
    let wholes = SharedMemoryTraffic(
      requests: whole, wavefronts: whole * all.wavefronts, bankConflicts: whole * all.bankConflicts)
    return rest == 0 ? wholes : wholes + cost(rest)
  }
}
