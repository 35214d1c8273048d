import Hardware
import Scheduling
import TestSupport
import Testing
import Workload

@testable import MemorySimulation

/// Timelines as drawings: a line a place, a letter a round, the block's number in base 36.
@Suite struct BlockTimelineTests {
  private func drawing(_ timeline: BlockTimeline) -> [String] {
    var lines = (0..<timeline.places).map { _ in [Character](repeating: ".", count: timeline.rounds) }
    for span in timeline.spans {
      for round in span.rounds {
        #expect(lines[span.place][round] == ".", "spans of one place overlap")
        lines[span.place][round] = Character(String(span.block, radix: 36))
      }
    }
    return lines.map { String($0) }
  }

  private func schedule(channels: Int) throws -> Schedule {
    let layer = Layer(
      name: "pw", operation: .convolution,
      shape: try ConvolutionShape(
        batch: 1, inputChannels: 4, outputChannels: channels, groups: 1, rows: WindowAxis(inputExtent: 3),
        columns: WindowAxis(inputExtent: 1)), inputs: [.input(0)])
    // Load input, load weights, compute, twice; store: seven steps.
    return try Schedule(
      Chain([layer], precision: .fp32),
      tiling: Tiling(rows: 1, columns: 1, channels: channels, reduction: [2]), lanes: LaneMap(threads: 1024))
  }

  private func gpu(multiprocessors: Int) throws -> GPU {
    var draft = GPUDraft()
    draft.multiprocessors = multiprocessors
    return try draft.gpu()
  }

  @Test("Three blocks on two multiprocessors with one place each: the third follows the first")
  func places() throws {
    let timeline = BlockTimeline(try schedule(channels: 8), on: try gpu(multiprocessors: 2))
    #expect(drawing(timeline) == ["00000002222222", "1111111......."])
    // A block loads 2 channels × 1 element and 8 × 2 weights twice, and stores 8.
    #expect(timeline.traffic[0] == traffic(loaded: 2 * 8))
    #expect(timeline.traffic[1] == traffic(loaded: 2 * 64))
    #expect(timeline.traffic[6] == traffic(stored: 2 * 32))
    #expect(timeline.traffic.reduce(0) { $0 + $1.loaded } == 3 * 2 * (8 + 64))
  }

  @Test("A block whose multiprocessor is known takes the first of its places that gets free")
  func takers() throws {
    let timeline = BlockTimeline(
      try schedule(channels: 8), on: try gpu(multiprocessors: 2), resident: 1, multiprocessors: [1, 1, 0])
    #expect(drawing(timeline) == ["2222222.......", "00000001111111"])
    let pair = BlockTimeline(
      try schedule(channels: 8), on: try gpu(multiprocessors: 2), resident: 2, multiprocessors: [1, 1, 1])
    #expect(drawing(pair) == ["..............", "00000002222222", "..............", "1111111......."])
  }

  @Test("With two steps a turn a block of seven steps takes four turns")
  func turns() throws {
    var parameters = SimulationParameters()
    parameters.stepsPerTurn = 2
    let timeline = BlockTimeline(
      try schedule(channels: 8), on: try gpu(multiprocessors: 3), parameters: parameters)
    #expect(drawing(timeline) == ["0000", "1111", "2222"])
    let cut = BlockTimeline(try schedule(channels: 8), on: try gpu(multiprocessors: 3), blockLimit: 1)
    #expect(drawing(cut) == ["0000000"])
  }

  private func traffic(loaded: Int = 0, stored: Int = 0) -> BlockTimeline.Traffic {
    var traffic = BlockTimeline.Traffic()
    (traffic.loaded, traffic.stored) = (loaded, stored)
    return traffic
  }
}
