import Hardware
import KernelEmulator
import Reference
import Scheduling
import Testing
import Workload

/// The kernel `dwpw` in FP32 once more, written by hand: warps of 32 lanes that execute one instruction after the other
/// together. Neither a schedule's lane map nor the emulator has a part in it, so their counts can be held against its.
@Suite struct LockstepOracleTests {
  @Test(
    "A fused kernel in lockstep makes the requests that the emulator records", arguments: DWPWSample.samples)
  func agreement(_ kernel: DWPWSample) throws {
    let (schedule, parameters) = try kernel.schedule()
    #expect(schedule.kind.description == "dwpw")
    let map = try FeatureMap(channels: kernel.channels, rows: kernel.extent, columns: kernel.extent)
    let input = TensorValues.fp32(SyntheticParameters.values(of: map, purpose: "oracle", seed: 3))
    let recorded = try EmulatedKernel(schedule, parameters: parameters).run(on: [input], mode: .record)
    #expect(recorded.findings == [])
    let oracle = Lockstep(kernel)
    for operand in schedule.chain.operands {
      let found = operand == .ofm ? recorded.writes[operand] : recorded.reads[operand]
      let expected = oracle.global[operand] ?? .init()
      #expect(found?.requests == expected.requests, "\(operand)")
      #expect(found?.sectors == expected.sectors, "\(operand)")
      #expect(found?.lines == expected.lines, "\(operand)")
      #expect(found?.bytes == expected.bytes, "\(operand)")
    }
    for buffer in oracle.buffers {
      let found = (recorded.bufferReads[buffer], recorded.bufferWrites[buffer])
      #expect(found.0?.requests == oracle.reads[buffer]?.requests, "reads of \(buffer)")
      #expect(found.0?.wavefronts == oracle.reads[buffer]?.wavefronts, "reads of \(buffer)")
      #expect(found.1?.requests == oracle.writes[buffer]?.requests, "writes of \(buffer)")
      #expect(found.1?.wavefronts == oracle.writes[buffer]?.wavefronts, "writes of \(buffer)")
    }
  }
}

/// Executes the kernel's memory instructions, a warp at a time.
private struct Lockstep {
  struct Shared { var requests = 0, wavefronts = 0 }

  let buffers: [BufferName] = [
    .operand(.ifm(0), copy: 0), .operand(.weights(stage: 0), copy: 0), .operand(.bias(stage: 0), copy: 0),
    .intermediate(stage: 0), .operand(.weights(stage: 1), copy: 0), .operand(.bias(stage: 1), copy: 0),
  ]
  private(set) var global: [Operand: EmulationReport.GlobalRequests] = [:]
  private(set) var reads: [BufferName: Shared] = [:]
  private(set) var writes: [BufferName: Shared] = [:]
  private let k: DWPWSample

  init(_ kernel: DWPWSample) {
    k = kernel
    for buffer in buffers {
      reads[buffer] = Shared()
      writes[buffer] = Shared()
    }
    let tiles = { (size: Int) in (kernel.outputExtent + size - 1) / size }
    for row in 0..<tiles(k.tileRows) {
      for column in 0..<tiles(k.tileColumns) { runBlock(row * k.tileRows, column * k.tileColumns) }
    }
  }

  /// One instruction of a warp on global memory: the lanes' elements, nil where a lane takes no part.
  private mutating func access(_ operand: Operand, _ elements: [Int?]) {
    let active = Set(elements.compactMap { $0 })
    guard !active.isEmpty else { return }
    var counts = global[operand] ?? .init()
    counts.requests += 1
    counts.sectors += Set(active.map { $0 / 8 }).count
    counts.lines += Set(active.map { $0 / 32 }).count
    counts.bytes += active.count * 4
    global[operand] = counts
  }

  /// Lanes that read one word share it; words of one bank take turns.
  private static func count(_ elements: [Int?], into shared: inout Shared) {
    guard elements.contains(where: { $0 != nil }) else { return }
    shared.requests += 1
    shared.wavefronts += turns(of: elements.compactMap { $0 })
  }
  private static func turns(of words: [Int]) -> Int {
    Dictionary(grouping: Set(words)) { $0 % 32 }.values.map(\.count).max() ?? 0
  }
  private mutating func read(_ buffer: BufferName, _ elements: [Int?]) {
    Self.count(elements, into: &reads[buffer, default: Shared()])
  }
  /// Four words a lane, from these on: eight lanes after the other, but sixteen at once where each two neighbours of the warp,
  /// or each two that lie two apart, want the same.
  private mutating func readFour(_ buffer: BufferName, _ elements: [Int?]) {
    reads[buffer, default: Shared()].requests += 1
    let isShared = [1, 2].contains { apart in
      elements.indices.allSatisfy { lane in
        guard let own = elements[lane], let other = elements[lane ^ apart] else { return true }
        return own == other
      }
    }
    let lanes = isShared ? 16 : 8
    for first in stride(from: 0, to: 32, by: lanes) {
      let words = elements[first..<first + lanes].compactMap { $0 }.flatMap { $0..<$0 + 4 }
      reads[buffer, default: Shared()].wavefronts += Self.turns(of: words)
    }
  }
  private mutating func write(_ buffer: BufferName, _ elements: [Int?]) {
    Self.count(elements, into: &writes[buffer, default: Shared()])
  }

