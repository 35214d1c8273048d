import Hardware
import Scheduling
import TestSupport
import Testing
import Workload

@testable import MemorySimulation

/// Shared-memory accesses of a compute step, each worked out alone.
extension ComputeLaneCostTests {
  /// Wavefronts of one access, by sorting words into banks, and those beyond one.
  func wavefronts(_ addresses: [Int]) -> (Int, Int) {
    let words = Set(addresses.map { $0 / 4 })
    let passes = Dictionary(grouping: words) { $0 % 32 }.values.map(\.count).max() ?? 0
    return (passes, max(0, passes - 1))
  }

  /// Eight bytes a lane go by halves of a warp, sixteen by quarters; two of them in one where all neighbours of the warp, or all
  /// lanes two apart, read the same.
  func phases(_ addresses: [Int], size: Int) -> (Int, Int) {
    let lanes = 128 / size
    func pieces(_ lanes: [Int], of count: Int) -> [[Int]] {
      stride(from: 0, to: lanes.count, by: count).map { Array(lanes[$0..<min($0 + count, lanes.count)]) }
    }
    let isShared = [1, 2].contains { apart in
      addresses.indices.allSatisfy { lane in
        !addresses.indices.contains(lane ^ apart) || addresses[lane] == addresses[lane ^ apart]
      }
    }
    return pieces(addresses, of: isShared ? 2 * lanes : lanes).reduce((0, 0)) { sum, phase in
      let cost = wavefronts(phase.flatMap { first in stride(from: first, to: first + size, by: 4) })
      return (sum.0 + cost.0, sum.1 + cost.1)
    }
  }

  func cost(_ addresses: [Int], size: Int) -> SharedMemoryTraffic {
    let passes = size > 4 ? phases(addresses, size: size) : wavefronts(addresses)
    return SharedMemoryTraffic(requests: 1, wavefronts: passes.0, bankConflicts: passes.1)
  }

  /// How NCHW filters of one tap lie: read by so many neighbouring channels at once, if by more than one in rows of their
  /// own, an odd number apart of the widest items that all of a row's ends are multiples of.
  func filterRows(_ schedule: Schedule, stage: Int, bytes: Int) -> (pack: Int, pitch: Int) {
    let (all, chunk) = (
      schedule.chain.stages[stage].shape.inputChannels, schedule.tiling.reduction[stage]
    )
    func divides(_ count: Int) -> Bool { all % count == 0 && chunk % count == 0 }
    guard let pack = [4, 2].first(where: divides) else { return (1, 0) }
    let item = [16 / bytes, 8 / bytes, pack].first(where: divides) ?? pack
    var items = (chunk + item - 1) / item
    if items % 2 == 0 { items += 1 }
    return (pack, items * item)
  }

  /// The channels and pixels that one lane works out.
  struct Item {
    let channels, pixels: [Int]

    /// Dealt out one after the other: all pixel groups of the first channels, then those of the next; 32 a warp. The channels
    /// of an item are neighbours, but where the stage mixes them as far apart as there are groups of them.
    static func warps(of schedule: Schedule, stage: Int, channels: Int) -> [[Item]] {
      let pixels = schedule.rows.offsets[stage + 1].count * schedule.columns.offsets[stage + 1].count
      let m = schedule.registerTile(of: stage).channels
      let p = schedule.registerTile(of: stage).pixels
      let groups = (pixels + p - 1) / p
      let channelGroups = (channels + m - 1) / m
      let mixes = schedule.chain.mixesChannels(stage)
      var items: [Item] = []
      guard !ComputeLaneCostTests.slides(schedule, stage) else {
        let (rows, columns) = (
          schedule.rows.offsets[stage + 1].count, schedule.columns.offsets[stage + 1].count
        )
        for channel in 0..<channels {
          for top in stride(from: 0, to: rows, by: p) {
            let first = min(top, rows - p)
            for column in 0..<columns {
              let pixels = (first..<first + p).map { $0 * columns + column }
              items.append(Item(channels: [channel], pixels: pixels))
            }
          }
        }
        return warps(of: items)
      }
      for channelGroup in 0..<channelGroups {
        for group in 0..<groups {
          items.append(
            Item(
              channels: (0..<m).map { mixes ? channelGroup + $0 * channelGroups : channelGroup * m + $0 }
                .map { min($0, channels - 1) },
              pixels: stride(from: group, to: group + p * groups, by: groups).map { min($0, pixels - 1) }))
        }
      }
      return warps(of: items)
    }

    private static func warps(of items: [Item]) -> [[Item]] {
      stride(from: 0, to: items.count, by: 32).map { Array(items[$0..<min($0 + 32, items.count)]) }
    }
  }

