import Workload

extension Tiling {
  /// The largest number of which every range of output channels asked of `stage` starts and ends at a multiple.
  func outputGrain(of stage: Int, in chain: Chain) -> Int {
    guard stage == chain.stages.count - 1 else { return inputGrain(of: stage + 1, in: chain) }
    return Self.grain(of: chain.last.shape.outputChannels, by: channels)
  }

  /// The same for the ranges of input channels that `stage` consumes.
  func inputGrain(of stage: Int, in chain: Chain) -> Int {
    let shape = chain.stages[stage].shape
    if chain.mixesChannels(stage) { return Self.grain(of: shape.inputChannels, by: reduction[stage]) }
    let outputs = outputGrain(of: stage, in: chain)
    let groups = outputs % shape.filtersPerGroup == 0 ? outputs / shape.filtersPerGroup : 1
    return groups * shape.channelsPerGroup
  }

  /// The greatest common divisor of a length and of the pieces it is cut into.
  private static func grain(of length: Int, by piece: Int) -> Int {
    var (a, b) = (length, min(piece, length))
    while b > 0 { (a, b) = (b, a % b) }
    return a
  }
}
