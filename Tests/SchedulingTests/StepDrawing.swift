import Hardware
import Scheduling
import Workload

/// A block's steps as one line: `L ifm 0-1` loads channels 0 and 1, `L weights1 f0-1 c0` filters 0 and 1 of channel
/// 0, `B` is a barrier, `C1 0-1 < 0` adds channel 0 to outputs 0 and 1 of the first stage, `S 0-1` stores.
func drawing(_ steps: [TileStep]) -> String {
  steps.map { step in
    switch step {
    case .load(.weights(let stage), let region):
      "L weights\(stage + 1) f\(text(region.outer)) c\(text(region.channels))"
    case .load(let operand, let region): "L \(operand) \(text(region.channels))"
    case .compute(let stage, let channels, let reducing):
      "C\(stage + 1) \(text(channels)) < \(text(reducing))"
    case .barrier: "B"
    case .store(let region): "S \(text(region.channels))"
    }
  }.joined(separator: " | ")
}

private func text(_ range: Range<Int>) -> String {
  range.count == 1 ? "\(range.lowerBound)" : "\(range.lowerBound)-\(range.upperBound - 1)"
}

extension Schedule {
  /// The steps of the first block, drawn.
  var firstBlock: String { drawing(steps(of: blocks[0])) }
}
