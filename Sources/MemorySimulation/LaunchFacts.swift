/// What a compiler and a GPU have told of a kernel's launch; what they have not is estimated.
public struct LaunchFacts: Hashable, Sendable {
  /// Of a thread; by default the schedule's estimate.
  public var registers: Int?
  /// The multiprocessor that each block ran on, in launch order. By default blocks go to places in turn as these get free.
  public var multiprocessors: [Int]?

  public init(registers: Int? = nil, multiprocessors: [Int]? = nil) {
    self.registers = registers
    self.multiprocessors = multiprocessors
  }
}

/// The blocks of a launch that no multiprocessor has taken yet, by their numbers in launch order.
struct WaitingBlocks {
  private let count: Int
  private var next = 0
  /// Where it is known who takes which: the blocks of each multiprocessor, last first.
  private var queues: [[Int]]?

  init(count: Int, on multiprocessors: Int, takenBy takers: [Int]?) {
    self.count = count
    guard let takers else { return }
    var queues = [[Int]](repeating: [], count: multiprocessors)
    for block in takers.indices.reversed() { queues[takers[block]].append(block) }
    self.queues = queues
  }

  mutating func take(on multiprocessor: Int) -> Int? {
    if queues != nil { return queues?[multiprocessor].popLast() }
    guard next < count else { return nil }
    defer { next += 1 }
    return next
  }
}
