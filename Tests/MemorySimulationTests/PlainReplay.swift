import Hardware
import Scheduling
import Workload

@testable import MemorySimulation

/// The definition of a replay, with no thought of speed: sets of bytes for requests, `PlainCache` for L1 and L2,
/// every step of every block worked out anew. Granules of one sector, stores that the L2 keeps under a byte mask.
struct PlainReplay {
  struct Counts: Hashable {
    var accesses = 0
    var requests = 0
    var sectors = 0
    var l1Hits = 0
    /// Misses of sectors that the L1 had before.
    var l1Lost = 0
    var l2Hits = 0
    var dramReads = 0
    var l2Writes = 0
  }

  private(set) var counts: [Operand: Counts] = [:]
  private(set) var dramWrites = 0
  private let schedule: Schedule
  private var l1: [PlainCache]
  private var l2: PlainCache
  /// What each L1 ever had.
  private var had: [Set<Int>]
  private var bases: [Operand: Int] = [:]

  init(_ schedule: Schedule, on gpu: GPU) {
    self.schedule = schedule
    let occupancy = schedule.occupancy(on: gpu)
    let lines = max(1, (gpu.unifiedL1.count - occupancy.carveOut.count) / gpu.l1Line.count)
    let ways = min(gpu.l1Ways, lines)
    l1 = Array(
      repeating: PlainCache(sets: lines / ways, ways: ways, sectorsPerLine: gpu.l1Line.count / 32),
      count: gpu.multiprocessors)
    had = Array(repeating: [], count: gpu.multiprocessors)
    l2 = PlainCache(sets: gpu.l2.sets, ways: gpu.l2.ways, sectorsPerLine: gpu.l2.line.count / 32)
    var base = 0
    for operand in schedule.chain.operands {
      bases[operand] = base
      let bytes = schedule.chain.elements(of: operand) * schedule.chain.elementBytes(of: operand)
      base = (base + bytes + 255) / 256 * 256
    }
    run(places: occupancy.blocksPerMultiprocessor * gpu.multiprocessors)
    dramWrites += l2.flush().reduce(0) { $0 + $1.dirty }
  }

  /// Places take turns, a step each, barriers not counted; a place whose block has ended takes the next one.
  private mutating func run(places: Int) {
    var waiting = Array(schedule.blocks.reversed())
    var running: [[TileStep]] = (0..<min(places, waiting.count)).map { _ in
      waiting.popLast().map { work(of: $0) } ?? []
    }
    while running.contains(where: { !$0.isEmpty }) {
      for place in running.indices where !running[place].isEmpty {
        step(running[place].removeFirst(), on: place % l1.count)
        if running[place].isEmpty, let next = waiting.popLast() { running[place] = work(of: next) }
      }
    }
  }

  private func work(of block: ThreadBlock) -> [TileStep] {
    schedule.steps(of: block).filter { $0 != .barrier }
  }

  private mutating func step(_ step: TileStep, on multiprocessor: Int) {
    switch step {
    case .load(let operand, let region): move(operand, region, on: multiprocessor)
    case .store(let region): move(.ofm, region, on: multiprocessor)
    case .compute, .barrier: break
    }
  }

  private mutating func move(_ operand: Operand, _ region: Region, on multiprocessor: Int) {
    let bytes = schedule.chain.elementBytes(of: operand)
    let base = bases[operand] ?? 0
    var requests: [[Int]] = []
    let width = schedule.vectorWidth(of: operand)
    if operand == .ofm {
      requests = schedule.chain.axisOrder == .hwc ? storesOfPixels(of: region) : stores(of: region)
    } else {
      schedule.forEachWarpRequest(of: operand, region, width: width) { lanes, _ in
        requests.append(lanes.filter { $0 >= 0 })
      }
    }
    counts[operand, default: Counts()].accesses += region.elements.count
    for lanes in requests where !lanes.isEmpty {
      counts[operand]?.requests += 1
      var seen: Set<Int> = []
      for lane in lanes {
        for byte in stride(from: base + lane * bytes, to: base + (lane + width) * bytes, by: 1)
        where seen.insert(byte / 32).inserted {
          counts[operand]?.sectors += 1
          if operand == .ofm { store(byte / 32) } else { load(byte / 32, operand, on: multiprocessor) }
        }
      }
    }
  }

