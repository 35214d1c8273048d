import Hardware
import Scheduling
import Testing
import Workload

@Suite struct StaticCountTests {
  private func chain(
    _ layers: [Layer], _ precision: Precision, _ order: TensorLayout.AxisOrder, reduction: [Int],
    lanes: LaneMap = LaneMap(threads: 32, vectorWidth: 4, channelsPerThread: 4, pixelsPerThread: 2)
  ) throws -> Schedule {
    try Schedule(
      Chain(layers, precision: precision, axisOrder: order),
      tiling: Tiling(rows: 4, columns: 8, channels: 16, reduction: reduction), lanes: lanes)
  }

  @Test("A stage that takes its input at once stores its register tile, one that keeps sums all its items")
  func stores() throws {
    let layer = try pw(channels: 32, filters: 16, extent: 8)
    // 4 groups of channels × 16 of pixels on 32 threads: 2 items each.
    #expect(try chain([layer], .fp32, .chw, reduction: [32]).staticCounts.stores == 4 * 2)
    #expect(try chain([layer], .fp32, .chw, reduction: [8]).staticCounts.stores == 2 * 4 * 2)
    // Depthwise NHWC: 4 channels at once.
    let depthwise = try dw(channels: 16, extent: 8)
    #expect(try chain([depthwise], .fp32, .hwc, reduction: [1]).staticCounts.stores == 2)
  }

  @Test("Steps stand in the code once where no stage goes through chunks")
  func steps() throws {
    let layers = try [dw(channels: 32, extent: 8), pw(channels: 32, filters: 16, extent: 8)]
    let whole = try chain(layers, .fp32, .chw, reduction: [1, 32]).staticCounts
    // Loads, then DW; then PW.
    #expect(whole.hasStepsOnce && whole.barriers == 2)
    #expect(try !chain(layers, .fp32, .chw, reduction: [1, 8]).staticCounts.hasStepsOnce)
  }

  @Test("The inner loops' products and the bytes that they read, by path")
  func products() throws {
    let layer = try pw(channels: 32, filters: 16, extent: 8, hasBias: true)
    func product(
      _ precision: Precision, _ order: TensorLayout.AxisOrder, tensorCores: Bool = false, chunk: Int = 32
    ) throws -> StaticCounts.Products {
      let lanes = LaneMap(
        threads: 32, vectorWidth: 4, channelsPerThread: 4, pixelsPerThread: 2, usesTensorCores: tensorCores)
      return try #require(
        try chain([layer], precision, order, reduction: [chunk], lanes: lanes).staticCounts.products.first)
    }
    // A chunk of 3 is read one by one.
    let elements = try product(.fp32, .chw, chunk: 3)
    #expect(elements.instruction == .multiplyAdd && elements.count == 8 && elements.bytes == (2 + 4) * 4)
    #expect(elements.constantBytes == 4 * 4)
    // Of each filter 4 channels at once, or 2, and of each pixel as many values one by one.
    let filterPacks = try product(.fp32, .chw)
    #expect(filterPacks.instruction == .multiplyAdd && filterPacks.count == 4 * 2 * 4)
    #expect(filterPacks.bytes == (2 + 4) * 4 * 4 && filterPacks.constantBytes == 4 * 4)
    let pairs = try product(.int8(.onnx), .chw, chunk: 6)
    #expect(pairs.instruction == .any && pairs.count == 4 * 2 * 2 && pairs.bytes == (2 + 4) * 2)
    let packs = try product(.fp32, .hwc)
    #expect(packs.instruction == .multiplyAdd && packs.count == 32 && packs.bytes == (2 + 4) * 16)
    let bytes = try product(.int8(.tflite), .hwc)
    #expect(bytes.instruction == .dotProduct && bytes.count == 32 && bytes.bytes == (2 + 4) * 16)
    #expect(bytes.constantBytes == 4 * (4 + 8))
    // A warp's 16 pixels × 16 filters: two matrices, of which a lane reads 4 words and 2 × 2.
    let matrix = try product(.int8(.onnx), .hwc, tensorCores: true)
    #expect(matrix.instruction == .matrix && matrix.count == 2 && matrix.bytes == 8 * 4)
  }

  @Test("Items of 4, 8 and 16 bytes are copied asynchronously from sm_80 on")
  func paths() {
    for (architecture, bytes) in [(75, []), (80, [4, 8, 16]), (90, [4, 8, 16])] {
      let found = [1, 2, 4, 8, 16].filter {
        CopyPath(itemBytes: $0, on: architecture) == .asynchronous
      }
      #expect(found == bytes)
    }
  }

  @Test("Weights are staged once a block where no chunk asks for others")
  func loads() throws {
    let layers = try [dw(channels: 32, extent: 8), pw(channels: 32, filters: 16, extent: 8)]
    func weights(_ chunk: Int) throws -> [Int] {
      try chain(layers, .fp32, .chw, reduction: [1, chunk]).operandCopies.compactMap {
        if case .weights = $0.operand { $0.loads } else { nil }
      }
    }
    #expect(try weights(32) == [1, 1])
    #expect(try weights(8) == [4, 4])
  }
}
