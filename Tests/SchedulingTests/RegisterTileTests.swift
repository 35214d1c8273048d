import Scheduling
import Testing
import Workload

@Suite struct RegisterTileTests {
  // 8 channels of 14 × 14. Of 14 rows 8 at most make two items of 7; of 10, two of 5; of 9, asked for 4, three of 3.
  // 4 rows of 7 columns on 128 threads: 8 · 7 · 1 = 56 items of 4 are fewer than half, of 2 are 112.
  @Test(
    "Pixels of windows that slide are those of a column, shared out evenly; up to 8, of 49 weights at most")
  func sliding() throws {
    func tile(
      _ rows: Int, _ columns: Int = 14, pixels: Int = 16, threads: Int = 64, window: Int = 3, stride: Int = 1,
      dilation: Int = 1, slides: Bool = true
    ) throws -> Int {
      let axis = try WindowAxis(
        inputExtent: 40, window: window, stride: stride, dilation: dilation, paddingBefore: 1, paddingAfter: 1
      )
      let shape = try ConvolutionShape(
        inputChannels: 8, outputChannels: 8, groups: 8, rows: axis, columns: axis)
      let layer = Layer(name: "dw", operation: .convolution, shape: shape, inputs: [.input(0)])
      return try model(
        [layer], rows: rows, columns: columns, channels: 8, reduction: [1],
        lanes: LaneMap(threads: threads, pixelsPerThread: pixels, slidesWindows: slides)
      ).registerTile(of: 0).pixels
    }
    #expect(try tile(14) == 7)
    #expect(try tile(10) == 5)
    #expect(try tile(9, pixels: 4) == 3)
    #expect(try tile(8) == 8)
    #expect(try tile(4, 7, threads: 128) == 2)
    #expect(try tile(14, stride: 2) == 7 && tile(14, window: 7) == 7)
    // Four of all pixels, in 14 · 14 ÷ 4 items: where windows do not slide, share no row, are dilated or have 64 taps.
    #expect(try tile(14, slides: false) == 4 && tile(14, window: 3, stride: 3) == 4)
    #expect(try tile(14, dilation: 2) == 4 && tile(14, window: 8) == 4)
    // Of one row the pixels lie side by side: 14 in four items of 4.
    #expect(try tile(1) == 4)
  }

  private func model(
    _ layers: [Layer], _ precision: Precision = .fp32, _ order: TensorLayout.AxisOrder = .chw, rows: Int,
    columns: Int, channels: Int, reduction: [Int], lanes: LaneMap = LaneMap(threads: 32)
  ) throws -> FootprintModel {
    try Schedule(
      Chain(layers, precision: precision, axisOrder: order),
      tiling: Tiling(rows: rows, columns: columns, channels: channels, reduction: reduction), lanes: lanes
    ).footprintModel
  }

  /// The tile of a pointwise layer of 8 channels and 64 pixels, of 4 × 4 and fewer.
  private func tile(
    _ threads: Int, _ precision: Precision = .fp32, _ order: TensorLayout.AxisOrder = .chw
  ) throws -> [Int] {
    let tile = try model(
      [pw(channels: 8, filters: 8, extent: 8)], precision, order, rows: 8, columns: 8, channels: 8,
      reduction: [8], lanes: LaneMap(threads: threads, channelsPerThread: 4, pixelsPerThread: 4)
    ).registerTile(of: 0)
    return [tile.channels, tile.pixels]
  }

  // 4 × 4 outputs an item: 2 · 16 = 32 items. 4 × 2: 64, 4 × 1: 128, 2 × 1: 256, 1 × 1: 512.
  @Test("A thread gives up pixels, then channels, until half of the threads have an item")
  func shrinking() throws {
    #expect(try tile(32) == [4, 4])
    #expect(try tile(64) == [4, 4])
    #expect(try tile(96) == [4, 2])
    #expect(try tile(128) == [4, 2])
    #expect(try tile(256) == [4, 1])
    #expect(try tile(512) == [2, 1])
    #expect(try tile(544) == [1, 1])
    #expect(try tile(1024) == [1, 1])
    // FP32 in NHWC gives up the same.
    #expect(try tile(512, .fp32, .hwc) == [2, 1])
  }

  @Test("INT8 in NHWC keeps its channels, which are written together")
  func keptChannels() throws {
    #expect(try tile(128, .int8(.onnx), .hwc) == [4, 2])
    #expect(try tile(1024, .int8(.onnx), .hwc) == [4, 1])
    #expect(try tile(1024, .int8(.onnx), .chw) == [1, 1])
  }

