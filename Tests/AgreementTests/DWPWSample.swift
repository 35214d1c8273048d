import Reference
import Scheduling
import Testing
import Workload

/// A depthwise 3 × 3 layer with padding 1 on a square map, a pointwise one after it, both with a bias, one tile of all
/// filters a block, all channels at once.
struct DWPWSample: CustomTestStringConvertible {
  let channels, filters, extent, stride: Int
  /// Rows and columns of a tile of the output.
  let tileRows, tileColumns: Int
  let threads: Int
  /// What a thread computes together of the pointwise layer, and of the depthwise one, at most.
  let group, pixels: Int
  /// Whether its pixels of the depthwise one lie below one another, and it loads the same slot of every channel.
  var slides = false, keepsSlots = false

  static let samples = [
    DWPWSample(
      channels: 8, filters: 12, extent: 9, stride: 1, tileRows: 4, tileColumns: 5, threads: 64, group: 4,
      pixels: 4),
    DWPWSample(
      channels: 5, filters: 7, extent: 11, stride: 2, tileRows: 3, tileColumns: 4, threads: 32, group: 4,
      pixels: 2),
    DWPWSample(
      channels: 16, filters: 32, extent: 16, stride: 1, tileRows: 8, tileColumns: 8, threads: 128, group: 2,
      pixels: 1),
    DWPWSample(
      channels: 3, filters: 33, extent: 13, stride: 2, tileRows: 2, tileColumns: 7, threads: 96, group: 1,
      pixels: 3),
    // Two of four rows of a column; three of seven, the last of them rows 4 to 6, of which 4 and 5 are the item's above.
    DWPWSample(
      channels: 8, filters: 12, extent: 9, stride: 1, tileRows: 4, tileColumns: 5, threads: 96, group: 4,
      pixels: 2, slides: true),
    DWPWSample(
      channels: 16, filters: 5, extent: 15, stride: 2, tileRows: 7, tileColumns: 4, threads: 128, group: 4,
      pixels: 3, slides: true),
    DWPWSample(
      channels: 16, filters: 8, extent: 14, stride: 1, tileRows: 14, tileColumns: 14, threads: 64, group: 4,
      pixels: 16, slides: true),
    // Planes of 42 slots, 84 threads of 96; rows of 9 of planes of 153, 126 of 128.
    DWPWSample(
      channels: 8, filters: 12, extent: 9, stride: 1, tileRows: 4, tileColumns: 5, threads: 96, group: 4,
      pixels: 2, slides: true, keepsSlots: true),
    DWPWSample(
      channels: 5, filters: 7, extent: 16, stride: 2, tileRows: 8, tileColumns: 4, threads: 128, group: 4,
      pixels: 2, keepsSlots: true),
  ]

  var testDescription: String { "\(channels) to \(filters) channels, \(extent)², stride \(stride)" }
  var outputExtent: Int { (extent - 1) / stride + 1 }

  func schedule() throws -> (Schedule, [LayerParameters]) {
    let axis = try WindowAxis(
      inputExtent: extent, window: 3, stride: stride, paddingBefore: 1, paddingAfter: 1)
    let plain = try WindowAxis(inputExtent: outputExtent)
    let dw = Layer(
      name: "dw", operation: .convolution,
      shape: try ConvolutionShape(
        inputChannels: channels, outputChannels: channels, groups: channels, rows: axis, columns: axis),
      hasBias: true, inputs: [.input(0)])
    let pw = Layer(
      name: "pw", operation: .convolution,
      shape: try ConvolutionShape(
        inputChannels: channels, outputChannels: filters, rows: plain, columns: plain),
      hasBias: true, inputs: [.layer(0)])
    let schedule = try Schedule(
      Chain([dw, pw], precision: .fp32),
      tiling: Tiling(rows: tileRows, columns: tileColumns, channels: filters, reduction: [1, channels]),
      lanes: LaneMap(
        threads: threads, channelsPerThread: group, pixelsPerThread: pixels, slidesWindows: slides,
        keepsSlots: keepsSlots))
    return (schedule, [dw, pw].map { SyntheticParameters.fp32(for: $0, seed: 5) })
  }
}
