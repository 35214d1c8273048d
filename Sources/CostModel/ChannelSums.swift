import Scheduling
import Workload

/// Which channels the blocks of all channel tiles ask for, summed over the tiles of one spatial position.
///
/// Every count has two parts: what blocks ask for, repeats within a block included, and the same with each channel
/// counted once a block. A count that does not fit in 64 bits is the largest that does.
public struct ChannelSums: Hashable, Sendable {
  struct Count: Hashable, Sendable {
    var asked = 0
    var onceABlock = 0

    fileprivate mutating func add(_ request: Request, times: Int) {
      asked = saturatingSum(asked, saturatingProduct(times, request.channels))
      onceABlock = saturatingSum(onceABlock, saturatingProduct(times, request.distinct))
    }
  }

  /// Channels of the chain's input that are loaded.
  private(set) var input = Count()
  /// Output channels of each stage that are computed: so often its weights, bias and multipliers are loaded.
  private(set) var outputs: [Count]

  public init(chain: Chain, tiling: Tiling) {
    outputs = Array(repeating: Count(), count: chain.stages.count)
    let channels = chain.last.shape.outputChannels
    let full = channels / tiling.channels
    let rest = channels % tiling.channels
    // Tiles are alike unless groups of several filters make their alignment matter.
    if !chain.mayCutGroups(of: chain.stages.count) {
      add(block: 0..<tiling.channels, times: full, chain: chain, tiling: tiling)
      if rest > 0 { add(block: 0..<rest, times: 1, chain: chain, tiling: tiling) }
    } else {
      for first in stride(from: 0, to: channels, by: tiling.channels) {
        let block = first..<min(first + tiling.channels, channels)
        add(block: block, times: 1, chain: chain, tiling: tiling)
      }
    }
  }

  /// Output channels of `stage` that are computed, repeats included.
  public func computed(_ stage: Int) -> Int { outputs[stage].asked }

  /// Adds `times` blocks that make output channels `block`, going from the last stage to the first.
  private mutating func add(block: Range<Int>, times: Int, chain: Chain, tiling: Tiling) {
    var request = Request(runs: 1, ranges: [block])
    for stage in chain.stages.indices.reversed() {
      outputs[stage].add(request, times: times)
      request = request.input(to: stage, chain: chain, tiling: tiling)
    }
    input.add(request, times: times)
  }
}

/// The channels that a block asks one map for, in order: all of `ranges`, `runs` times over. What is asked for twice
/// in a row is held already and left out.
private struct Request {
  let runs: Int
  /// Ascending.
  let ranges: [Range<Int>]

  /// Channels asked for, repeats included.
  var channels: Int { saturatingProduct(runs, ranges.reduce(0) { $0 + $1.count }) }

  /// Channels asked for, each counted once.
  var distinct: Int {
    var end = 0
    return ranges.reduce(0) { sum, range in
      defer { end = max(end, range.upperBound) }
      return sum + max(0, range.upperBound - max(end, range.lowerBound))
    }
  }

  /// What making this of `stage`'s output asks of its input.
  func input(to stage: Int, chain: Chain, tiling: Tiling) -> Request {
    let shape = chain.stages[stage].shape
    if chain.mixesChannels(stage) {
      let chunks = stride(from: 0, to: shape.inputChannels, by: tiling.reduction[stage]).map {
        $0..<min($0 + tiling.reduction[stage], shape.inputChannels)
      }
      return Request(runs: chunks.count == 1 ? 1 : saturatingProduct(runs, ranges.count), ranges: chunks)
    }
    guard shape.filtersPerGroup > 1 || shape.channelsPerGroup > 1 else { return self }
    var inputs: [Range<Int>] = []
    for range in ranges {
      let next = chain.inputChannels(of: stage, for: range)
      if inputs.last != next { inputs.append(next) }
    }
    return Request(runs: inputs.count == 1 ? 1 : runs, ranges: inputs)
  }
}

func saturatingProduct(_ a: Int, _ b: Int) -> Int {
  let (product, overflows) = a.multipliedReportingOverflow(by: b)
  return overflows ? .max : product
}

func saturatingSum(_ a: Int, _ b: Int) -> Int {
  let (sum, overflows) = a.addingReportingOverflow(b)
  return overflows ? .max : sum
}