  // 3 × 5 of 8 channels and 64 pixels: 3 · 13 = 39 items. 3 × 2: 3 · 32 = 96. 3 × 1: 192. 1 × 1: 512.
  @Test("Odd tiles are halved downwards, and a tile of one output is the least")
  func odd() throws {
    func tile(_ threads: Int, rows: Int = 8) throws -> [Int] {
      let tile = try model(
        [pw(channels: 8, filters: 8, extent: 8)], rows: rows, columns: 8, channels: 8, reduction: [8],
        lanes: LaneMap(threads: threads, channelsPerThread: 3, pixelsPerThread: 5)
      ).registerTile(of: 0)
      return [tile.channels, tile.pixels]
    }
    #expect(try tile(64) == [3, 5])
    #expect(try tile(96) == [3, 2])
    #expect(try tile(256) == [3, 1])
    #expect(try tile(416) == [1, 1])
    // 8 pixels: 64 items of one output, fewer than half of 1,024 threads.
    #expect(try tile(1024, rows: 1) == [1, 1])
  }

  // Of 27 pixels 8 at once are 4 groups, of which one has 7 and none an eighth; of 9 channels 4 at once are 3 groups of 3.
  @Test("A tile has no more channels or pixels than some item has")
  func filled() throws {
    func tile(_ precision: Precision, _ order: TensorLayout.AxisOrder) throws -> [Int] {
      let tile = try model(
        [pw(channels: 8, filters: 9, extent: 9)], precision, order, rows: 3, columns: 9, channels: 9,
        reduction: [8], lanes: LaneMap(threads: 32, channelsPerThread: 4, pixelsPerThread: 8)
      ).registerTile(of: 0)
      return [tile.channels, tile.pixels]
    }
    // 12 items are fewer than half of 32 threads, 21 of 4 pixels are not.
    #expect(try tile(.fp32, .chw) == [3, 4])
    #expect(try tile(.fp32, .hwc) == [3, 4])
    // Those that are written together stay.
    #expect(try tile(.int8(.onnx), .hwc) == [4, 4])
    let deep = try model(
      [pw(channels: 8, filters: 24, extent: 9)], rows: 3, columns: 9, channels: 24, reduction: [8],
      lanes: LaneMap(threads: 32, channelsPerThread: 4, pixelsPerThread: 8))
    #expect([deep.registerTile(of: 0).channels, deep.registerTile(of: 0).pixels] == [4, 7])
    // Of 21 pixels 8 at once of 8 lanes are one item, of which a lane has 3: by matrices, two of whose pixels are a thread's, 4.
    let matrix = try model(
      [pw(channels: 32, filters: 8, extent: 7)], .int8(.onnx), .hwc, rows: 3, columns: 7, channels: 8,
      reduction: [32],
      lanes: LaneMap(threads: 32, channelsPerThread: 4, pixelsPerThread: 8, usesTensorCores: true))
    #expect([matrix.registerTile(of: 0).channels, matrix.registerTile(of: 0).pixels] == [4, 4])
  }

  // Depthwise, 4 channels × 64 pixels of one channel each: 4 · 16 = 64 items of 4 pixels, 128 of 2, 256 of one. NHWC, four
  // channels at once: 16 items of 4 pixels, 32 of 2, 64 of one.
  @Test("A stage that mixes no channels gives up pixels alone")
  func unmixed() throws {
    func tile(_ threads: Int, _ order: TensorLayout.AxisOrder = .chw) throws -> [Int] {
      let tile = try model(
        [dw(channels: 4, extent: 8)], .fp32, order, rows: 8, columns: 8, channels: 4, reduction: [1],
        lanes: LaneMap(threads: threads, channelsPerThread: 4, pixelsPerThread: 8)
      ).registerTile(of: 0)
      return [tile.channels, tile.pixels]
    }
    #expect(try tile(128) == [1, 4])
    #expect(try tile(160) == [1, 2])
    #expect(try tile(512) == [1, 1])
    #expect(try tile(32, .hwc) == [4, 4])
    #expect(try tile(64, .hwc) == [4, 2])
    #expect(try tile(1024, .hwc) == [4, 1])
  }