  /// Whether a lane's pixels lie in one column: with weights for groups of channels, whose neighbouring windows overlap and are no larger
  /// than 7 × 7, of tiles of several rows that follow one another since no later window leaves any out.
  static func slides(_ schedule: Schedule, _ stage: Int) -> Bool {
    let rows = schedule.chain.stages.map(\.shape.rows)
    let shape = schedule.chain.stages[stage].shape
    return schedule.lanes.slidesWindows && schedule.chain.stages[stage].operation == .convolution
      && shape.groups > 1 && rows[stage].dilation == 1 && rows[stage].window > rows[stage].stride
      && rows[stage].window * shape.columns.window <= 7 * 7 && schedule.rows.offsets[stage + 1].count > 1
      && rows[(stage + 1)...].allSatisfy {
        $0.window == 1 ? $0.stride == 1 : $0.dilation == 1 && $0.stride <= $0.window
      }
  }

  /// Every access of a compute step worked out alone, element by element, from the items that `Item.all` lists.
  func enumerate(_ schedule: Schedule, stage: Int, channels: Range<Int>, reducing: Int)
    -> SharedMemoryTraffic
  {
    let chain = schedule.chain
    let layer = chain.stages[stage]
    let (height, width) = (schedule.rows.offsets[stage].count, schedule.columns.offsets[stage].count)
    let (rowWindow, columnWindow) = (layer.shape.rows.window, layer.shape.columns.window)
    let rowTaps = schedule.rows.tapSlots(of: stage)
    let columnTaps = schedule.columns.tapSlots(of: stage)
    let mixes = chain.mixesChannels(stage)
    let perGroup = layer.shape.channelsPerGroup
    let reduced = mixes ? reducing : perGroup
    let inputs = stage == 0 ? layer.inputs.count : 1
    let firstInput = channels.lowerBound / layer.shape.filtersPerGroup * perGroup
    var total = SharedMemoryTraffic()
    let bytes = chain.elementType.bytes
    func add(_ indices: [Int], together: Int = 1) {
      total = total + cost(indices.map { $0 * bytes }, size: together * bytes)
    }
    /// Of a column each value that some window has, from the first one's row on.
    func addColumns(of warp: [Item], _ channel: Int) {
      let columns = schedule.columns.offsets[stage + 1].count
      let rows = warp.map { item in
        Set(
          item.pixels.flatMap { pixel in
            (0..<rowWindow).map { rowTaps[pixel / columns * rowWindow + $0] }
          }
        ).sorted()
      }
      for number in rows[0].indices {
        for tap in 0..<columnWindow {
          add(
            zip(warp, rows).map { item, rows in
              let group = (channels.lowerBound + item.channels[0]) / layer.shape.filtersPerGroup
              let plane = (group * perGroup - firstInput + channel) * height
              return (plane + rows[number]) * width
                + columnTaps[item.pixels[0] % columns * columnWindow + tap]
            })
        }
      }
    }
    let isPointwise = mixes && rowWindow * columnWindow == 1
    let (pack, pitch) = isPointwise ? filterRows(schedule, stage: stage, bytes: bytes) : (1, 0)
    let slides = Self.slides(schedule, stage)
    for warp in Item.warps(of: schedule, stage: stage, channels: channels.count) {
      for channel in 0..<reduced {
        if slides { addColumns(of: warp, channel) }
        for tap in 0..<rowWindow * columnWindow {
          func slot(_ pixel: Int, _ channel: Int) -> Int {
            let columns = schedule.columns.offsets[stage + 1].count
            let row = rowTaps[pixel / columns * rowWindow + tap / columnWindow]
            let column = columnTaps[pixel % columns * columnWindow + tap % columnWindow]
            return (channel * height + row) * width + column
          }
          for p in warp[0].pixels.indices where !slides {
            if mixes { add(warp.map { slot($0.pixels[p], channel) }) }
            for m in warp[0].channels.indices where !mixes {
              for _ in 0..<inputs {
                add(
                  warp.map {
                    let group = (channels.lowerBound + $0.channels[m]) / layer.shape.filtersPerGroup
                    return slot($0.pixels[p], group * perGroup - firstInput + channel)
                  })
              }
            }
          }
          guard layer.hasWeights, channel % pack == 0 else { continue }
          for m in warp[0].channels.indices {
            add(
              warp.map {
                pack > 1
                  ? $0.channels[m] * pitch + channel
                  : ($0.channels[m] * reduced + channel) * rowWindow * columnWindow + tap
              }, together: pack)
          }
        }
      }
    }
    return total
  }

  /// Biases and multipliers, each channel's own.
  func enumerateConstants(_ schedule: Schedule, stage: Int, channels: Int) -> SharedMemoryTraffic {
    let chain = schedule.chain
    let sizes =
      (chain.stages[stage].hasBias ? [4] : [])
      + (chain.hasMultipliers(stage) ? [chain.precision.multiplierBytes] : [])
    var total = SharedMemoryTraffic()
    for warp in Item.warps(of: schedule, stage: stage, channels: channels) {
      for m in warp[0].channels.indices {
        for size in sizes {
          total = total + cost(warp.map { $0.channels[m] * size }, size: size)
        }
      }
    }
    return total
  }
}
