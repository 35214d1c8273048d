import Workload

/// How the lanes of a stage that mixes channels go over its reduction.
public enum ComputePath: Hashable, Sendable {
  /// One value and one weight at a time.
  case elements
  /// So many neighbouring input channels at once, up to 16 bytes: FP32 in one wide read, INT8 by dp4a.
  case packs(Int)
  /// The values one at a time, of each filter so many neighbouring input channels at once.
  case filterPacks(Int)
  /// INT8 on tensor cores: a warp multiplies 16 pixels × 32 input channels by 32 input channels × 8 filters.
  case matrix

  /// Whether filters and pixels have rows of their own in shared memory, so far apart that lanes meet no bank conflicts.
  public var isPacked: Bool { self != .elements }
}

extension ComputePath {
  /// What a warp's matrix instruction multiplies.
  public static let matrixPixels = 16
  public static let matrixFilters = 8
  public static let matrixChannels = 32
  public static let matrixProducts = matrixPixels * matrixFilters * matrixChannels
  /// Products of bytes that dp4a adds up in a lane.
  public static let dotChannels = 4

  /// dp4a that an output takes of a stage that joins taps: four at once, and each of the rest alone in its word.
  public static func dotProducts(ofTaps taps: Int) -> Int { taps / dotChannels + taps % dotChannels }
}

extension ComputePath: CustomStringConvertible {
  public var description: String {
    switch self {
    case .elements: "elements"
    case .packs(let size): "packs of \(size)"
    case .filterPacks(let size): "filter packs of \(size)"
    case .matrix: "matrix"
    }
  }
}

/// NHWC: what lies side by side is channels, so packs are of channels. In NCHW only filters have neighbouring channels, and maps of
/// one pixel.
extension Schedule {
  /// Whether some stage goes through tensor cores; the lane map only lets it.
  public var usesTensorCores: Bool {
    let model = footprintModel
    return chain.stages.indices.contains { model.path(of: $0) == .matrix }
  }

  /// Whether the windows of some stage slide; the lane map only lets them.
  public var slidesWindows: Bool {
    let model = footprintModel
    return chain.stages.indices.contains(where: model.slidesWindows(of:))
  }
}

extension FootprintModel {
  /// Whether a thread multiplies four taps of a channel at once: INT8, depthwise, of four channels that lie side by side. Counted as if
  /// no weight had a zero point; those that have one are multiplied one by one. Windows of more taps are no code without a loop, in which
  /// the place of a tap would cost more than its product.
  public func joinsTaps(of stage: Int) -> Bool {
    let (shape, mostTaps) = (chain.stages[stage].shape, 256)
    return chain.elementType == .int8 && chain.stages[stage].hasWeights
      && shape.rows.window * shape.columns.window <= mostTaps
      && channelVector(of: stage) == ComputePath.dotChannels
  }

  /// Whether the packs of a chunk of `stage` are each code of their own: in FP32, of chunks that are all as long, up to 256 products of a
  /// thread for 8 sums. With more sums the compiler, which asks for many packs at once, runs out of registers.
  public func unrollsChunk(of stage: Int) -> Bool {
    let (chunk, tile) = (tiling.reduction[stage], registerTile(of: stage))
    let (sums, mostSums, mostProducts) = (tile.channels * tile.pixels, 8, 256)
    switch path(of: stage) {
    case .elements, .matrix: return false
    case .packs, .filterPacks:
      return chain.elementType == .fp32 && chain.stages[stage].shape.inputChannels % chunk == 0
        && sums <= mostSums && chunk * sums <= mostProducts
    }
  }

  /// How a thread reads and multiplies what `stage` reduces.
  public func path(of stage: Int) -> ComputePath {
    let shape = chain.stages[stage].shape
    guard chain.mixesChannels(stage), shape.rows.window * shape.columns.window == 1 else { return .elements }
    let grain = tiling.inputGrain(of: stage, in: chain)
    let isChannelsFirst = chain.axisOrder == .hwc
    guard isChannelsFirst || shape.isOfOnePixel else {
      return grain % 4 == 0 ? .filterPacks(4) : grain % 2 == 0 ? .filterPacks(2) : .elements
    }
    let bytes = chain.elementType.bytes
    if bytes == 1, isChannelsFirst, lanes.usesTensorCores, grain % ComputePath.matrixChannels == 0 {
      return .matrix
    }
    // dp4a takes four at once.
    var pack = 16 / bytes
    while pack > 1, pack * bytes >= 4 {
      if grain % pack == 0 { return .packs(pack) }
      pack /= 2
    }
    return .elements
  }

  /// Neighbouring channels of a depthwise stage that a thread reads and computes together.
  func channelVector(of stage: Int) -> Int {
    guard chain.axisOrder == .hwc, chain.isPlainDepthwise(stage) else { return 1 }
    let grain = tiling.outputGrain(of: stage, in: chain)
    var channels = Self.mostChannelsRead
    while channels > 1, channels > lanes.channelsPerThread || grain % channels != 0 { channels /= 2 }
    return channels
  }

  /// Neighbouring output channels that a lane writes at once. INT8 stages that mix channels have them in packs: otherwise a
  /// warp's request would be of 32 bytes.
  public func storeWidth(of stage: Int) -> Int {
    if chain.isEpilogue(stage) { return storeWidth(of: stage - 1) }
    let path = path(of: stage)
    let isMixedInt8 =
      chain.axisOrder == .hwc && chain.mixesChannels(stage) && chain.elementType == .int8 && path != .matrix
    guard isMixedInt8 || path == .matrix else { return channelVector(of: stage) }
    let grain = tiling.outputGrain(of: stage, in: chain)
    if path == .matrix { return grain % 2 == 0 ? 2 : 1 }
    // One by one, lanes read filters that lie side by side: every fourth is in a bank of its own where they are of odd length.
    let shape = chain.stages[stage].shape
    let length = tiling.reduction[stage] * shape.rows.window * shape.columns.window
    guard path.isPacked || length % 2 == 1 else { return 1 }
    let group = registerTile(of: stage).channels
    return [4, 2].first { group % $0 == 0 && grain % $0 == 0 } ?? 1
  }

  /// NHWC: elements from slot to slot of the buffer of map `map`, which stage `map` reads.
  public func pixelPitch(of map: Int) -> Int {
    rowPitch(of: consumedChannels(of: map), for: map)
  }

  /// An odd number of packs, so that packs of neighbouring rows lie in different banks.
  private func rowPitch(of elements: Int, for stage: Int) -> Int {
    switch path(of: stage) {
    // Whole items of loads and stores, which never take more than what is asked for at once.
    case .elements, .filterPacks:
      let grain = tiling.inputGrain(of: stage, in: chain)
      return Schedule.ceilDivide(elements, grain) * grain
    case .packs(let size): return FilterLayout.oddPacks(of: elements, size)
    case .matrix: return FilterLayout.oddPacks(of: elements, 16)
    }
  }
}
