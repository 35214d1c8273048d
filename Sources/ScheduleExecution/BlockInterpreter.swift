import Hardware
import Scheduling
import Workload

/// How a number format is staged, summed up and finished.
protocol BlockArithmetic: Sendable {
  /// An element in global memory.
  associatedtype Stored: Sendable
  /// An element in a staging buffer.
  associatedtype Staged: Sendable
  /// The running sum of one output.
  associatedtype Accumulator: Sendable

  static var unwritten: Stored { get }
  static var padding: Staged { get }
  static var trap: Staged { get }

  var executor: ScheduleExecutor { get }
  /// A stored element of the map that `stage` reads, as staged.
  func stage(_ element: Stored, input: Int, of stage: Int) -> Staged
  func weight(_ index: Int, of stage: Int) -> Staged
  var weightTrap: Staged { get }
  func start(stage: Int, channel: Int) -> Accumulator
  /// Starts a new chain of products, adding the one before it to the sum.
  func restart(_ accumulator: inout Accumulator)
  /// A staged weight as it is multiplied: the zero point of its output channel taken off.
  func centred(_ weight: Staged, stage: Int, channel: Int) -> Staged
  func multiplyAdd(_ accumulator: inout Accumulator, _ weight: Staged, _ element: Staged)
  /// The stored result of one output of a convolution; nil where the accumulator overflowed.
  func finish(_ accumulator: Accumulator, stage: Int, channel: Int) -> Stored?
  /// The stored result of a layer without weights from the staged taps inside the map.
  func combine(_ taps: [Staged], stage: Int) -> Stored
}

/// One thread block at work: buffers, accumulators, and the steps that move data between them.
struct BlockInterpreter<A: BlockArithmetic> {
  let arithmetic: A
  let block: ThreadBlock
  let inputs: [[A.Stored]]
  let schedule: Schedule
  /// Buffers of the chain's inputs.
  var ifm: [StagedCopies<StagingBuffer<A.Staged>>]
  /// Elements of the residual that each add inside the chain has loaded.
  var residuals: [Int: StagingBuffer<A.Staged>] = [:]
  /// Buffer of the map that each stage but the last leaves for the next.
  var intermediates: [StagingBuffer<A.Staged>]
  /// `[filter][reduced channel][window row][window column]` of each stage.
  var weights: [StagedCopies<WeightBuffer<A.Staged>>]
  var accumulators: [[A.Accumulator]]
  /// Which output channels of each stage are being summed up.
  var summing: [Range<Int>]
  /// Which channels of the biases, multipliers and residuals are there.
  private var constants: [Operand: StagedCopies<Range<Int>>] = [:]
  let taps: [StageTaps]
  /// What the last stage made, `[channel][filled row slot][filled column slot]`.
  private var result: [A.Stored] = []
  private var stored: [StoredTile<A.Stored>] = []

  init(_ arithmetic: A, block: ThreadBlock, inputs: [[A.Stored]]) {
    let schedule = arithmetic.executor.schedule
    self.arithmetic = arithmetic
    self.block = block
    self.inputs = inputs
    self.schedule = schedule
    let rows = schedule.rows.slots[block.rowTile]
    let columns = schedule.columns.slots[block.columnTile]
    func buffer(_ map: Int) -> StagingBuffer<A.Staged> {
      StagingBuffer(rows: rows[map], columns: columns[map], padding: A.padding, trap: A.trap)
    }
    let stages = schedule.chain.stages
    ifm = stages[0].inputs.indices.map {
      StagedCopies(buffer(0), copies: schedule.copies(of: .ifm($0)))
    }
    intermediates = (1..<stages.count).map(buffer)
    weights = stages.indices.map {
      StagedCopies(WeightBuffer(), copies: schedule.copies(of: .weights(stage: $0)))
    }
    for stage in stages.indices where schedule.chain.isEpilogue(stage) {
      residuals[stage] = buffer(stage + 1)
    }
    accumulators = stages.map { _ in [] }
    summing = stages.map { _ in 0..<0 }
    taps = stages.indices.map { StageTaps(arithmetic.executor, stage: $0, rows: rows, columns: columns) }
  }

  /// Takes `steps` and returns what they store.
  mutating func run(_ steps: [TileStep]) -> Result<[StoredTile<A.Stored>], ExecutionError> {
    for step in steps {
      switch step {
      case .load(.ifm(let input), let region):
        let staged = loaded(.ifm(input), region, into: ifm[input].buffers[0], input: input, of: 0)
        ifm[input].load { $0 = staged }
      case .load(.residual(let stage), let region):
        let residual = Operand.residual(stage: stage)
        let input = 1 - schedule.chain.joinedInput(of: stage)
        residuals[stage] = residuals[stage].map {
          loaded(residual, region, into: $0, input: input, of: stage)
        }
        constants[residual] = StagedCopies(region.channels, copies: 1)
      case .load(.weights(let stage), let region): loadWeights(stage, region)
      case .load(let operand, let region):
        let none = StagedCopies(0..<0, copies: schedule.copies(of: operand))
        constants[operand, default: none].load { $0 = region.channels }
      case .barrier: break
      case .store(let region): stored.append(StoredTile(region: region, values: result))
      case .compute(let stage, let channels, let reducing):
        let name = schedule.chain.stages[stage].name
        if let operand = unstagedConstant(of: stage, channels) {
          return .failure(.notStaged(layer: name, operand: operand))
        }
        if let failed = compute(stage, channels, reducing) {
          return .failure(.accumulatorOverflow(layer: name, channel: failed))
        }
      }
    }
    return .success(stored)
  }

