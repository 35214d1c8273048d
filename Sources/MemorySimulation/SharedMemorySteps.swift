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
  struct Staging: Hashable {
    let items, bytes: Int
    /// Items of a row, and bytes from one to the next.
    let perRow, step: Int
    /// Rows of a group, and bytes from row to row and from group to group.
    let side, pitch, groupPitch: Int
    let rounds: LoadRounds

    func address(of item: Int) -> Int {
      let row = item / perRow
      return row / side * groupPitch + row % side * pitch + item % perRow * step
    }
  }
  private struct ComputeCost {
    let reads, writes: SharedMemoryTraffic
    let multiplyAdds: MultiplyAdds
  }

  private let schedule: Schedule
  private var computing: [Computing: ComputeCost] = [:]
  private var stagings: [Staging: SharedMemoryTraffic] = [:]
  /// Loads of operands into their buffers.
  private(set) var staging = SharedMemoryTraffic()
  /// Of `staging` the items of sizes that a GPU may copy asynchronously.
  private(set) var copies = SharedMemoryTraffic()
  /// Values, weights, biases and multipliers that compute steps read.
  private(set) var operandReads = SharedMemoryTraffic()
  /// Outputs of stages that another stage reads.
  private(set) var intermediateWrites = SharedMemoryTraffic()
  private(set) var multiplyAdds = MultiplyAdds()

  init(_ schedule: Schedule) { self.schedule = schedule }

  var total: SharedMemoryTraffic { staging + operandReads + intermediateWrites }

  /// A load step's writes: lane after lane writes its item, the slots of the region in the order of the lane map.
  /// Slots that hold no element are written too, with zeros.
  mutating func stage(_ operand: Operand, _ region: Region, width: Int) {
    let key = layout(of: operand, region, width: width)
    let cost = stagings[key] ?? writes(of: key)
    stagings[key] = cost
    staging = staging + cost
    if CopyPath.asynchronousBytes.contains(key.bytes) { copies = copies + cost }
  }

  /// Where the items of a load go.
  func layout(of operand: Operand, _ region: Region, width: Int? = nil) -> Staging {
    let width = width ?? schedule.vectorWidth(of: operand)
    let slots =
      region.outer.count * region.channels.count * region.rows.indices.count * region.columns.indices.count
    let element = schedule.chain.elementBytes(of: operand)
    let row = row(of: operand, region, width)
    return Staging(
      items: (slots + width - 1) / width, bytes: width * element, perRow: row.items,
      step: row.layout.step * width * element, side: row.layout.side, pitch: row.layout.pitch * element,
      groupPitch: row.layout.groupPitch * element, rounds: schedule.loadRounds(of: operand, width: width))
  }

  /// Items of a row of the operand's buffer, and how such rows lie. Where all lies side by side, all of it is a row.
  private func row(of operand: Operand, _ region: Region, _ width: Int) -> (items: Int, layout: RowLayout) {
    let model = schedule.footprintModel
    switch operand {
    case .ifm where schedule.chain.axisOrder == .hwc:
      let pitch = model.pixelPitch(of: 0)
      return (
        max(1, region.channels.count / width), RowLayout(side: 1, pitch: pitch, groupPitch: pitch, step: 1)
      )
    case .weights(let stage):
      let taps = region.rows.indices.count * region.columns.indices.count
      let filters = model.filterLayout(of: stage, reducing: region.channels.count)
      guard filters.vector > 1 || model.path(of: stage).isPacked else { break }
      return (
        max(1, region.channels.count * taps / width),
        RowLayout(
          side: filters.side, pitch: filters.pitch, groupPitch: filters.groupPitch, step: filters.step)
      )
    default: break
    }
    return (Int.max, RowLayout(side: 1, pitch: 0, groupPitch: 0, step: 1))
  }

  /// In elements.
  private struct RowLayout {
    let side, pitch, groupPitch, step: Int
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
    multiplyAdds = multiplyAdds + cost.multiplyAdds
  }

  private func cost(of step: Computing) -> ComputeCost {
    let lanes = ComputeLaneCost(
      schedule, stage: step.stage, channels: step.channels, reducing: step.reducing, phase: step.phase)
    let writes = step.ends && schedule.chain.hasBuffer(step.stage)
    return ComputeCost(
      reads: step.ends ? lanes.reads() + lanes.constantReads() : lanes.reads(),
      writes: writes ? lanes.writes() : SharedMemoryTraffic(), multiplyAdds: lanes.multiplyAdds)
  }

  /// Whole warps cost the same, as far as they begin at the same place of a row and the pitch only moves the pattern round
  /// the banks; the last may have fewer items.
  private func writes(of step: Staging) -> SharedMemoryTraffic {
    var total = SharedMemoryTraffic()
    var known: [Int: SharedMemoryBanks.Cost] = [:]
    withUnsafeTemporaryAllocation(of: Int.self, capacity: WarpRequest.lanes) { addresses in
      step.rounds.forEachRequest(of: step.items) { first, lanes in
        let isWhole = lanes == WarpRequest.lanes
        let phase = step.perRow == Int.max ? 0 : first % (step.perRow * step.side)
        var cost = isWhole && step.groupPitch % SharedMemoryBanks.word == 0 ? known[phase] : nil
        if cost == nil {
          for lane in addresses.indices {
            addresses[lane] = lane < lanes ? step.address(of: first + lane) : -1
          }
          cost = SharedMemoryBanks.cost(of: addresses, size: step.bytes, .write)
          if isWhole { known[phase] = cost }
        }
        guard let cost else { return }
        total =
          total
          + SharedMemoryTraffic(
            requests: 1, wavefronts: cost.wavefronts, bankConflicts: cost.conflicts)
      }
    }
    return total
  }
}
