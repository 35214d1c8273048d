import Hardware
import Scheduling
import Workload

/// What a kernel knows of its schedule, word by word as `constants.cuh` declares it, and the tables that go with it.
///
/// On a GPU the words are the initialiser of a constexpr; in the emulator they are the bytes of the structure.
public struct KernelConstants: Hashable, Sendable {
  /// 32 bits of the structure.
  public enum Word: Hashable, Sendable {
    case integer(Int32)
    case real(Float)
  }

  /// A word and its name in C, e.g. `stage[1].rows.window`.
  public struct Field: Hashable, Sendable {
    public let name: String
    public let word: Word
  }

  public internal(set) var fields: [Field] = []
  /// Slots of axes whose steps are not even, and zero points that differ from channel to channel.
  public internal(set) var tables: [Int32] = []
  private var path: [String] = []

  /// The most stages and accumulators of a thread that `constants.cuh` has room for.
  public static let maximumStages = Chain.maximumStages
  public static let maximumSums = 256

  /// - Parameter parameters: One a stage; those of INT8 stages give zero points, clamps and scales, which are 0 where
  ///   there are none.
  /// - Throws: `KernelError` where the kernel has no room for the schedule.
  public init(_ schedule: Schedule, parameters: [LayerParameters]? = nil) throws(KernelError) {
    try Self.check(schedule)
    let chain = schedule.chain
    add("stages", chain.stages.count)
    add("inputs", chain.stages[0].inputs.count)
    add("threads", schedule.lanes.threads)
    add("resident", schedule.residentBlocksInRegisters)
    add("buffers", schedule.lanes.buffers)
    add("order", BlockOrder.allCases.firstIndex(of: schedule.order) ?? 0)
    add("is_hwc", chain.axisOrder == .hwc ? 1 : 0)
    add("batch", chain.last.shape.batch)
    add("tile_rows", schedule.tiling.rows)
    add("tile_columns", schedule.tiling.columns)
    add("tile_channels", schedule.tiling.channels)
    add("row_tiles", schedule.rows.count)
    add("column_tiles", schedule.columns.count)
    add("channel_tiles", schedule.channelTiles)
    for input in 0..<2 {
      group("ifm[\(input)]") {
        $0.addStaging(input < chain.stages[0].inputs.count ? .ifm(input) : nil, schedule)
      }
    }
    for (name, axis) in [("rows", schedule.rows), ("columns", schedule.columns)] {
      for map in 0...Self.maximumStages {
        group("\(name)[\(map)]") { $0.addMap(map < axis.mapCount ? map : nil, axis) }
      }
    }
    for map in 0...Self.maximumStages {
      let isStaged = map < chain.stages.count && chain.axisOrder == .hwc
      add("pitch[\(map)]", isStaged ? schedule.footprintModel.pixelPitch(of: map) : 0)
    }
    for stage in 0..<Self.maximumStages {
      group("stage[\(stage)]") {
        $0.addStage(stage < chain.stages.count ? stage : nil, schedule, parameters)
      }
    }
  }

  private static func check(_ schedule: Schedule) throws(KernelError) {
    let chain = schedule.chain
    guard chain.stages.count <= maximumStages else {
      throw .tooManyStages(found: chain.stages.count, limit: maximumStages)
    }
    for operand in chain.operands where chain.elements(of: operand) > Int(Int32.max) {
      throw .tensorTooLarge(operand, elements: chain.elements(of: operand))
    }
    guard schedule.blocks.count <= Int(Int32.max) else {
      throw .tooManyBlocks(found: schedule.blocks.count, limit: Int(Int32.max))
    }
    for stage in chain.stages.indices {
      let sums = schedule.accumulators(of: stage)
      if sums > maximumSums {
        throw .tooManySums(stage: chain.stages[stage].name, found: sums, limit: maximumSums)
      }
    }
  }

  mutating func group(_ name: String, _ body: (inout Self) -> Void) {
    path.append(name)
    body(&self)
    path.removeLast()
  }

  mutating func add(_ name: String, _ value: Int) {
    fields.append(Field(name: (path + [name]).joined(separator: "."), word: .integer(Int32(clamping: value))))
  }

  mutating func add(_ name: String, _ value: Float) {
    fields.append(Field(name: (path + [name]).joined(separator: "."), word: .real(value)))
  }

  /// Where `table` begins among the tables.
  mutating func place(_ table: [Int]) -> Int {
    defer { tables += table.map { Int32(clamping: $0) } }
    return tables.count
  }

  /// The structure's words, reals by their bits.
  public var words: [Int32] {
    fields.map { field in
      switch field.word {
      case .integer(let value): value
      case .real(let value): Int32(bitPattern: value.bitPattern)
      }
    }
  }
}

extension KernelConstants.Word: CustomStringConvertible {
  public var description: String {
    switch self {
    case .integer(let value): "\(value)"
    case .real(let value): "\(value)"
    }
  }
}
