import ArgumentParser
import Workload

extension ElementType: ExpressibleByArgument {}
extension RequantizationMode: ExpressibleByArgument {}
extension ReductionPreset: ExpressibleByArgument {}

/// MODEL alone.
struct ModelArgument: ParsableArguments {
  @Argument(
    help: ArgumentHelp(
      "A built-in network (fuselab model list), a .yaml or model_dag.json file, or - for standard input.",
      valueName: "model"))
  var model: String
}

/// The order of a feature map's axes, the last one fastest.
enum MapLayout: String, CaseIterable, ExpressibleByArgument {
  case nchw, nhwc

  init(_ order: TensorLayout.AxisOrder) { self = order == .chw ? .nchw : .nhwc }
}

/// Number format, layout and reduction order.
struct PrecisionOptions: ParsableArguments {
  @Option(help: ArgumentHelp("fp32 (default) or int8.", valueName: "type"))
  var dtype: ElementType?
  @Option(help: ArgumentHelp("INT8 requantization: onnx (default) or tflite.", valueName: "mode"))
  var requant: RequantizationMode?
  @Option(
    help: ArgumentHelp(
      "Order of FP32 sums: chain (default), onnxruntime or xnnpack.", valueName: "order"))
  var fp32Order: ReductionPreset?
  @Option(help: ArgumentHelp("Feature maps in memory: nchw (default) or nhwc.", valueName: "order"))
  var layout: MapLayout?

  /// - Throws: `usage` where `--requant` is given for FP32, or `--fp32-order` for INT8.
  func precision(_ environment: Environment = .process) throws -> Precision {
    switch try dtype ?? environment.choice("dtype") ?? .fp32 {
    case .fp32:
      if requant != nil {
        throw CommandFailure.usage("--requant is for INT8 only", remedy: "add --dtype int8")
      }
      return .fp32
    case .int8:
      if fp32Order != nil { throw CommandFailure.usage("--fp32-order is for FP32 only", remedy: "drop it") }
      return .int8(try requant ?? environment.choice("requant") ?? .onnx)
    }
  }

  func axisOrder(_ environment: Environment = .process) throws -> TensorLayout.AxisOrder {
    switch try layout ?? environment.choice("layout") ?? .nchw {
    case .nchw: .chw
    case .nhwc: .hwc
    }
  }

  func reductionPreset(_ environment: Environment = .process) throws -> ReductionPreset {
    try fp32Order ?? environment.choice("fp32-order") ?? .chain
  }
}

/// A run of layers.
struct LayersOption: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Layers A to B: indices as in fuselab inspect, or names.", valueName: "a-b"))
  var layers: String?

  /// The layers named, in order; nil where none are.
  ///
  /// - Throws: `unknown-layer`, with the nearest name.
  func range(
    in network: Network, _ environment: Environment = .process
  ) throws -> ClosedRange<Int>? {
    guard let layers = layers ?? environment.text("layers") else { return nil }
    return try LayerRange.parse(layers, in: network)
  }
}