  /// A bias, multiplier or residual of `stage` that is not staged for all of `channels`.
  private func unstagedConstant(of stage: Int, _ channels: Range<Int>) -> Operand? {
    let chain = schedule.chain
    var needed: [Operand] = chain.stages[stage].hasBias ? [.bias(stage: stage)] : []
    if chain.hasMultipliers(stage) { needed.append(.multipliers(stage: stage)) }
    if chain.isEpilogue(stage) { needed.append(.residual(stage: stage)) }
    return needed.first { operand in
      guard let staged = constants[operand] else { return true }
      return !staged.buffers.contains { $0.isSuperset(of: channels) }
    }
  }

  /// - Parameter input: Of `stage`, whose arithmetic says how its elements are staged.
  private func loaded(
    _ operand: Operand, _ region: Region, into buffer: StagingBuffer<A.Staged>, input: Int, of stage: Int
  ) -> StagingBuffer<A.Staged> {
    var buffer = buffer
    guard let values = schedule.chain.inputs.firstIndex(of: operand).map({ inputs[$0] }) else {
      return buffer
    }
    let layout = schedule.chain.valueLayout(of: operand)
    buffer.reset(to: region.channels)
    let width = region.columns.indices.count
    for channel in region.channels {
      let plane = buffer.offset(of: channel)
      for (row, y) in region.rows.indices.enumerated() where y >= 0 {
        for (column, x) in region.columns.indices.enumerated() where x >= 0 {
          let offset = layout.offset(outer: block.image, channel: channel, row: y, column: x)
          buffer.elements[plane + row * width + column] = arithmetic.stage(
            values[offset], input: input, of: stage)
        }
      }
    }
    return buffer
  }

  private mutating func loadWeights(_ stage: Int, _ region: Region) {
    let layout = schedule.chain.valueLayout(of: .weights(stage: stage))
    let window = layout.rows * layout.columns
    var staged = WeightBuffer<A.Staged>(filters: region.outer, channels: region.channels, window: window)
    for filter in region.outer {
      for channel in region.channels {
        let first = layout.offset(outer: filter, channel: channel, row: 0, column: 0)
        for tap in 0..<window { staged.elements.append(arithmetic.weight(first + tap, of: stage)) }
      }
    }
    weights[stage].load { $0 = staged }
  }

  /// The buffers that `stage` reads input `channels` from: two of an add, in its order.
  func sources(of stage: Int, holding channels: Range<Int>) -> [StagingBuffer<A.Staged>] {
    if stage > 0 {
      let made = intermediates[stage - 1]
      guard let residual = residuals[stage] else { return [made] }
      return schedule.chain.joinedInput(of: stage) == 0 ? [made, residual] : [residual, made]
    }
    return ifm.map { $0.first { $0.channels.isSuperset(of: channels) } }
  }

  /// Returns an output channel whose accumulator overflowed, if any.
  private mutating func compute(_ stage: Int, _ channels: Range<Int>, _ reducing: Range<Int>) -> Int? {
    let layer = schedule.chain.stages[stage]
    guard layer.hasWeights else {
      keep(stage, channels, combined(stage, channels))
      return nil
    }
    let chunks = schedule.chunks(of: stage, for: channels)
    if reducing == chunks.first { begin(stage, channels) }
    accumulate(stage, channels, reducing)
    guard reducing.upperBound == chunks.last?.upperBound else { return nil }
    var finished: [A.Stored] = []
    finished.reserveCapacity(accumulators[stage].count)
    let outputs = taps[stage].outputs
    for (index, accumulator) in accumulators[stage].enumerated() {
      let channel = channels.lowerBound + index / outputs
      guard let value = arithmetic.finish(accumulator, stage: stage, channel: channel) else { return channel }
      finished.append(value)
    }
    keep(stage, channels, finished)
    return nil
  }

  private mutating func begin(_ stage: Int, _ channels: Range<Int>) {
    summing[stage] = channels
    accumulators[stage] = channels.flatMap { channel in
      Array(repeating: arithmetic.start(stage: stage, channel: channel), count: taps[stage].outputs)
    }
  }

  /// Leaves finished outputs, `[channel][filled row slot][filled column slot]`, for the next stage or the store.
  private mutating func keep(_ stage: Int, _ channels: Range<Int>, _ values: [A.Stored]) {
    guard stage < schedule.chain.stages.count - 1 else {
      result = values
      return
    }
    intermediates[stage].reset(to: channels)
    let (rows, columns) = (intermediates[stage].rows.filled, intermediates[stage].columns.filled)
    let width = intermediates[stage].columns.indices.count
    var next = 0
    for channel in channels {
      let plane = intermediates[stage].offset(of: channel)
      for row in rows {
        for column in columns {
          intermediates[stage].elements[plane + row * width + column] =
            arithmetic.stage(
              values[next], input: schedule.chain.joinedInput(of: stage + 1), of: stage + 1)
          next += 1
        }
      }
    }
  }
}

/// A part of the output as one store step leaves it.
struct StoredTile<Element: Sendable>: Sendable {
  let region: Region
  /// `[channel][row][column]` of the region's elements.
  let values: [Element]
}

/// The filters that a block holds of one stage.
struct WeightBuffer<Element: Sendable> {
  var filters: Range<Int> = 0..<0
  var channels: Range<Int> = 0..<0
  var window = 0
  var elements: [Element] = []

  /// Index of the first tap of `filter` for `channel`, nil where it was not staged.
  func offset(filter: Int, channel: Int) -> Int? {
    guard filters.contains(filter), channels.contains(channel) else { return nil }
    return ((filter - filters.lowerBound) * channels.count + channel - channels.lowerBound) * window
  }
}