  /// Whether a lane's pixels are those of one column, or a part of it: where weights are of groups of channels, and windows of no more than
  /// 49 weights overlap their neighbours below. INT8 in NHWC multiplies four taps at once instead, if it has four channels.
  private var slides: Bool {
    let layer = schedule.chain.last
    let rows = layer.shape.rows
    let channels = schedule.vectorWidth(of: .ofm)
    let joins = schedule.chain.elementType == .int8 && channels == 4
    return schedule.lanes.slidesWindows && layer.operation == .convolution && layer.shape.groups > 1
      && rows.dilation == 1 && rows.stride < rows.window && schedule.tiling.rows > 1
      && rows.window * layer.shape.columns.window * channels <= 49 && !joins
  }

  /// The pixels of each lane of a tile where windows slide, `count` a lane, the last ones as high as they must: those of the rows
  /// from `own` on are its own.
  private func columnPixels(_ count: Int) -> [(pixels: [Int], own: Int)] {
    let (rows, columns) = (schedule.tiling.rows, schedule.tiling.columns)
    return stride(from: 0, to: rows, by: count).flatMap { top in
      (0..<columns).map { column in
        let first = min(top, rows - count)
        return ((first..<first + count).map { $0 * columns + column }, top * columns)
      }
    }
  }

  /// What each request of a store of an NHWC map begins with. Lanes next to each other have channels next to each other:
  /// every so-manieth run of those stored at once where the layer mixes them, else all side by side; with tensor cores eight
  /// pixels × four pairs of channels.
  private func storesOfPixels(of region: Region) -> [[Int]] {
    let last = schedule.chain.stages.count - 1
    let pixels = region.rows.indices.flatMap { row in region.columns.indices.map { (row: row, column: $0) } }
    let model = schedule.footprintModel
    let isMatrix = model.path(of: last) == .matrix
    let tile = schedule.registerTile(of: last)
    let count = region.channels.count
    let width = schedule.vectorWidth(of: .ofm)
    let mixes = schedule.chain.mixesChannels(last)
    let (wide, high) = isMatrix ? (4 * tile.channels, 8 * tile.pixels) : (tile.channels, tile.pixels)
    let across = (count + wide - 1) / wide
    let columns = slides ? columnPixels(tile.pixels) : []
    let down = slides ? columns.count : (pixels.count + high - 1) / high
    var lanes: [(channels: [Int], pixels: [Int])] = []
    for y in 0..<down {
      for x in 0..<across {
        if isMatrix {
          for lane in 0..<32 {
            let channels = (0..<tile.channels).map { x * wide + $0 / 2 * 8 + lane % 4 * 2 + $0 % 2 }
            lanes.append((channels, (0..<tile.pixels).map { y * high + 8 * $0 + lane / 4 }))
          }
        } else {
          let channels = (0..<tile.channels).map {
            mixes ? (x + $0 / width * across) * width + $0 % width : x * tile.channels + $0
          }
          let own = slides ? columns[y].pixels.map { $0 >= columns[y].own ? $0 : pixels.count } : []
          lanes.append((channels, slides ? own : (0..<tile.pixels).map { y + $0 * down }))
        }
      }
    }
    let layout = schedule.chain.last.outputMap
    var requests: [[Int]] = []
    for first in stride(from: 0, to: lanes.count, by: 32) {
      for m in stride(from: 0, to: tile.channels, by: width) {
        for p in 0..<tile.pixels {
          requests.append(
            lanes[first..<min(first + 32, lanes.count)].compactMap { lane in
              guard lane.channels[m] < count, lane.pixels[p] < pixels.count else { return nil }
              let (row, column) = pixels[lane.pixels[p]]
              guard row >= 0, column >= 0 else { return nil }
              let pixel = (region.outer.lowerBound * layout.rows + row) * layout.columns + column
              return pixel * layout.channels + region.channels.lowerBound + lane.channels[m]
            })
        }
      }
    }
    return requests
  }

