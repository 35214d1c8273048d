import Hardware
import Scheduling
import Workload

/// Warp instructions beside those that a schedule names: addresses, bounds, loops and conversions, in tenths.
///
/// Fitted to the instructions that an H200 executed of 251 tiles of 16 kernels (ncu; `Configs/Measurements/h200/tiles-*.json`,
/// machine code of NVRTC 13.0 for sm_90): mean error of all instructions 6 %, of the tiles of a kernel that the fit has not
/// seen 7 %. What none of these tiles has is counted in that machine code by hand: depthwise items, taps of pools, layers without weights, and
/// single bytes, by filters of INT8 in NCHW and by channels. Other architectures have other code, but for the same
/// text, so most of it is theirs as well.
enum OverheadCosts {
  /// A compute step of a stage beyond its first, a warp: another chunk is begun.
  static let furtherStep = 1400
  /// An INT8 result of a lane: requantization.
  static let int8Result = 60

  /// A load of an operand: each warp finds out what is its own. More where a step's sizes are no constants, most where rows of
  /// channels are divided among the lanes.
  fileprivate static let beginning = 130
  private static let raggedRows = 230, raggedPixels = 400
  /// A request of a map by rows and by pixels, and of anything else; of a map for each axis on which some slot is empty.
  fileprivate static let runRequest = 100
  private static let rowRequest = 470, pixelRequest = 380, emptySlots = 50
  /// A warp's items: of a stage that mixes channels, more where several warps share out matrices and where the items of a pixel are
  /// no constant; of a depthwise stage; of a layer without weights. For each axis on which some slot is empty.
  private static let mixingItem = 340, sharedMatrix = 1100, raggedItem = 770, depthwiseItem = 420,
    otherItem = 200
  private static let emptyOutputs = 120
  /// A product of a pack in FP32 and in INT8; of bytes that are read several at once and multiplied one by one, by filters and by
  /// channels; of a depthwise lane's single bytes; a tap of a layer without weights.
  private static let packProduct = 6, dotProduct = 10, byteOfFilter = 21, byteOfChannel = 50, byte = 10,
    tap = 140

  /// All warps' tenths of a step that loads `operand` by so many requests.
  static func loading(_ operand: Operand, _ costs: StepCosts, requests: Int) -> Int {
    let isByRows = costs.chain.axisOrder == .chw
    var (ragged, request) = (false, runRequest)
    switch operand {
    case .ifm:
      ragged = costs.isRagged[0]
      request =
        (isByRows ? rowRequest : pixelRequest) + emptySlots * costs.axesWithEmptySlots(ofMap: 0)
    case .weights(let stage):
      ragged = costs.isRagged[stage + 1] || costs.chain.mixesChannels(stage) && costs.isRagged[stage]
    case .bias, .multipliers, .residual, .ofm: break
    }
    let call = beginning + (!ragged ? 0 : isByRows ? raggedRows : raggedPixels)
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
    var item = otherItem + outputs * taps * tap
    if layer.hasWeights {
      let isMixing = chain.mixesChannels(stage)
      item =
        (isMixing ? mixingItem : depthwiseItem) + emptyOutputs * costs.axesWithEmptySlots(ofMap: stage + 1)
      if isChannelsFirst, costs.isRagged[stage + 1] { item += raggedItem }
      item += reduced * outputs * taps * product(path, isMixing: isMixing, lanes, chain.elementType)
      if path == .matrix, lanes.warps > 1 { item += sharedMatrix }
    }
    return item * lanes.warps
  }

  /// Pixels of a lane's register tile, at most.
  private static let mostPixels = 16.0

  /// No more than what `computing` has for each output of a lane, with the requantization.
  fileprivate static func leastPerOutput(_ chain: Chain, _ stage: Int) -> Double {
    if chain.isEpilogue(stage) { return 0 }
    let layer = chain.stages[stage]
    let result = chain.elementType == .int8 ? Double(int8Result) : 0
    guard layer.hasWeights else {
      return result + Double(layer.shape.rows.window * layer.shape.columns.window * tap)
    }
    let channels = Double(LaneMap().channelsPerThread)
    if chain.mixesChannels(stage) { return result + Double(mixingItem) / channels / mostPixels }
    let product = chain.elementType == .int8 ? Double(byte * layer.shape.taps) : 0
    let outputs = chain.axisOrder == .hwc ? channels : 1
    return result + product + Double(depthwiseItem) / outputs / Double(FootprintModel.unmixedPixels)
  }

  private static func product(
    _ path: ComputePath, isMixing: Bool, _ lanes: ComputeLanes, _ type: ElementType
  ) -> Int {
    switch path {
    case .packs: type == .int8 ? dotProduct : packProduct
    case .filterPacks: type == .int8 ? byteOfFilter : packProduct
    case .elements where type == .int8 && !isMixing: lanes.storeWidth > 1 ? byteOfChannel : byte
    case .elements, .matrix: 0
    }
  }
}

extension KernelWork {
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

extension Schedule {
  /// Of the channels of each map, whether its steps are not all of one size: no constants of the kernel then.
  var raggedMaps: [Bool] {
    var ragged = Array(repeating: false, count: chain.stages.count + 1)
    ragged[chain.stages.count] = chain.last.shape.outputChannels % tiling.channels != 0
    for stage in chain.stages.indices.reversed() {
      ragged[stage] =
        chain.mixesChannels(stage)
        ? chain.stages[stage].shape.inputChannels % tiling.reduction[stage] != 0 : ragged[stage + 1]
    }
    return ragged
  }
}