  /// The items of the lanes of each warp, round by round.
  private static func warps(of items: Int) -> [[Int?]] {
    Swift.stride(from: 0, to: items, by: 32).map { first in
      (first..<first + 32).map { $0 < items ? $0 : nil }
    }
  }

  /// - Parameter threads: That take part; all others idle.
  private mutating func load(
    _ operand: Operand, _ buffer: BufferName, count: Int, threads: Int? = nil,
    to place: (Int) -> Int = { $0 }, _ element: (Int) -> Int?
  ) {
    let threads = threads ?? k.threads
    for round in Swift.stride(from: 0, to: count, by: threads) {
      for items in Self.warps(of: min(threads, count - round)) {
        access(operand, items.map { item in item.flatMap { element(round + $0) } })
        write(buffer, items.map { item in item.map { place(round + $0) } })
      }
    }
  }

  /// Of planes or rows of so many slots as many threads as make whole ones, if no more than a quarter of them idle.
  private func loading(_ units: [Int]) -> Int {
    let whole = units.map { k.threads - k.threads % $0 }
    return k.keepsSlots ? whole.first { $0 >= k.threads * 3 / 4 } ?? k.threads : k.threads
  }

  /// A filter of the pointwise layer is read four channels at once where its channels are a multiple of four, and has then an
  /// odd number of fours to itself.
  private var readsFours: Bool { k.channels % 4 == 0 }
  private var filterPitch: Int { readsFours && k.channels % 8 == 0 ? k.channels + 4 : k.channels }

  /// Channels and pixels of an item: fewer, pixels first and by halves, while less than half of the threads would have one.
  private func tile(of channels: Int, group: Int, pixels: Int) -> (group: Int, together: Int) {
    let area = k.tileRows * k.tileColumns
    var tile = (group: min(group, channels), together: min(pixels, area))
    func items() -> Int {
      ((channels + tile.group - 1) / tile.group) * ((area + tile.together - 1) / tile.together)
    }
    while items() < k.threads / 2, tile.together > 1 { tile.together /= 2 }
    while items() < k.threads / 2, tile.group > 1 { tile.group /= 2 }
    return tile
  }

  private mutating func runBlock(_ firstRow: Int, _ firstColumn: Int) {
    let (k, out) = (k, k.outputExtent)
    let rows = (k.tileRows - 1) * k.stride + 3
    let columns = (k.tileColumns - 1) * k.stride + 3
    let lastRow = min(firstRow + k.tileRows, out) - 1
    let lastColumn = min(firstColumn + k.tileColumns, out) - 1
    /// The index that slot `slot` holds; nil where no output of the tile that exists needs it.
    func index(_ first: Int, _ last: Int, _ slot: Int) -> Int? {
      let at = first * k.stride - 1 + slot
      return (max(first * k.stride - 1, 0)...min(last * k.stride + 1, k.extent - 1)).contains(at) ? at : nil
    }
    let threads = loading([rows * columns, columns])
    load(.ifm(0), buffers[0], count: k.channels * rows * columns, threads: threads) { item in
      let channel = item / (rows * columns)
      let slot = item % (rows * columns)
      guard let y = index(firstRow, lastRow, slot / columns),
        let x = index(firstColumn, lastColumn, slot % columns)
      else { return nil }
      return (channel * k.extent + y) * k.extent + x
    }
    load(.weights(stage: 0), buffers[1], count: k.channels * 9) { $0 }
    load(.bias(stage: 0), buffers[2], count: k.channels) { $0 }
    let pitch = filterPitch
    func place(_ item: Int) -> Int { item / k.channels * pitch + item % k.channels }
    load(.weights(stage: 1), buffers[4], count: k.filters * k.channels, to: place) { $0 }
    load(.bias(stage: 1), buffers[5], count: k.filters) { $0 }
    depthwise(rows, columns)
    pointwise(firstRow, firstColumn)
  }

