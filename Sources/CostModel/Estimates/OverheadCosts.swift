import Hardware
import Scheduling
import Workload

/// Warp instructions beside those that a schedule names: addresses, bounds, loops and conversions, in tenths.
///
/// Fitted to the instructions that the machine code of 927 kernels executes (NVRTC 13.0 for sm_90): the timed tiles, and the kernels of
/// plans of MobileNetV1, MobileNetV2 and ProxylessNAS with their own lanes and others; 847 of them stand in `Configs/Measurements`
/// (`Tests/executed-instructions`).
/// Mean error of all instructions 5 % in FP32 and 8 % in INT8 of tiles, 5 % and 9 % of the others, all of which they were fitted to. Pools, and filters of INT8 in NCHW, none of which is among them, are counted in machine code by hand. Other architectures have other code, but for the same text, so most of it is
/// theirs as well.
enum OverheadCosts {
  /// A compute step of a stage beyond its first, a warp, where chunks go round a loop, which keeps books. In code of its own a chunk
  /// has none.
  static let loopedStep = 926

  /// A load of an operand: each warp finds out what is its own. More of a map by rows, where a step's sizes are no constants, most where rows of
  /// channels are divided among the lanes.
  fileprivate static let beginning = 152
  private static let rowsBeginning = 90, raggedRows = 214, raggedPixels = 445
  /// A request of a map by rows, of a thread that keeps its column or slot, and by pixels, and of anything else; of a map for each axis on
  /// which some slot is empty.
  fileprivate static let runRequest = 112
  private static let rowRequest = 263, columnRequest = 211, slotRequest = 123, pixelRequest = 346,
    emptySlots = 17
  /// A warp's items: of a stage that mixes channels, more where several warps share out matrices and where the items of a pixel are
  /// no constant; of a depthwise stage, by rows, where windows slide, and by channels; of a layer without weights. For each axis on which some slot is empty.
  private static let mixingItem = 78, sharedMatrix = 230, raggedItem = 345, depthwiseItem = 223,
    slidingItem = 283, channelsItem = 182, otherItem = 450
  private static let emptyOutputs = 84
  /// A lane's result: bias, activation, place; in INT8 requantization, there of layers without weights too.
  private static let fp32Result = 120, int8Result = 84
  /// A pack of each pixel's values in FP32, multiplied by all filters, and where there is no loop over them.
  private static let pack = 12, unrolledPack = 6
  /// A dp4a; a product of bytes that are read several at once by filters and multiplied one by one; a tap of a layer without weights, more
  /// where each is held against the map's edges. Of single bytes the compiler makes words and dp4a by itself, which is no more than to multiply one by one.
  private static let dotProduct = 16, byteOfFilter = 21, tap = 8, paddedTap = 105
  /// Of four channels a depthwise lane puts bytes of four taps together, of weights and of each pixel's values; a weight that is alone
  /// in its word.
  private static let joinedTap = 32, loneWeight = 1
  private static let instruction = 10

  /// All warps' tenths of a step that loads `operand` by so many requests.
  static func loading(
    _ operand: Operand, _ costs: StepCosts, _ kept: LoadRounds.Kept, requests: Int
  ) -> Int {
    let isByRows = costs.chain.axisOrder == .chw
    var (ragged, request, own) = (false, runRequest, beginning)
    switch operand {
    case .ifm:
      ragged = costs.isRagged[0]
      guard !costs.takesWholePlanes else { break }
      if isByRows { own += rowsBeginning }
      switch kept {
      case .nothing: request = isByRows ? rowRequest : pixelRequest
      case .column: request = columnRequest
      case .slot: request = slotRequest
      }
      request += emptySlots * costs.axesWithEmptySlots(ofMap: 0)
    case .weights(let stage):
      ragged = costs.isRagged[stage + 1] || costs.chain.mixesChannels(stage) && costs.isRagged[stage]
    case .bias, .multipliers, .residual, .ofm: break
    }
    let call = own + (!ragged ? 0 : isByRows ? raggedRows : raggedPixels)
    return costs.warps * call + requests * request
  }

  /// All warps' tenths of a compute step that reduces `reduced` channels.
  static func computing(_ stage: Int, _ costs: StepCosts, _ lanes: ComputeLanes, reduced: Int) -> Int {
    let chain = costs.chain
    if chain.isEpilogue(stage) { return 0 }
    let layer = chain.stages[stage]
    let path = costs.model.path(of: stage)
    let isChannelsFirst = chain.axisOrder == .hwc
    let outputs = lanes.tile.channels * lanes.tile.pixels
    let taps = layer.shape.rows.window * layer.shape.columns.window
    let isPadded = [layer.shape.rows, layer.shape.columns].contains {
      $0.paddingBefore > 0 || $0.paddingAfter > 0
    }
    var item = otherItem + outputs * taps * (isPadded ? paddedTap : tap)
    if layer.hasWeights {
      let isMixing = chain.mixesChannels(stage)
      item =
        (isMixing ? mixingItem : unmixedItem(slides: costs.model.slidesWindows(of: stage), isChannelsFirst))
        + emptyOutputs * costs.axesWithEmptySlots(ofMap: stage + 1)
      if isChannelsFirst, costs.isRagged[stage + 1] { item += raggedItem }
      item += products(
        path, isMixing: isMixing, lanes, chain.elementType, reduced: reduced, taps: taps,
        unrolls: costs.model.unrollsChunk(of: stage))
      if chain.elementType == .int8, !layer.hasBias {
        item += zeroPoints(path, lanes, reduced: reduced, taps: taps) * instruction
      }
      if path == .matrix, lanes.warps > 1 { item += sharedMatrix }
    }
    return item * lanes.warps
  }

