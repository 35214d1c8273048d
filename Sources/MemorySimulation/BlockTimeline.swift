import Hardware
import Scheduling
import Workload

/// When which block is resident in which place, in the turns of the replay: every place takes one turn a round, as
/// `KernelReplay` does, and a block that ends makes room for the next in launch order. No cache is asked, so it is cheap.
public struct BlockTimeline: Hashable, Sendable {
  /// A block in its place. Spans of one place never overlap.
  public struct Span: Hashable, Sendable {
    /// Place `p` is on multiprocessor `p mod multiprocessors`.
    public let place, block: Int
    /// Rounds, from the first to the one after the last.
    public let rounds: Range<Int>
  }

  /// Bytes that the blocks ask of global memory in one round, before any cache. What crosses to the L2 is
  /// `KernelTraffic.rounds`.
  public struct Traffic: Hashable, Sendable {
    public var loaded = 0
    public var stored = 0

    public init() {}
  }

  public let places: Int
  /// In launch order.
  public let spans: [Span]
  public let traffic: [Traffic]

  public var rounds: Int { traffic.count }

  /// - Parameters:
  ///   - resident: Blocks of a multiprocessor at a time; by default what occupancy allows.
  ///   - multiprocessors: Which each block runs on, where that is known.
  ///   - blockLimit: Blocks beyond are left out.
  public init(
    _ schedule: Schedule, on gpu: GPU, parameters: SimulationParameters = SimulationParameters(),
    resident: Int? = nil, multiprocessors: [Int]? = nil, blockLimit: Int = .max
  ) {
    let blocks = schedule.blocks.prefix(blockLimit)
    let resident = resident ?? max(1, schedule.occupancy(on: gpu).blocksPerMultiprocessor)
    let places =
      multiprocessors == nil
      ? min(resident * gpu.multiprocessors, blocks.count) : resident * gpu.multiprocessors
    // Of each place: the round in which it is free. The earliest comes first, of equals the lowest.
    var free = [Int](repeating: 0, count: places)
    var spans: [Span] = []
    var traffic: [Traffic] = []
    var ending: [Int: [Int]] = [0: Array(0..<places)]
    var round = 0
    var waiting: ArraySlice<Int> = []
    func earliest(on multiprocessor: Int) -> Int {
      let own = stride(from: multiprocessor, to: places, by: gpu.multiprocessors)
      return own.min { (free[$0], $0) < (free[$1], $1) } ?? multiprocessor
    }
    func next() -> Int {
      while waiting.isEmpty {
        waiting = (ending.removeValue(forKey: round) ?? []).sorted()[...]
        if waiting.isEmpty { round += 1 }
      }
      return waiting.removeFirst()
    }
    for (number, block) in blocks.enumerated() {
      let place = multiprocessors.map { earliest(on: $0[number]) } ?? next()
      let turns = Self.book(block, of: schedule, from: free[place], parameters.stepsPerTurn, &traffic)
      let end = free[place] + turns
      spans.append(Span(place: place, block: block.index, rounds: free[place]..<end))
      free[place] = end
      ending[end, default: []].append(place)
    }
    self.places = places
    self.spans = spans
    self.traffic = traffic
  }

  /// Adds what the block asks for in each of its turns, and says how many these are.
  private static func book(
    _ block: ThreadBlock, of schedule: Schedule, from start: Int, _ stepsPerTurn: Int,
    _ traffic: inout [Traffic]
  ) -> Int {
    var taken = 0
    for step in schedule.steps(of: block) {
      if case .barrier = step { continue }
      let round = start + taken / stepsPerTurn
      while traffic.count <= round { traffic.append(Traffic()) }
      switch step {
      case .load(let operand, let region):
        traffic[round].loaded += region.elements * schedule.chain.elementBytes(of: operand)
      case .store(let region):
        traffic[round].stored += region.elements * schedule.chain.elementBytes(of: .ofm)
      case .barrier, .compute: break
      }
      taken += 1
    }
    return max(1, (taken + stepsPerTurn - 1) / stepsPerTurn)
  }
}

extension Region {
  /// Elements of the tensor that the region has, padding left out.
  fileprivate var elements: Int { outer.count * channels.count * rows.count * columns.count }
}
