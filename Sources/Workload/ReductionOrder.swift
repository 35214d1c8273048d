/// The order in which FP32 products are added up: a property of the algorithm, never of a schedule.
///
/// The chain starts at +0, each tap is one fused multiply-add, padded taps are a real +0 and take part, the
/// bias is added (one rounding), then the activation. A runtime's order is a few deviations from that.
public struct ReductionOrder: Hashable, Sendable {
  /// Whether the bias ends the chain or starts it.
  public enum Bias: String, Hashable, Sendable { case last, first }
  /// How the taps of a window follow each other: along filter rows, or along filter columns.
  public enum Taps: String, Hashable, Sendable { case rowMajor, columnMajor }
  /// What varies fastest inside a block of `restart` channels.
  public enum Innermost: String, Hashable, Sendable {
    /// channel, filter row, filter column: the window of one channel, then the next channel.
    case window
    /// filter row, filter column, channel: all channels of the block for one tap, then the next tap.
    case channel
  }

  /// Starts a new chain every so many channels and adds the partial sums in order; nil is one chain.
  public let restart: Int?
  public let bias: Bias
  public let taps: Taps
  public let innermost: Innermost

  public init(
    restart: Int? = nil, bias: Bias = .last, taps: Taps = .rowMajor, innermost: Innermost = .window
  ) {
    precondition(restart.map { $0 > 0 } ?? true)
    self.restart = restart
    self.bias = bias
    self.taps = taps
    self.innermost = innermost
  }

  /// Channel, row, column ascending in one chain, bias last.
  public static let chain = Self()
}

/// A named set of reduction orders, one an operator: what `--fp32-order` selects.
public enum ReductionPreset: String, Hashable, Sendable, CaseIterable {
  case chain
  /// ONNX Runtime on an AVX-512 host: PW restarts every 128 channels; standard convolutions take blocks of 16
  /// channels (a stem of under 16: one channel), row, column, channel inside a block; DW is the plain chain.
  case onnxruntime
  /// XNNPACK: bias first; DW taps column-major. Its standard convolution is unproven, so it is the plain chain
  /// with the bias first.
  case xnnpack

  /// The order in which the runtime adds in a layer of that kind.
  public func order(for layer: Layer) -> ReductionOrder {
    switch (self, layer.kind) {
    case (.chain, _): .chain
    case (.onnxruntime, .pw), (.onnxruntime, .fc): ReductionOrder(restart: 128)
    case (.onnxruntime, .conv):
      ReductionOrder(restart: layer.shape.channelsPerGroup < 16 ? 1 : 16, innermost: .channel)
    case (.onnxruntime, _): .chain
    case (.xnnpack, .dw): ReductionOrder(bias: .first, taps: .columnMajor)
    case (.xnnpack, _): ReductionOrder(bias: .first)
    }
  }
}
