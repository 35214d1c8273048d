import Hardware
import Scheduling
import Testing
import Workload

@Suite struct LaneTests {
  /// Elements a lane may move of `operand` of one layer whose tiles are as high as the output.
  private func width(
    _ operand: Operand, _ layer: Layer, _ precision: Precision = .fp32, columns: Int, channels: Int = 1,
    chunk: Int? = nil, wish: Int = 16
  ) throws -> Int {
    try schedule(
      [layer], precision, rows: layer.shape.rows.outputExtent, columns: columns, channels: channels,
      reduction: [chunk ?? layer.shape.channelsPerGroup], lanes: LaneMap(vectorWidth: wish)
    ).vectorWidth(of: operand)
  }

  @Test("A lane moves at most 16 bytes and no more than asked for")
  func most() throws {
    let layer = try pw(channels: 1, filters: 1, extent: 16)
    #expect(try width(.ifm(0), layer, columns: 16) == 4)
    #expect(try width(.ifm(0), layer, .int8(.onnx), columns: 16) == 16)
    #expect(try width(.ifm(0), layer, .int8(.onnx), columns: 16, wish: 8) == 8)
  }

  @Test("Rows of a map split into whole items, each aligned to its size")
  func maps() throws {
    #expect(try width(.ifm(0), pw(channels: 1, filters: 1, extent: 8), columns: 6) == 2)
    #expect(try width(.ifm(0), pw(channels: 1, filters: 1, extent: 10), columns: 4) == 2)
    #expect(try width(.ifm(0), pw(channels: 1, filters: 1, extent: 7), columns: 7) == 1)
    // Padding in front puts the first element in the second slot.
    let padded = try dw(channels: 1, extent: 8)
    #expect(try width(.ifm(0), padded, columns: 8) == 1)
    // Tiles of two outputs hold four inputs, from 0, 2 and 4 on.
    let bare = try WindowAxis(inputExtent: 8, window: 3)
    let shifted = try layer(channels: 1, filters: 1, rows: bare, columns: bare)
    #expect(try width(.ifm(0), shifted, columns: 2) == 2)
  }

  @Test("Constants are aligned where filters, chunks and channel tiles are multiples of the width")
  func constants() throws {
    let layer = try pw(channels: 8, filters: 6, extent: 4, hasBias: true)
    #expect(try width(.weights(stage: 0), layer, columns: 4, channels: 4, chunk: 4) == 4)
    #expect(try width(.weights(stage: 0), layer, columns: 4, channels: 4, chunk: 6) == 2)
    #expect(try width(.bias(stage: 0), layer, columns: 4, channels: 4) == 2)
    #expect(try width(.bias(stage: 0), layer, columns: 4, channels: 3) == 1)
    // Filters that are taken whole are one piece: 4 · 9 elements, or 9 a tile.
    #expect(try width(.weights(stage: 0), dw(channels: 4, extent: 4), columns: 4, channels: 4) == 4)
    #expect(try width(.weights(stage: 0), dw(channels: 4, extent: 4), columns: 4, channels: 1) == 1)
  }

  @Test("Slots go to lanes in order, and slots that hold nothing leave their lane idle")
  func requests() throws {
    let layer = try dw(channels: 1, extent: 4)
    let schedule = try schedule([layer], rows: 4, columns: 4, channels: 1, reduction: [1])
    var found: [[Int]] = []
    var firsts: [Int] = []
    for case .load(let operand, let region) in schedule.steps(of: schedule.blocks[0]) {
      schedule.forEachWarpRequest(of: operand, region, width: 1) { lanes, first in
        found.append(Array(lanes))
        firsts.append(first)
      }
    }
    let none = -1
    let top = Array(repeating: none, count: 6)
    let middle = (0..<4).flatMap { row in [none] + (0..<4).map { row * 4 + $0 } + [none] }
    // 36 slots of input: 32 lanes, then four of the last row of padding; then nine weights.
    #expect(found.count == 3)
    #expect(found[0] == top + middle + [none, none])
    #expect(found[1].allSatisfy { $0 == none })
    #expect(found[2] == Array(0..<9) + Array(repeating: none, count: 23))
    #expect(firsts == [0, 32, 0])
  }
}

