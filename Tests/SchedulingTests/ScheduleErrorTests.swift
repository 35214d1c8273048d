import Scheduling
import Testing
import Workload

@Suite struct ScheduleErrorTests {
  private struct Found: Equatable {
    let code, text: String
  }

  private func error(_ body: () throws -> Void) -> Found {
    do {
      try body()
      return Found(code: "", text: "no error")
    } catch let error as ScheduleError {
      return Found(code: error.code, text: error.description)
    } catch { return Found(code: "", text: "another error: \(error)") }
  }

  private func chain(_ text: String, _ layers: () throws -> [Layer]) {
    #expect(
      error { _ = try Chain(layers(), precision: .fp32) } == Found(code: "chain-invalid", text: text))
  }

  /// Of a pointwise layer 2 → 3 over 4 × 4, with all but one thing right.
  private func infeasible(
    _ text: String, rows: Int = 2, columns: Int = 2, channels: Int = 1, reduction: [Int] = [2],
    lanes: LaneMap = LaneMap()
  ) {
    let found = error {
      _ = try schedule(
        [pw(channels: 2, filters: 3, extent: 4)], rows: rows, columns: columns, channels: channels,
        reduction: reduction, lanes: lanes)
    }
    #expect(found == Found(code: "tile-infeasible", text: text))
  }

  @Test("A chain needs layers") func empty() { chain("A kernel needs at least one layer.") { [] } }

  @Test("What FuseLab does not compute is in no chain")
  func opaque() {
    chain("'softmax' is an operator that FuseLab does not compute.") {
      let map = try FeatureMap(channels: 1, rows: 2, columns: 2)
      return [
        try layer(
          "softmax", channels: 1, filters: 1, rows: point(2), columns: point(2),
          operation: .opaque("Softmax", output: map))
      ]
    }
  }

  @Test("Neighbours of a chain share a map")
  func misfit() {
    chain("'a' gives 1×3×4×4 but 'b' reads 1×2×4×4.") {
      try [pw("a", channels: 2, filters: 3, extent: 4), pw("b", channels: 2, filters: 3, extent: 4)]
    }
  }

  @Test("An add inside a chain adds one map to what the layer before makes")
  func addition() {
    chain("'sum' adds two maps; inside a kernel one of them must be the output of 'pw', and only one.") {
      [
        try pw(channels: 2, filters: 2, extent: 4),
        try layer(
          "sum", channels: 2, filters: 2, groups: 2, rows: point(4), columns: point(4), operation: .add),
      ]
    }
  }

  @Test("An axis of more than 2¹⁷ taps is refused")
  func axis() {
    let found = error {
      let long = try layer("long", channels: 1, filters: 1, rows: point(1), columns: point((1 << 17) + 1))
      _ = try Chain([long], precision: .fp32)
    }
    let text = "'long' reads more than 131,072 taps along its columns, the most that schedules support."
    #expect(found == Found(code: "limit-axis", text: text))
  }

  @Test("Tiles are at least 1 and at most the output")
  func tiles() {
    infeasible("The tile's number of rows must be at least 1, not 0.", rows: 0)
    infeasible("The tile's number of channels must be at least 1, not -1.", channels: -1)
    infeasible("The tile has 5 columns but the output has 4. Use at most 4.", columns: 5)
    infeasible("The tile has 4 channels but the output has 3. Use at most 3.", channels: 4)
  }

  @Test("There is one reduction chunk a stage, within its input channels")
  func chunks() {
    infeasible("1 stages need 1 reduction chunks; 2 given.", reduction: [2, 2])
    infeasible("The reduction chunk of 'pw' must be at least 1, not 0.", reduction: [0])
    infeasible("'pw' has 2 input channels, fewer than the chunk of 3.", reduction: [3])
  }

  @Test("A stage that does not mix channels takes a group at a time")
  func splitGroup() {
    let found = error {
      _ = try schedule([dw(channels: 4, extent: 4)], rows: 2, columns: 2, channels: 2, reduction: [2])
    }
    let text = "'dw' reads 1 channels a group at once; a chunk of 2 is not possible."
    #expect(found == Found(code: "tile-infeasible", text: text))
  }

  @Test("Lanes come in whole warps and move what hardware can")
  func lanes() {
    infeasible("The number of threads must be at least 1, not 0.", lanes: LaneMap(threads: 0))
    infeasible("48 threads are no whole number of warps of 32.", lanes: LaneMap(threads: 48))
    infeasible(
      "A lane cannot move 3 elements at once: use 1, 2, 4, 8 or 16.", lanes: LaneMap(vectorWidth: 3))
    infeasible("3 staging buffers are not possible: use 1 or 2.", lanes: LaneMap(buffers: 3))
    infeasible(
      "The number of channels per thread must be at least 1, not 0.", lanes: LaneMap(channelsPerThread: 0))
  }
}
