import Scheduling
import Testing
import Workload

@Suite struct ThreadBlockTests {
  /// Two images of 2 × 3 spatial tiles and 2 channel tiles, the last of one channel.
  private func blocks(_ order: BlockOrder) throws -> ThreadBlocks {
    let layer = try layer(
      channels: 1, filters: 3, batch: 2, rows: point(4), columns: point(5))
    return try schedule([layer], rows: 2, columns: 2, channels: 2, reduction: [1], order: order).blocks
  }

  /// Image, channel tile, row and column tile of the first blocks.
  private func drawing(_ blocks: some Sequence<ThreadBlock>) -> String {
    blocks.map { "\($0.image)\($0.channelTile)\($0.rowTile)\($0.columnTile)" }.joined(separator: " ")
  }

  @Test(
    "Blocks come in the order asked for, images last",
    arguments: [
      (.columnFastest, "0000 0001 0002 0010 0011 0012 0100"),
      (.rowFastest, "0000 0010 0001 0011 0002 0012 0100"),
      (.channelFastest, "0000 0100 0001 0101 0002 0102 0010"),
      // One band of two rows.
      (.swizzled, "0000 0010 0001 0011 0002 0012 0100"),
    ] as [(BlockOrder, String)])
  func order(_ order: BlockOrder, _ expected: String) throws {
    let blocks = try blocks(order)
    #expect(blocks.count == 24)
    #expect(drawing(blocks.prefix(7)) == expected)
    #expect(blocks[12].image == 1)
    #expect(Set(blocks).count == 24)
  }

  // Six rows of tiles are a band of four and one of two, two columns wide.
  @Test("Swizzled blocks go down a band of four rows of tiles, then along it; the last band has what is left")
  func swizzled() throws {
    let layer = try layer(channels: 1, filters: 1, batch: 1, rows: point(11), columns: point(4))
    let blocks = try schedule(
      [layer], rows: 2, columns: 2, channels: 1, reduction: [1], order: .swizzled
    ).blocks
    let tiles = blocks.map { "\($0.rowTile)\($0.columnTile)" }.joined(separator: " ")
    #expect(tiles == "00 10 20 30 01 11 21 31 40 50 41 51")
  }

  @Test("The last channel tile has the channels that are left")
  func channels() throws {
    let blocks = try blocks(.channelFastest)
    #expect(blocks[0].channels == 0..<2)
    #expect(blocks[1].channels == 2..<3)
    #expect(blocks.map(\.index) == Array(0..<24))
  }

  @Test("The stored region is the block's part of the output, edges clipped")
  func outputRegion() throws {
    let layer = try layer(channels: 1, filters: 3, batch: 2, rows: point(4), columns: point(5))
    let schedule = try schedule([layer], rows: 2, columns: 2, channels: 2, reduction: [1])
    let stored = schedule.blocks.map { schedule.outputRegion(of: $0) }
    #expect(stored[2].columns.indices == [4, AxisSlots.unused])
    #expect(stored[2].elements == Elements(2 * 2 * 1))
    // Each of the 2·3·4·5 outputs is stored once.
    #expect(stored.reduce(Elements.zero) { $0 + $1.elements } == Elements(120))
  }
}