@Suite struct KernelKindTests {
  @Test("Kinds are named by their stages, and by whether tiles overlap in an intermediate")
  func names() throws {
    func kind(_ layers: [Layer], tile: Int, reduction: [Int]) throws -> String {
      try schedule(layers, rows: tile, columns: 4, channels: 1, reduction: reduction).kind.description
    }
    let (first, depthwise) = try (pw(channels: 2, filters: 2, extent: 4), dw(channels: 2, extent: 4))
    #expect(try kind([first], tile: 2, reduction: [2]) == "pw")
    #expect(try kind([depthwise], tile: 2, reduction: [1]) == "dw")
    #expect(try kind([depthwise, first], tile: 2, reduction: [1, 2]) == "dwpw")
    #expect(try kind([first, depthwise], tile: 4, reduction: [2, 1]) == "pwdw")
    #expect(try kind([first, depthwise], tile: 2, reduction: [2, 1]) == "pwdw_r")
    #expect(try kind([first, depthwise, first], tile: 2, reduction: [2, 1, 2]) == "pwdwpw_r")
  }
}

@Suite struct StoreRequestTests {
  /// The requests that store the first block's output.
  private func requests(_ layer: Layer, rows: Int, columns: Int, channels: Int, lanes: LaneMap) throws
    -> [[Int]]
  {
    let schedule = try schedule(
      [layer], rows: rows, columns: columns, channels: channels, reduction: [layer.shape.inputChannels],
      lanes: lanes)
    var found: [[Int]] = []
    for case .store(let region) in schedule.steps(of: schedule.blocks[0]) {
      schedule.forEachStoreRequest(of: region) { found.append(Array($0)) }
    }
    return found
  }

  // 3 channels of 4 × 4 pixels, planes of 16: groups of 2 channels that lie 2 apart and 2 pixels that lie 8 apart make 16
  // items, half of the threads.
  @Test("An item's pixels lie a whole row of items apart; what lies beyond the tile is not stored")
  func items() throws {
    let found = try requests(
      pw(channels: 2, filters: 3, extent: 4), rows: 4, columns: 4, channels: 3,
      lanes: LaneMap(threads: 32, channelsPerThread: 2, pixelsPerThread: 2))
    let idle = Array(repeating: -1, count: 16)
    #expect(
      found == [
        Array(0..<8) + Array(16..<24) + idle,  // channels 0 and 1, pixels 0 to 7
        Array(8..<16) + Array(24..<32) + idle,  // their pixels 8 to 15
        Array(32..<40) + Array(repeating: -1, count: 8) + idle,  // channel 2; there is no channel 3
        Array(40..<48) + Array(repeating: -1, count: 8) + idle,
      ])
  }

  // Tiles of 3 × 3 of a map of 4 × 4, 4 channels: 9 pixels in groups of 2 make 5 items a channel, the last of one pixel.
  @Test("A tile that its pixels do not divide leaves a lane idle")
  func remainder() throws {
    let found = try requests(
      pw(channels: 2, filters: 4, extent: 4), rows: 3, columns: 3, channels: 4,
      lanes: LaneMap(threads: 32, channelsPerThread: 1, pixelsPerThread: 2))
    let idle = Array(repeating: -1, count: 12)
    func planes(_ pixels: [Int]) -> [Int] {
      (0..<4).flatMap { channel in pixels.map { $0 < 0 ? -1 : channel * 16 + $0 } }
    }
    #expect(found == [planes([0, 1, 2, 4, 5]) + idle, planes([6, 8, 9, 10, -1]) + idle])
  }

  // One channel of it would be 5 items, less than half of 32: so each of its 9 pixels is one.
  @Test("A tile of few items gives each of its pixels to a lane of its own")
  func few() throws {
    let found = try requests(
      pw(channels: 2, filters: 1, extent: 4), rows: 3, columns: 3, channels: 1,
      lanes: LaneMap(threads: 32, channelsPerThread: 1, pixelsPerThread: 2))
    #expect(found == [[0, 1, 2, 4, 5, 6, 8, 9, 10] + Array(repeating: -1, count: 23)])
  }
}