  /// All warps' tenths at the end of a stage's reduction.
  static func ending(_ stage: Int, _ costs: StepCosts, _ lanes: ComputeLanes) -> Int {
    let chain = costs.chain
    if chain.isEpilogue(stage) { return 0 }
    return lanes.channelsKept * lanes.tile.pixels * lanes.warps
      * result(of: stage, chain)
  }

  private static func unmixedItem(slides: Bool, _ isChannelsFirst: Bool) -> Int {
    isChannelsFirst ? channelsItem : slides ? slidingItem : depthwiseItem
  }

  private static func result(of stage: Int, _ chain: Chain) -> Int {
    guard chain.elementType == .fp32 else { return int8Result }
    return chain.hasWeights(stage) ? fp32Result : 0
  }

  /// No more than what `computing` and `ending` have for each output of a lane.
  fileprivate static func leastPerOutput(_ chain: Chain, _ stage: Int) -> Double {
    if chain.isEpilogue(stage) { return 0 }
    let layer = chain.stages[stage]
    let result = Double(self.result(of: stage, chain))
    guard layer.hasWeights else {
      return result + Double(layer.shape.rows.window * layer.shape.columns.window * tap)
    }
    if chain.mixesChannels(stage) {
      return result + Double(mixingItem) / Double(LaneMap.mostChannels * LaneMap.mostPixels)
    }
    let isChannelsFirst = chain.axisOrder == .hwc
    let channels = isChannelsFirst ? FootprintModel.mostChannelsRead : 1
    func perOutput(slides: Bool, _ pixels: Int) -> Double {
      Double(unmixedItem(slides: slides, isChannelsFirst)) / Double(channels * pixels)
    }
    let item = perOutput(slides: false, FootprintModel.unmixedPixels)
    guard FootprintModel.maySlideWindows(chain, stage, channels: 1) else { return result + item }
    return result + min(item, perOutput(slides: true, FootprintModel.slidingPixels))
  }

  /// An item's instructions where no bias has the input's zero point in it: sums of weights, or one for each value.
  private static func zeroPoints(_ path: ComputePath, _ lanes: ComputeLanes, reduced: Int, taps: Int)
    -> Int
  {
    let channels = lanes.tile.channels
    switch path {
    case .packs: return channels * taps * reduced / ComputePath.dotChannels
    case .matrix: return channels / 2 * reduced / ComputePath.matrixChannels
    case .elements where lanes.joinsTaps: return channels * ComputePath.dotProducts(ofTaps: taps)
    case .elements, .filterPacks: return lanes.tile.pixels * reduced * taps
    }
  }

  /// Instructions of a depthwise output in INT8, by channels, those that multiply among them: no fewer than four taps at once of as many
  /// pixels as a thread has at most, nor than one by one.
  static func leastPerDepthwiseOutput(taps: Int) -> Double {
    let (channels, pixels) = (Double(ComputePath.dotChannels), Double(FootprintModel.unmixedPixels))
    let joined = taps - taps % ComputePath.dotChannels
    let words =
      Double(joined * joinedTap) * (1 + 1 / pixels) / channels + Double((taps - joined) * loneWeight) / pixels
    return min(Double(ComputePath.dotProducts(ofTaps: taps)) + words / Double(instruction), Double(taps))
  }

  /// An item's for all taps of `reduced` channels.
  private static func products(
    _ path: ComputePath, isMixing: Bool, _ lanes: ComputeLanes, _ type: ElementType, reduced: Int, taps: Int,
    unrolls: Bool
  ) -> Int {
    let (channels, pixels) = (lanes.tile.channels, lanes.tile.pixels)
    let outputs = channels * pixels
    switch path {
    case .elements where lanes.joinsTaps:
      let joined = taps - taps % ComputePath.dotChannels
      return reduced * (joined * joinedTap * (1 + pixels) + (taps - joined) * channels * loneWeight)
    case .elements where type == .int8 && !isMixing:
      return lanes.storeWidth > 1 ? reduced * taps * channels * loneWeight : 0
    case .elements: return 0
    case .packs where type == .int8:
      return taps * reduced / ComputePath.dotChannels * outputs * dotProduct
    case .filterPacks where type == .int8: return taps * reduced * outputs * byteOfFilter
    case .packs(let size), .filterPacks(let size):
      return taps * reduced / size * pixels * (unrolls ? unrolledPack : pack)
    case .matrix: return 0
    }
  }
}

extension KernelWork {
  /// Of an output of a depthwise stage in INT8 and NHWC, no more than what multiplies and what brings bytes together for that.
  public static func leastDepthwiseInstructions(taps: Int) -> Double {
    OverheadCosts.leastPerDepthwiseOutput(taps: taps)
  }

  /// No more than the `overhead` of any kernel that stages so many bytes, 512 in a request at most, by so many warps, and makes so
  /// many outputs of each stage in full warps: for bounds of searches.
  public static func leastOverhead(_ chain: Chain, staged: Bytes, warps: Int, outputs: [Double]) -> Int {
    let results = zip(chain.stages.indices, outputs).reduce(0.0) {
      $0 + $1.1 * OverheadCosts.leastPerOutput(chain, $1.0)
    }
    let requests = staged.count / 512 * OverheadCosts.runRequest
    let tenths = saturatingSum(
      requests + Int(min(results * 0.999_999, 0x1p50)), saturatingProduct(warps, OverheadCosts.beginning))
    return min(1 << 50, tenths / 10)
  }
}

extension StepCosts {
  /// Of the two axes of a map those on which a tile has slots that hold nothing.
  fileprivate func axesWithEmptySlots(ofMap map: Int) -> Int {
    (schedule.rows.isFull[map] ? 0 : 1) + (schedule.columns.isFull[map] ? 0 : 1)
  }
}