  /// Channels and pixels that a lane stores of an NCHW tile: as many as the lane map has of both, and where channels are not
  /// mixed one of them and up to four pixels, or up to eight of a column, no more than share it out evenly. Where that leaves less than half of the threads an item, half as many
  /// pixels until it is one, then half as many channels.
  private func together(pixels: Int, mixes: Bool) -> (channels: Int, pixels: Int) {
    let lanes = schedule.lanes
    let most = slides ? min(8, schedule.tiling.rows) : mixes ? pixels : min(4, pixels)
    var tile = (
      channels: mixes ? min(lanes.channelsPerThread, schedule.tiling.channels) : 1,
      pixels: min(lanes.pixelsPerThread, most)
    )
    func isBusy() -> Bool {
      let across = (schedule.tiling.channels + tile.channels - 1) / tile.channels
      let down =
        slides
        ? columnPixels(tile.pixels).count : (pixels + tile.pixels - 1) / tile.pixels
      return across * down >= lanes.threads / 2
    }
    while !isBusy(), tile.pixels > 1 { tile.pixels /= 2 }
    while !isBusy(), tile.channels > 1 { tile.channels /= 2 }
    while slides, tile.pixels > 1,
      columnPixels(tile.pixels - 1).count == columnPixels(tile.pixels).count
    {
      tile.pixels -= 1
    }
    return tile
  }

  /// The elements of each request of a store: every so-manieth channel × every so-manieth pixel are dealt out to lanes, 32 a
  /// warp, and a warp stores one channel and pixel of them after the other.
  private func stores(of region: Region) -> [[Int]] {
    let layout = schedule.chain.layout(of: .ofm)
    let (rows, columns) = (region.rows.indices, region.columns.indices)
    let pixels = rows.flatMap { row in columns.map { (row: row, column: $0) } }
    let mixes = schedule.chain.mixesChannels(schedule.chain.stages.count - 1)
    let (channels, together) = together(pixels: pixels.count, mixes: mixes)
    let lines = slides ? columnPixels(together) : []
    let groups = slides ? lines.count : (pixels.count + together - 1) / together
    let channelGroups = (region.channels.count + channels - 1) / channels
    let items = (0..<channelGroups).map { region.channels.lowerBound + $0 }
      .flatMap { channel in (0..<groups).map { (channel: channel, pixel: $0) } }
    var requests: [[Int]] = []
    for first in stride(from: 0, to: items.count, by: 32) {
      let warp = items[first..<min(first + 32, items.count)]
      for m in 0..<channels {
        for p in 0..<together {
          requests.append(
            warp.compactMap { item in
              let pixel = slides ? lines[item.pixel].pixels[p] : item.pixel + p * groups
              if slides, pixel < lines[item.pixel].own { return nil }
              let channel = item.channel + m * channelGroups
              guard channel < region.channels.upperBound, pixel < pixels.count else { return nil }
              let (row, column) = pixels[pixel]
              guard row >= 0, column >= 0 else { return nil }
              return layout.offset(
                outer: region.outer.lowerBound, channel: channel, row: row, column: column)
            })
        }
      }
    }
    return requests
  }

  private mutating func load(_ sector: Int, _ operand: Operand, on multiprocessor: Int) {
    if l1[multiprocessor].touch(sector, markDirty: false) {
      counts[operand]?.l1Hits += 1
      return
    }
    if !had[multiprocessor].insert(sector).inserted { counts[operand]?.l1Lost += 1 }
    _ = l1[multiprocessor].insert(sector, dirty: false)
    if l2.touch(sector, markDirty: false) {
      counts[operand]?.l2Hits += 1
    } else {
      counts[operand]?.dramReads += 1
      dramWrites += l2.insert(sector, dirty: false)?.dirty ?? 0
    }
  }

  private mutating func store(_ sector: Int) {
    counts[.ofm]?.l2Writes += 1
    if !l2.touch(sector, markDirty: true) { dramWrites += l2.insert(sector, dirty: true)?.dirty ?? 0 }
  }
}
