import Hardware
import Scheduling
import Workload

/// What the warp requests of one load or store step touch.
struct StepAccesses {
  var instructions = 0
  var requests = 0
  var elements = 0
  var lines = 0
  /// Sectors of all requests, counted from the start of the tensor, in the order of the requests.
  var sectors: [UInt32] = []
  /// Bytes of each of them that the request touches.
  var masks: [UInt32] = []
}

/// How one operand is accessed: its lane map, its place, and which of its bytes were touched so far.
struct OperandAccess {
  let operand: Operand
  let walk: LaneWalk
  let elementBytes: Int
  let extent: Range<Int>
  /// For each sector which bytes any request touched.
  private var seen: [UInt32]
  private var touched: [Coalescer.Touched] = []

  init(_ operand: Operand, of schedule: Schedule, at base: Bytes) {
    let chain = schedule.chain
    self.operand = operand
    walk = schedule.laneWalk(of: operand)
    elementBytes = chain.elementBytes(of: operand)
    let bytes = chain.elements(of: operand) * elementBytes
    let count = (bytes + Coalescer.sectorBytes - 1) / Coalescer.sectorBytes
    let first = base.count / Coalescer.sectorBytes
    extent = first..<first + count
    seen = Array(repeating: 0, count: count)
  }

  var isStore: Bool { operand == .ofm }
  var distinctSectors: Int { seen.reduce(0) { $0 + ($1 == 0 ? 0 : 1) } }
  var distinctElements: Int { seen.reduce(0) { $0 + $1.nonzeroBitCount } / elementBytes }

  /// Coalesces every warp request of a load by `schedule`.
  mutating func loads(of region: Region, by schedule: Schedule) -> StepAccesses {
    if case .residual(let stage) = operand { return results(of: region, after: stage, by: schedule) }
    var step = StepAccesses()
    let size = walk.vectorWidth * elementBytes
    walk.forEachRequest(of: region) { lanes, _ in coalesce(lanes, size: size, into: &step) }
    return step
  }

  /// Coalesces every warp request of a step that stores results, or loads residuals of them.
  mutating func results(of region: Region, after stage: Int, by schedule: Schedule) -> StepAccesses {
    var step = StepAccesses()
    let size = walk.vectorWidth * elementBytes
    schedule.forEachResultRequest(of: region, after: stage) { coalesce($0, size: size, into: &step) }
    return step
  }

  private mutating func coalesce(
    _ lanes: UnsafeMutableBufferPointer<Int>, size: Int, into step: inout StepAccesses
  ) {
    step.instructions += 1
    if elementBytes > 1 { for lane in lanes.indices where lanes[lane] > 0 { lanes[lane] *= elementBytes } }
    Coalescer.sectors(of: lanes, size: size, into: &touched)
    guard !touched.isEmpty else { return }
    step.requests += 1
    step.lines += Coalescer.lines(of: touched)
    for access in touched {
      step.elements += access.bytes / elementBytes
      step.sectors.append(UInt32(truncatingIfNeeded: access.sector))
      step.masks.append(access.mask)
      seen[access.sector] |= access.mask
    }
  }
}