  /// A thread computes some pixels of one channel; those that a tile lacks are its last pixel once more, not stored.
  private mutating func depthwise(_ rows: Int, _ columns: Int) {
    if k.slides { return depthwiseColumns(rows, columns) }
    let area = k.tileRows * k.tileColumns
    let together = tile(of: k.channels, group: 1, pixels: min(k.pixels, 4)).together
    let apart = (area + together - 1) / together
    for items in Self.warps(of: k.channels * apart) {
      func pixel(_ item: Int, _ p: Int) -> Int { min(item % apart + p * apart, area - 1) }
      for tap in 0..<9 {
        for p in 0..<together {
          read(
            buffers[0],
            items.map { item in
              item.map { item in
                let at = pixel(item, p)
                let y = at / k.tileColumns * k.stride + tap / 3
                let x = at % k.tileColumns * k.stride + tap % 3
                return (item / apart * rows + y) * columns + x
              }
            })
        }
        read(buffers[1], items.map { $0.map { $0 / apart * 9 + tap } })
      }
      read(buffers[2], items.map { $0.map { $0 / apart } })
      for p in 0..<together {
        write(
          buffers[3],
          items.map { item in
            item.flatMap { $0 % apart + p * apart < area ? $0 / apart * area + pixel($0, p) : nil }
          })
      }
    }
  }

  /// A thread computes up to eight pixels of one column of a channel, as evenly shared out as goes, for which it goes through the rows
  /// that it needs once and with the first three through the weights. The last item of a column ends with it.
  private mutating func depthwiseColumns(_ rows: Int, _ columns: Int) {
    var together = min(k.pixels, 8, k.tileRows)
    func lines() -> Int { (k.tileRows + together - 1) / together }
    while k.channels * k.tileColumns * lines() < k.threads / 2, together > 1 { together /= 2 }
    together = (k.tileRows + lines() - 1) / lines()
    let (each, count) = (k.tileColumns * lines(), together)
    for items in Self.warps(of: k.channels * each) {
      func wanted(_ item: Int) -> Int { item % each / k.tileColumns * count }
      func first(_ item: Int) -> Int { min(wanted(item), k.tileRows - count) }
      for row in 0..<(count - 1) * k.stride + 3 {
        for tap in 0..<3 {
          if row < 3 { read(buffers[1], items.map { $0.map { $0 / each * 9 + row * 3 + tap } }) }
          read(
            buffers[0],
            items.map { item in
              item.map { item in
                let y = first(item) * k.stride + row
                return (item / each * rows + y) * columns + item % k.tileColumns * k.stride + tap
              }
            })
        }
      }
      read(buffers[2], items.map { $0.map { $0 / each } })
      for p in 0..<count {
        write(
          buffers[3],
          items.map { item in
            item.flatMap { item -> Int? in
              let row = first(item) + p
              guard row >= wanted(item) else { return nil }
              return (item / each * k.tileRows + row) * k.tileColumns + item % k.tileColumns
            }
          })
      }
    }
  }

  /// A thread computes some pixels of some filters, which lie as far apart as there are threads with others.
  private mutating func pointwise(_ firstRow: Int, _ firstColumn: Int) {
    let area = k.tileRows * k.tileColumns
    let (group, together) = tile(of: k.filters, group: k.group, pixels: k.pixels)
    let (readsFours, pitch) = (readsFours, filterPitch)
    let apart = (area + together - 1) / together
    let groups = (k.filters + group - 1) / group
    for items in Self.warps(of: groups * apart) {
      func pixel(_ item: Int, _ p: Int) -> Int { min(item % apart + p * apart, area - 1) }
      func filter(_ item: Int, _ m: Int) -> Int { min(item / apart + m * groups, k.filters - 1) }
      for channel in 0..<k.channels {
        for p in 0..<together { read(buffers[3], items.map { $0.map { channel * area + pixel($0, p) } }) }
        for m in 0..<group {
          let weights = items.map { $0.map { filter($0, m) * pitch + channel } }
          if !readsFours {
            read(buffers[4], weights)
          } else if channel % 4 == 0 {
            readFour(buffers[4], weights)
          }
        }
      }
      for m in 0..<group {
        read(buffers[5], items.map { $0.map { filter($0, m) } })
        for p in 0..<together {
          access(
            .ofm,
            items.map { item in
              item.flatMap { item -> Int? in
                let y = firstRow + pixel(item, p) / k.tileColumns
                let x = firstColumn + pixel(item, p) % k.tileColumns
                let isReal = item % apart + p * apart < area && item / apart + m * groups < k.filters
                guard isReal, y < k.outputExtent, x < k.outputExtent else { return nil }
                return (filter(item, m) * k.outputExtent + y) * k.outputExtent + x
              }
            })
        }
      }
    }
  }
}
