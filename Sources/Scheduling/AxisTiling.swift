import Workload

/// The buffer slots of one tile along one axis of one map, and the index of the map that each slot holds.
///
/// All tiles of an axis have equally many slots, since a kernel's tile size is a constant; slots beyond the map or
/// not needed by an edge tile are marked, not left out.
public struct AxisSlots: Hashable, Sendable {
  /// A slot outside the map: it reads as zero and is never loaded.
  public static let padding = -1
  /// A slot that no existing output of the tile needs: never loaded, never read.
  public static let unused = -2

  /// For each slot the index along the map's axis, ascending, or `padding` or `unused`.
  public let indices: [Int]
  /// How many slots hold an element.
  public let count: Int
  /// Whether the slots that hold an element are all held here first, tile by tile in ascending order.
  public let owned: [Bool]

  init(indices: [Int], owned: [Bool]) {
    self.indices = indices
    self.owned = owned
    count = indices.reduce(0) { $0 + ($1 >= 0 ? 1 : 0) }
  }

  /// One element at index 0: the axis of a bias or of a map that has no such axis.
  public static let single = AxisSlots(indices: [0], owned: [true])

  /// Every index of `0..<extent`.
  public static func all(_ extent: Int) -> AxisSlots {
    AxisSlots(indices: Array(0..<extent), owned: Array(repeating: true, count: extent))
  }
}

/// The tiles of one axis of a chain of windows, and which indices of every map of the chain each tile needs: the
/// only place where a halo is worked out.
///
/// Map 0 is the chain's input, map `i` the output of stage `i − 1`. A tile is `tile` outputs of the last map; the
/// last tile may have fewer.
public struct AxisTiling: Hashable, Sendable {
  public let windows: [WindowAxis]
  public let tile: Int
  /// `slots[tile][map]`.
  public let slots: [[AxisSlots]]
  /// Position of each slot of a map relative to the tile's first, `[map]`, ascending. Contiguous unless the
  /// stride or dilation leaves gaps that no output reads.
  public let offsets: [[Int]]
  /// Slots of a tile of each map.
  public let slotCounts: [Int]
  /// Of each map, whether every slot of every tile holds an element.
  public let isFull: [Bool]

  public var count: Int { slots.count }
  public var mapCount: Int { windows.count + 1 }

  public init(windows: [WindowAxis], tile: Int) {
    precondition(!windows.isEmpty && tile > 0)
    self.windows = windows
    self.tile = tile
    offsets = Self.offsets(windows: windows, tile: tile)
    slotCounts = offsets.map { $0.count }
    let extent = windows[windows.count - 1].outputExtent
    var seen = Self.extents(of: windows).map { [Bool](repeating: false, count: $0) }
    var slots: [[AxisSlots]] = []
    for start in stride(from: 0, to: extent, by: tile) {
      slots.append(Self.slots(of: windows, offsets: offsets, from: start, seen: &seen))
    }
    self.slots = slots
    isFull = offsets.indices.map { map in slots.allSatisfy { $0[map].count == $0[map].indices.count } }
  }

  /// The extents of all maps, the input first.
  public static func extents(of windows: [WindowAxis]) -> [Int] {
    [windows[0].inputExtent] + windows.map(\.outputExtent)
  }

  /// The slot of map `stage` that output slot `output` of map `stage + 1` reads through `tap`, as a table
  /// `[output · window + tap]`. The same for all tiles.
  public func tapSlots(of stage: Int) -> [Int] {
    let window = windows[stage]
    var slotOfOffset: [Int: Int] = [:]
    for (slot, offset) in offsets[stage].enumerated() { slotOfOffset[offset] = slot }
    return offsets[stage + 1].flatMap { output in
      (0..<window.window).map { tap in
        guard let slot = slotOfOffset[output * window.stride + tap * window.dilation] else {
          preconditionFailure("a tap falls outside its tile")
        }
        return slot
      }
    }
  }

  /// Elements that all tiles together hold of `map`, an element counted once for each tile that holds it.
  public func total(of map: Int) -> Int { slots.reduce(0) { $0 + $1[map].count } }

  /// Distinct elements that the tiles hold of `map`.
  public func distinct(of map: Int) -> Int {
    slots.reduce(0) { sum, tile in sum + tile[map].owned.reduce(0) { $0 + ($1 ? 1 : 0) } }
  }

  private static func offsets(windows: [WindowAxis], tile: Int) -> [[Int]] {
    var maps = [Array(0..<tile)]
    for window in windows.reversed() {
      let outputs = maps[0]
      var needed: Set<Int> = []
      for output in outputs {
        for tap in 0..<window.window {
          needed.insert(output * window.stride + tap * window.dilation)
        }
      }
      maps.insert(needed.sorted(), at: 0)
    }
    return maps
  }

  private static func slots(
    of windows: [WindowAxis], offsets: [[Int]], from start: Int, seen: inout [[Bool]]
  ) -> [AxisSlots] {
    var origin = start
    var needed = offsets[windows.count].map { start + $0 }
    let extent = windows[windows.count - 1].outputExtent
    needed = needed.map { $0 < extent ? $0 : AxisSlots.unused }
    var maps = [claim(needed, in: &seen[windows.count])]
    for stage in windows.indices.reversed() {
      let window = windows[stage]
      origin = window.input(output: origin, tap: 0)
      var read: Set<Int> = []
      for output in needed where output >= 0 {
        for tap in 0..<window.window { read.insert(window.input(output: output, tap: tap)) }
      }
      let base = origin
      needed = offsets[stage].map { offset in
        let index = base + offset
        guard read.contains(index) else { return AxisSlots.unused }
        return (0..<window.inputExtent).contains(index) ? index : AxisSlots.padding
      }
      maps.insert(claim(needed, in: &seen[stage]), at: 0)
    }
    return maps
  }

  /// Marks the indices as seen and notes which of them are new.
  private static func claim(_ indices: [Int], in seen: inout [Bool]) -> AxisSlots {
    var owned = [Bool](repeating: false, count: indices.count)
    for (slot, index) in indices.enumerated() where index >= 0 && !seen[index] {
      seen[index] = true
      owned[slot] = true
    }
    return AxisSlots(indices: indices, owned: owned)
  }
}
