import Testing
import Workload

@Suite struct LayerKindTests {
  private func layer(
    channels: Int, filters: Int, groups: Int = 1, window: Int = 1, extent: Int = 4, padding: Int = 0
  ) throws -> Layer {
    let axis = try WindowAxis(
      inputExtent: extent, window: window, paddingBefore: padding, paddingAfter: padding)
    let shape = try ConvolutionShape(
      inputChannels: channels, outputChannels: filters, groups: groups, rows: axis, columns: axis)
    return Layer(name: "layer", operation: .convolution, shape: shape, inputs: [.input(0)])
  }

  @Test("A convolution's kind follows from groups and window")
  func kinds() throws {
    #expect(try layer(channels: 4, filters: 4, groups: 4, window: 3).kind == .dw)
    // A channel multiplier, and one channel alone, are depthwise as well.
    #expect(try layer(channels: 4, filters: 8, groups: 4).kind == .dw)
    #expect(try layer(channels: 1, filters: 2, window: 3).kind == .dw)
    #expect(try layer(channels: 4, filters: 2).kind == .pw)
    #expect(try layer(channels: 4, filters: 2, padding: 1).kind == .conv)
    #expect(try layer(channels: 4, filters: 2, window: 3).kind == .conv)
    #expect(try layer(channels: 4, filters: 2, groups: 2).kind == .grouped)
    #expect(try layer(channels: 4, filters: 2, window: 4).kind == .fc)
    #expect(try layer(channels: 4, filters: 2, extent: 1).kind == .fc)
  }

  @Test("The plain chain is the preset of every layer")
  func chain() throws {
    #expect(ReductionPreset.chain.order(for: try layer(channels: 256, filters: 2)) == .chain)
  }

  @Test("ONNX Runtime restarts PW every 128 channels and takes standard convolutions by 16 channels")
  func onnxruntime() throws {
    let preset = ReductionPreset.onnxruntime
    #expect(preset.order(for: try layer(channels: 4, filters: 2)) == ReductionOrder(restart: 128))
    #expect(preset.order(for: try layer(channels: 4, filters: 2, window: 4)) == ReductionOrder(restart: 128))
    #expect(
      preset.order(for: try layer(channels: 16, filters: 2, window: 3))
        == ReductionOrder(restart: 16, innermost: .channel))
    // A stem: one channel after the other.
    #expect(
      preset.order(for: try layer(channels: 3, filters: 2, window: 3))
        == ReductionOrder(restart: 1, innermost: .channel))
    #expect(preset.order(for: try layer(channels: 4, filters: 4, groups: 4, window: 3)) == .chain)
  }

  @Test("XNNPACK begins with the bias, and DW goes down its columns")
  func xnnpack() throws {
    let preset = ReductionPreset.xnnpack
    #expect(
      preset.order(for: try layer(channels: 4, filters: 4, groups: 4, window: 3))
        == ReductionOrder(bias: .first, taps: .columnMajor))
    #expect(preset.order(for: try layer(channels: 4, filters: 2)) == ReductionOrder(bias: .first))
  }
}
