import Hardware
import Scheduling
import Workload

/// Accesses counted by walking every step of every block and asking, element by element, whether it was there
/// before: the slow witness of the closed form.
struct StepCounts {
  private(set) var accesses = GlobalAccesses()
  private let schedule: Schedule
  /// Which elements of an operand were loaded at all, and by which channel tiles.
  private var seen: [Operand: [Element: Set<Int>]] = [:]

  private struct Element: Hashable {
    let outer, channel, row, column: Int
  }

  init(_ schedule: Schedule) {
    self.schedule = schedule
    // Causes are told apart in the order of the document, whatever the launch order: spatial tiles of the
    // first channel tile, then the next channel tile.
    let blocks = schedule.blocks.sorted {
      ($0.channelTile, $0.image, $0.rowTile, $0.columnTile)
        < ($1.channelTile, $1.image, $1.rowTile, $1.columnTile)
    }
    for block in blocks { walk(block) }
  }

  private mutating func walk(_ block: ThreadBlock) {
    var here: [Operand: Set<Element>] = [:]
    for step in schedule.steps(of: block) {
      switch step {
      case .load(let operand, let region):
        for element in Self.elements(of: region) {
          book(operand, cause(operand, element, block, isAgain: here[operand]?.contains(element) ?? false))
          here[operand, default: []].insert(element)
          seen[operand, default: [:]][element, default: []].insert(block.channelTile)
        }
      case .store(let region):
        for element in Self.elements(of: region) {
          let isNew = seen[.ofm]?[element] == nil
          book(.ofm, isNew ? .compulsory : .reread)
          seen[.ofm, default: [:]][element, default: []].insert(block.channelTile)
        }
      case .compute, .barrier: break
      }
    }
  }

  private func cause(
    _ operand: Operand, _ element: Element, _ block: ThreadBlock, isAgain: Bool
  ) -> AccessCause {
    let isChain = schedule.chain.stages.count > 1
    let isInput = schedule.chain.inputs.contains(operand)
    if isAgain { return isInput ? .reread : .recompute }
    guard let tiles = seen[operand]?[element] else { return .compulsory }
    if tiles.contains(where: { $0 < block.channelTile }) {
      return isInput ? (isChain ? .recompute : .reread) : .recompute
    }
    if isInput { return schedule.recomputesHalo ? .recompute : .halo }
    return .reread
  }

  private mutating func book(_ operand: Operand, _ cause: AccessCause) {
    accesses[operand, cause] =
      accesses[operand, cause] + Bytes(schedule.chain.elementBytes(of: operand))
  }

  private static func elements(of region: Region) -> [Element] {
    region.outer.flatMap { outer in
      region.channels.flatMap { channel in
        region.rows.indices.filter { $0 >= 0 }.flatMap { row in
          region.columns.indices.filter { $0 >= 0 }.map { column in
            Element(outer: outer, channel: channel, row: row, column: column)
          }
        }
      }
    }
  }
}
