import Scheduling
import Testing
import Workload

@Suite struct AxisTilingTests {
  /// One line a tile: what each slot of `map` holds, `.` padding and `-` unused; elements that an earlier tile
  /// held already stand in brackets.
  private func drawing(_ axis: AxisTiling, map: Int = 0) -> [String] {
    axis.slots.map { tile in
      zip(tile[map].indices, tile[map].owned).map { index, owned in
        switch index {
        case AxisSlots.padding: "."
        case AxisSlots.unused: "-"
        default: owned ? "\(index)" : "(\(index))"
        }
      }.joined(separator: " ")
    }
  }

  @Test("Tiles of a 3-wide window hold one element more on each side")
  func stride1() throws {
    let axis = AxisTiling(windows: [try window3(6)], tile: 2)
    #expect(drawing(axis) == [". 0 1 2", "(1) (2) 3 4", "(3) (4) 5 ."])
    #expect(drawing(axis, map: 1) == ["0 1", "2 3", "4 5"])
    #expect(axis.total(of: 0) == 10)
    #expect(axis.distinct(of: 0) == 6)
  }

  @Test("Stride 2 shares one element between neighbours")
  func stride2() throws {
    // Six inputs, three outputs: the last padding is never read.
    let axis = AxisTiling(windows: [try window3(6, stride: 2)], tile: 1)
    #expect(drawing(axis) == [". 0 1", "(1) 2 3", "(3) 4 5"])
  }

  @Test("An edge tile has the slots of a full one, and those that it does not need are unused")
  func edge() throws {
    let axis = AxisTiling(windows: [try window3(5)], tile: 3)
    #expect(drawing(axis) == [". 0 1 2 3", "(2) (3) 4 . -"])
    #expect(drawing(axis, map: 1) == ["0 1 2", "3 4 -"])
  }

  @Test("Padding only after stands at the end alone")
  func asymmetric() throws {
    let window = try WindowAxis(inputExtent: 4, window: 3, stride: 2, paddingAfter: 1)
    #expect(drawing(AxisTiling(windows: [window], tile: 1)) == ["0 1 2", "(2) 3 ."])
  }

  @Test("Dilation leaves out what lies between the taps")
  func dilation() throws {
    let window = try WindowAxis(inputExtent: 9, window: 3, dilation: 3)
    let axis = AxisTiling(windows: [window], tile: 2)
    #expect(drawing(axis) == ["0 1 3 4 6 7", "2 - 5 - 8 -"])
    #expect(axis.offsets[0] == [0, 1, 3, 4, 6, 7])
  }

  @Test("A strided pointwise layer holds only the elements it reads")
  func stridedPointwise() throws {
    let axis = AxisTiling(windows: [try point(7, stride: 2)], tile: 3)
    #expect(drawing(axis) == ["0 2 4", "6 - -"])
    #expect(axis.distinct(of: 0) == 4)
  }

  @Test("Behind a pointwise layer, a window's halo reaches the chain's input")
  func chainOfPointwiseAndWindow() throws {
    let axis = AxisTiling(windows: [try point(5), try window3(5)], tile: 2)
    let halo = [". 0 1 2", "(1) (2) 3 4", "(3) (4) . -"]
    #expect(drawing(axis, map: 1) == halo)
    // Padding of the intermediate is not computed, so nothing of the input is needed for it.
    #expect(drawing(axis, map: 0) == ["- 0 1 2", "(1) (2) 3 4", "(3) (4) - -"])
  }

  @Test("The strides of a chain multiply, and each window keeps its own padding")
  func chainOfTwoWindows() throws {
    // 8 inputs, 4 after the first window, 4 after the second.
    let axis = AxisTiling(windows: [try window3(8, stride: 2), try window3(4)], tile: 2)
    #expect(drawing(axis, map: 1) == [". 0 1 2", "(1) (2) 3 ."])
    #expect(drawing(axis, map: 0) == ["- - . 0 1 2 3 4 5", "(1) (2) (3) (4) (5) 6 7 - -"])
  }

  @Test("A later stride spreads the tiles of the input, not its window")
  func pointwiseStrideBehindWindow() throws {
    // Of the 3-wide window's five outputs a pointwise layer of stride 2 reads 0, 2 and 4.
    let axis = AxisTiling(windows: [try window3(5), try point(5, stride: 2)], tile: 2)
    #expect(drawing(axis, map: 1) == ["0 2", "4 -"])
    #expect(drawing(axis, map: 0) == [". 0 1 2 3", "(3) 4 . - -"])
  }

  @Test("Each output slot reads, tap by tap, the slot that holds its input")
  func tapSlots() throws {
    let dense = AxisTiling(windows: [try window3(6)], tile: 2)
    #expect(dense.tapSlots(of: 0) == [0, 1, 2, 1, 2, 3])
    let window = try WindowAxis(inputExtent: 9, window: 3, dilation: 3)
    // Offsets 0 1 3 4 6 7: output 0 reads 0 3 6, output 1 reads 1 4 7.
    #expect(AxisTiling(windows: [window], tile: 2).tapSlots(of: 0) == [0, 2, 4, 1, 3, 5])
    let chain = AxisTiling(windows: [try window3(8, stride: 2), try window3(4)], tile: 1)
    // The intermediate's three slots are two input slots apart.
    #expect(chain.tapSlots(of: 0) == [0, 1, 2, 2, 3, 4, 4, 5, 6])
    #expect(chain.tapSlots(of: 1) == [0, 1, 2])
  }

  @Test("A tile as large as the output has no halo")
  func wholeAxis() throws {
    let axis = AxisTiling(windows: [try window3(4)], tile: 4)
    #expect(drawing(axis) == [". 0 1 2 3 ."])
    #expect(axis.total(of: 0) == axis.distinct(of: 0))
  }
}
