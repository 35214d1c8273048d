import Scheduling
import Workload

extension KernelConstants {
  /// Slots of a map, by steps where those say it all, else by a table.
  mutating func addMap(_ map: Int?, _ axis: AxisTiling) {
    let line = map.map { SlotLine(of: $0, axis) }
    add("extent", line?.extent ?? 0)
    add("slots", line?.slots ?? 0)
    add("tile_step", line?.tileStep ?? 0)
    add("origin", line?.origin ?? 0)
    add("slot_step", line?.slotStep ?? 0)
    if let map, let line, !line.describes(map, of: axis) {
      add("table", place(axis.slots.flatMap { $0[map].indices }))
    } else {
      add("table", -1)
    }
    add("is_full", map.map { axis.isFull[$0] } ?? false ? 1 : 0)
  }

  mutating func addWindow(_ stage: Int?, _ axis: AxisTiling) {
    let window = stage.map { axis.windows[$0] }
    add("window", window?.window ?? 0)
    add("stride", window?.stride ?? 0)
    add("dilation", window?.dilation ?? 0)
    add("padding", window?.paddingBefore ?? 0)
    let taps = stage.map { axis.tapSlots(of: $0) } ?? []
    let width = window?.window ?? 1
    let slotStep = taps.count > width ? taps[width] : 0
    let tapStep = width > 1 ? taps[1] : 0
    add("slot_step", slotStep)
    add("tap_step", tapStep)
    let isEven = taps.indices.allSatisfy { taps[$0] == $0 / width * slotStep + $0 % width * tapStep }
    add("table", isEven ? -1 : place(taps))
  }
}

/// The slots of a map as the kernel works them out: index = origin + tile · tileStep + slot · slotStep, held where it
/// lies between what the tile's first and last outputs need.
private struct SlotLine {
  let extent, slots, tileStep, origin, slotStep: Int

  init(of map: Int, _ axis: AxisTiling) {
    extent = AxisTiling.extents(of: axis.windows)[map]
    let offsets = axis.offsets[map]
    slots = offsets.count
    slotStep = offsets.count > 1 ? offsets[1] - offsets[0] : 1
    var (origin, step) = (0, axis.tile)
    for window in axis.windows[map...].reversed() {
      origin = window.input(output: origin, tap: 0)
      step *= window.stride
    }
    self.origin = origin
    tileStep = step
  }

  func describes(_ map: Int, of axis: AxisTiling) -> Bool {
    axis.slots.indices.allSatisfy { tile in
      let held = Self.needed(of: map, tile: tile, axis)
      return axis.slots[tile][map].indices.enumerated().allSatisfy { slot, index in
        let found = origin + tile * tileStep + slot * slotStep
        return index >= 0 ? index == found && held.contains(found) : !held.contains(found)
      }
    }
  }

  /// From the first to the last index that outputs of the tile need of the map.
  private static func needed(of map: Int, tile: Int, _ axis: AxisTiling) -> ClosedRange<Int> {
    let extents = AxisTiling.extents(of: axis.windows)
    var low = tile * axis.tile
    var high = min(low + axis.tile, extents[axis.windows.count]) - 1
    for stage in (map..<axis.windows.count).reversed() {
      let window = axis.windows[stage]
      low = max(window.input(output: low, tap: 0), 0)
      high = min(window.input(output: high, tap: window.window - 1), extents[stage] - 1)
    }
    // Outputs that read nothing but padding need no index at all.
    return low <= high ? low...high : -1 ... -1
  }
}
