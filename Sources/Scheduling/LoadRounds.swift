import Hardware
import Workload

/// How the items of a load are dealt to a block's threads: one each, round by round.
///
/// All threads take part, or, of maps in NCHW where the lane map says so, as many as make whole planes of a tile, or whole rows, in
/// every round: a thread then keeps its slot, or its column, and what follows from it is worked out once.
public struct LoadRounds: Hashable, Sendable {
  /// What a thread has in common from round to round.
  public enum Kept: Hashable, Sendable { case nothing, column, slot }

  /// Threads that take part.
  public let threads: Int
  public let kept: Kept

  /// Warp requests that move so many items.
  public func requests(of items: Int) -> Int {
    let (whole, rest) = items.quotientAndRemainder(dividingBy: threads)
    return whole * Self.warps(threads) + Self.warps(rest)
  }

  /// Calls `body` with the first item of each request of `items`, and how many of its lanes have one.
  public func forEachRequest(of items: Int, _ body: (_ first: Int, _ lanes: Int) -> Void) {
    for round in stride(from: 0, to: items, by: threads) {
      let end = min(round + threads, items)
      for first in stride(from: round, to: end, by: WarpRequest.lanes) {
        body(first, min(WarpRequest.lanes, end - first))
      }
    }
  }

  private static func warps(_ threads: Int) -> Int { Schedule.ceilDivide(threads, WarpRequest.lanes) }
}

extension Schedule {
  /// - Parameter width: Elements of an item.
  public func loadRounds(of operand: Operand, width: Int) -> LoadRounds {
    loadRounds(of: operand, width: width, whole: takesWholePlanes(of: operand))
  }

  func loadRounds(of operand: Operand, width: Int, whole: Bool) -> LoadRounds {
    let (all, row) = (lanes.threads, columns.offsets[0].count / width)
    guard case .ifm = operand, chain.axisOrder == .chw, !whole, row > 0 else {
      return LoadRounds(threads: all, kept: .nothing)
    }
    for (items, kept) in [(row * rows.offsets[0].count, LoadRounds.Kept.slot), (row, .column)] {
      let threads = all / items * items
      // No more than a quarter are left without an item.
      if threads == all || lanes.keepsSlots && 4 * threads >= 3 * all {
        return LoadRounds(threads: threads, kept: kept)
      }
    }
    return LoadRounds(threads: all, kept: .nothing)
  }

  /// Whether some load leaves out threads so that the others keep their slots; the lane map only lets it.
  public var keepsSlots: Bool {
    chain.stages[0].inputs.indices.contains { input in
      loadRounds(of: .ifm(input), width: vectorWidth(of: .ifm(input))).threads != lanes.threads
    }
  }
}
