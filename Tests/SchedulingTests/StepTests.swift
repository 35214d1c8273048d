import Hardware
import Scheduling
import Testing
import Workload

@Suite struct StepTests {
  /// `|` stands between steps; a line may break anywhere else.
  private func text(_ lines: String...) -> String { lines.joined(separator: " | ") }

  @Test("A depthwise block loads its channels at once and computes them in one step")
  func depthwise() throws {
    let schedule = try schedule(
      [dw(channels: 3, extent: 4, hasBias: true)], rows: 4, columns: 4, channels: 2, reduction: [1])
    #expect(schedule.firstBlock == "L ifm 0-1 | L weights1 f0-1 c0 | L bias1 0-1 | B | C1 0-1 < 0-1 | S 0-1")
  }

  @Test("With one buffer a pointwise block meets a barrier before and after each chunk's loads")
  func pointwiseOneBuffer() throws {
    let schedule = try schedule(
      [pw(channels: 3, filters: 2, extent: 4)], rows: 4, columns: 4, channels: 2, reduction: [1])
    #expect(
      schedule.firstBlock
        == text(
          "L ifm 0 | L weights1 f0-1 c0 | B | C1 0-1 < 0",
          "B | L ifm 1 | L weights1 f0-1 c1 | B | C1 0-1 < 1",
          "B | L ifm 2 | L weights1 f0-1 c2 | B | C1 0-1 < 2",
          "S 0-1"))
  }

  @Test("With two buffers the loads of a chunk stand before the compute of the one before it")
  func pointwiseTwoBuffers() throws {
    let schedule = try schedule(
      [pw(channels: 3, filters: 2, extent: 4)], rows: 4, columns: 4, channels: 2, reduction: [1],
      lanes: LaneMap(buffers: 2))
    #expect(
      schedule.firstBlock
        == text(
          "L ifm 0 | L weights1 f0-1 c0",
          "L ifm 1 | L weights1 f0-1 c1 | B | C1 0-1 < 0",
          "B | L ifm 2 | L weights1 f0-1 c2 | C1 0-1 < 1",
          "B | C1 0-1 < 2",
          "S 0-1"))
  }

  @Test("A dwpw block makes the channels of one PW chunk after the other")
  func depthwisePointwise() throws {
    let layers = try [dw(channels: 2, extent: 4, hasBias: true), pw(channels: 2, filters: 3, extent: 4)]
    let schedule = try schedule(layers, rows: 4, columns: 4, channels: 2, reduction: [1, 1])
    // The second filters replace those that the compute just before has read.
    #expect(
      schedule.firstBlock
        == text(
          "L ifm 0 | L weights1 f0 c0 | L bias1 0 | L weights2 f0-1 c0 | B | C1 0 < 0 | B | C2 0-1 < 0",
          "L ifm 1 | L weights1 f1 c0 | L bias1 1 | B | L weights2 f0-1 c1 | C1 1 < 1 | B | C2 0-1 < 1",
          "S 0-1"))
  }

  @Test("With two buffers a dwpw block loads what both its stages need a chunk ahead")
  func depthwisePointwiseTwoBuffers() throws {
    let layers = try [dw(channels: 3, extent: 4), pw(channels: 3, filters: 3, extent: 4)]
    let schedule = try schedule(
      layers, rows: 4, columns: 4, channels: 2, reduction: [1, 1], lanes: LaneMap(buffers: 2))
    #expect(
      schedule.firstBlock
        == text(
          "L ifm 0 | L weights1 f0 c0 | L weights2 f0-1 c0",
          "L ifm 1 | L weights1 f1 c0 | L weights2 f0-1 c1 | B | C1 0 < 0 | B | C2 0-1 < 0",
          "L ifm 2 | L weights1 f2 c0 | B | L weights2 f0-1 c2 | C1 1 < 1 | B | C2 0-1 < 1",
          "B | C1 2 < 2 | B | C2 0-1 < 2",
          "S 0-1"))
  }

  @Test("A pwpw block reads its input again for each chunk of the intermediate")
  func twoPointwise() throws {
    let layers = try [pw(channels: 2, filters: 2, extent: 4), pw(channels: 2, filters: 2, extent: 4)]
    let schedule = try schedule(layers, rows: 4, columns: 4, channels: 2, reduction: [1, 1])
    #expect(
      schedule.firstBlock
        == text(
          "L ifm 0 | L weights1 f0 c0 | L weights2 f0-1 c0 | B | C1 0 < 0",
          "B | L ifm 1 | L weights1 f0 c1 | B | C1 0 < 1 | B | C2 0-1 < 0",
          "L ifm 0 | L weights1 f1 c0 | B | L weights2 f0-1 c1 | C1 1 < 0",
          "B | L ifm 1 | L weights1 f1 c1 | B | C1 1 < 1 | B | C2 0-1 < 1",
          "S 0-1"))
  }

  @Test("A pwpw block that takes its input whole loads it once")
  func heldInput() throws {
    let layers = try [pw(channels: 2, filters: 2, extent: 4), pw(channels: 2, filters: 2, extent: 4)]
    let schedule = try schedule(
      layers, .int8(.onnx), rows: 4, columns: 4, channels: 1, reduction: [2, 1], lanes: LaneMap(buffers: 2))
    #expect(
      schedule.firstBlock
        == text(
          "L ifm 0-1 | L weights1 f0 c0-1 | L multipliers1 0 | L weights2 f0 c0 | L multipliers2 0",
          "L weights1 f1 c0-1 | L multipliers1 1 | L weights2 f0 c1 | B | C1 0 < 0-1 | B | C2 0 < 0",
          "B | C1 1 < 0-1 | B | C2 0 < 1",
          "S 0"))
  }

  @Test("An add loads both its maps")
  func addition() throws {
    let layer = try layer(
      channels: 2, filters: 2, groups: 2, rows: point(3), columns: point(3), operation: .add)
    let schedule = try schedule([layer], rows: 3, columns: 3, channels: 2, reduction: [1])
    #expect(schedule.firstBlock == "L ifm 0-1 | L ifm2 0-1 | B | C1 0-1 < 0-1 | S 0-1")
  }
}