  @Test("In NCHW a pointwise stage reads filters 4 channels at once, or 2, as its chunks allow")
  func paths() throws {
    func path(
      _ channels: Int, chunk: Int, _ precision: Precision = .fp32, _ order: TensorLayout.AxisOrder = .chw
    ) throws -> ComputePath {
      try model(
        [pw(channels: channels, filters: 8, extent: 4)], precision, order, rows: 4, columns: 4, channels: 8,
        reduction: [chunk]
      ).path(of: 0)
    }
    for precision in [Precision.fp32, .int8(.onnx), .int8(.tflite)] {
      #expect(try path(16, chunk: 16, precision) == .filterPacks(4))
      #expect(try path(16, chunk: 12, precision) == .filterPacks(4))
      #expect(try path(16, chunk: 6, precision) == .filterPacks(2))
      #expect(try path(16, chunk: 5, precision) == .elements)
      // The last chunk counts as well: 4 and 2; 4 and 1.
      #expect(try path(6, chunk: 4, precision) == .filterPacks(2))
      #expect(try path(9, chunk: 4, precision) == .elements)
    }
    // Of a map of one pixel values lie side by side as well, but results of matrices would be written in pairs.
    func onePixel(_ channels: Int, _ precision: Precision) throws -> ComputePath {
      try model(
        [pw(channels: channels, filters: 8, extent: 1)], precision, .chw, rows: 1, columns: 1, channels: 8,
        reduction: [channels]
      ).path(of: 0)
    }
    #expect(try onePixel(64, .fp32) == .packs(4) && onePixel(6, .fp32) == .packs(2))
    #expect(try onePixel(64, .int8(.onnx)) == .packs(16) && onePixel(9, .int8(.onnx)) == .elements)
    #expect(try path(16, chunk: 16, .fp32, .hwc) == .packs(4))
    // More than one tap lies between a filter's channels.
    let axes = try (rows: point(4), columns: window3(4))
    let wide = try layer(channels: 16, filters: 8, rows: axes.rows, columns: axes.columns)
    let found = try model([wide], rows: 4, columns: 4, channels: 8, reduction: [16])
    #expect(found.path(of: 0) == .elements)
    #expect(
      try model([dw(channels: 4, extent: 4)], rows: 4, columns: 4, channels: 4, reduction: [1]).path(of: 0)
        == .elements)
  }

  @Test("Filters in packs have rows an odd number of the items apart that they are loaded in")
  func filterRows() throws {
    func pitch(_ channels: Int, chunk: Int, _ precision: Precision = .fp32) throws -> Int {
      let model = try model(
        [pw(channels: channels, filters: 8, extent: 4)], precision, rows: 4, columns: 4, channels: 8,
        reduction: [chunk])
      let layout = model.filterLayout(of: 0, reducing: chunk)
      // One after the other, each filter's channels side by side; a shorter last chunk lies as the others do.
      #expect(layout.offset(of: 3) == 3 * layout.pitch && layout.step == 1 && layout.vector == 1)
      #expect(model.filterLayout(of: 0, reducing: chunk / 2) == layout)
      return layout.pitch
    }
    // FP32, items of 4: 4 of them become 5, 3 stay. Items of 2: 3 stay; 1 of 2.
    #expect(try pitch(16, chunk: 16) == 5 * 4)
    #expect(try pitch(24, chunk: 12) == 3 * 4)
    #expect(try pitch(12, chunk: 6) == 3 * 2)
    #expect(try pitch(10, chunk: 2) == 1 * 2)
    // INT8, items of 16: 2 become 3. Items of 8: 3 stay, of 4: 3 stay and 1, of 2: 3 stay.
    #expect(try pitch(32, chunk: 32, .int8(.onnx)) == 3 * 16)
    #expect(try pitch(24, chunk: 24, .int8(.onnx)) == 3 * 8)
    #expect(try pitch(12, chunk: 12, .int8(.onnx)) == 3 * 4)
    #expect(try pitch(20, chunk: 4, .int8(.onnx)) == 1 * 4)
    #expect(try pitch(6, chunk: 6, .int8(.onnx)) == 3 * 2)
    // 10 = 5 · 2 bytes; 40 with a last chunk of 8: items of 8, 5 of them.
    #expect(try pitch(10, chunk: 10, .int8(.onnx)) == 5 * 2)
    #expect(try pitch(48, chunk: 40, .int8(.onnx)) == 5 * 8)
  }

  @Test("The block has room for the rows of all its filters")
  func room() throws {
    // 8 filters of 4 items of 4, each with a fifth; 16 channels × 16 pixels.
    let found = try model(
      [pw(channels: 16, filters: 8, extent: 4)], rows: 4, columns: 4, channels: 8, reduction: [16])
    #expect(found.sharedMemory == Bytes(8 * 20 * 4 + 16 * 16 * 4))
  }
}
