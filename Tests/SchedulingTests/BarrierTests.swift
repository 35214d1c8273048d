import Hardware
import Scheduling
import TestSupport
import Testing
import Workload

@Suite struct BarrierTests {
  /// A copy of a staging buffer: of an operand by its name, of an intermediate by its stage.
  private struct Place: Hashable {
    let name: String
    let copy: Int
  }

  private struct Touch {
    var reads: Set<Place> = []
    var writes: Set<Place> = []

    func conflicts(with other: Touch) -> Bool {
      !writes.isDisjoint(with: other.reads.union(other.writes)) || !reads.isDisjoint(with: other.writes)
    }
  }

  /// What each step touches, nil for a barrier. The loads of an operand take its copies in turn; a compute reads the
  /// copy that holds what it needs.
  private func touches(_ steps: [TileStep], _ schedule: Schedule) -> [Touch?] {
    let chain = schedule.chain
    var loads: [Operand: [Region]] = [:]
    func place(_ operand: Operand, _ load: Int) -> Place {
      Place(name: "\(operand)", copy: load % schedule.lanes.buffers)
    }
    func place(_ operand: Operand, holding channels: Range<Int>, filters: Range<Int>? = nil) -> Place {
      let kept = (loads[operand] ?? []).enumerated().suffix(schedule.lanes.buffers)
      let held = kept.last {
        $0.element.channels.clamped(to: channels) == channels
          && (filters == nil || $0.element.outer == filters)
      }
      return place(operand, held?.offset ?? -1)
    }
    return steps.map { step in
      var touch = Touch()
      switch step {
      case .barrier: return nil
      case .store: break
      case .load(let operand, let region):
        loads[operand, default: []].append(region)
        touch.writes = [place(operand, loads[operand, default: []].count - 1)]
      case .compute(let stage, let channels, let reducing):
        let layer = chain.stages[stage]
        let inputs = chain.mixesChannels(stage) ? reducing : chain.inputChannels(of: stage, for: channels)
        if stage > 0 {
          touch.reads = [Place(name: "intermediate\(stage - 1)", copy: 0)]
        } else {
          touch.reads = Set(layer.inputs.indices.map { place(.ifm($0), holding: inputs) })
        }
        if layer.hasWeights {
          let reduced = chain.mixesChannels(stage) ? reducing : 0..<layer.shape.channelsPerGroup
          touch.reads.insert(place(.weights(stage: stage), holding: reduced, filters: channels))
        }
        let isLastChunk = !chain.mixesChannels(stage) || reducing.upperBound == layer.shape.inputChannels
        if isLastChunk {
          if layer.hasBias { touch.reads.insert(place(.bias(stage: stage), holding: channels)) }
          if chain.hasMultipliers(stage) {
            touch.reads.insert(place(.multipliers(stage: stage), holding: channels))
          }
          if stage < chain.stages.count - 1 { touch.writes = [Place(name: "intermediate\(stage)", copy: 0)] }
        }
      }
      return touch
    }
  }

  /// Every two steps of `touches` with no barrier between them that conflict.
  private func races(_ touches: [Touch?]) -> [(Int, Int)] {
    var found: [(Int, Int)] = []
    for (second, touch) in touches.enumerated() {
      guard let touch else { continue }
      for first in stride(from: second - 1, through: 0, by: -1) {
        guard let earlier = touches[first] else { break }
        if earlier.conflicts(with: touch) { found.append((first, second)) }
      }
    }
    return found
  }

  @Test(
    "Between any two steps that touch one buffer, one of them writing, stands a barrier, and none in vain",
    arguments: [
      [.dw], [.pw], [.dw, .pw], [.pw, .dw], [.pw, .pw], [.pw, .dw, .pw], [.grouped, .pw], [.add, .pw],
      [.conv, .pool], [.pw, .pw, .pw],
    ] as [[RandomStage]])
  func random(_ stages: [RandomStage]) throws {
    for seed in 1...60 {
      var generator = RandomCaseGenerator(seed: UInt64(seed) &* 7919)
      let example = try generator.draw(stages)
      for block in example.schedule.blocks.prefix(12) {
        let steps = example.schedule.steps(of: block)
        let touches = touches(steps, example.schedule)
        let races = races(touches)
        try #require(races.isEmpty, "\(drawing(steps)): \(races) \(example.description)")
        for (index, touch) in touches.enumerated() where touch == nil {
          var without = touches
          without.remove(at: index)
          try #require(!self.races(without).isEmpty, "\(drawing(steps)): \(index) \(example.description)")
        }
      }
    }
  }
}
