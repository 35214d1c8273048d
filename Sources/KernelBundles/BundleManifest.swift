import KernelSources

/// What the kernels of a bundle are of.
public struct BundleTitle: Hashable, Sendable {
  public let network, elementType: String
  /// How feature maps lie: `nchw` or `nhwc`.
  public let layout: String
  public let gpu: String
  public let batch: Int

  public init(network: String, elementType: String, layout: String, gpu: String, batch: Int) {
    self.network = network
    self.elementType = elementType
    self.layout = layout
    self.gpu = gpu
    self.batch = batch
  }
}

/// A tensor's file.
public struct BundleTensor: Hashable, Sendable {
  public let digest: String
  public let bytes: Int

  public var path: String { "data/\(digest)" }
}

/// The sizes of one convolution, for those who run it by other means.
public struct BundleConvolution: Hashable, Sendable {
  /// In the order of `names`.
  public let numbers: [Int]

  public static let names = [
    "batch", "channels", "rows", "columns", "filters", "window_rows", "window_columns", "stride_rows",
    "stride_columns", "pad_top", "pad_bottom", "pad_left", "pad_right", "dilation_rows", "dilation_columns",
    "groups", "bias", "activation",
  ]

  /// - Parameter numbers: As many as `names`; of the activation 0 is none, 1 ReLU, 2 ReLU6.
  public init(_ numbers: [Int]) {
    precondition(numbers.count == Self.names.count)
    self.numbers = numbers
  }
}

/// A kernel as the manifest lists it.
public struct BundleEntry: Sendable {
  public let id, kind: String
  public let layers: [String]
  public let function: String
  public let launch: KernelLaunch
  public let operands: [(pointer: Int, tensor: BundleTensor)]
  public let expected: BundleTensor
  public let counters: [(metric: String, value: Int)]
  public let work: [(name: String, value: Int)]
  /// One word of JSON.
  public let schedule: String?
  public let convolutions: [BundleConvolution]

  static func id(_ number: Int) -> String {
    let digits = String(number)
    return "k" + String(repeating: "0", count: max(0, 3 - digits.count)) + digits
  }
}

/// `bundle.txt`: a line a fact, words divided by one space, lists of a kernel between `kernel` and `end`.
public struct BundleManifest: Sendable {
  public static let fileName = "bundle.txt"
  static let firstLine = "fuselab-bundle 1"

  public let title: BundleTitle
  public let headers: [String]
  public let kernels: [BundleEntry]
  /// A fused kernel's id, and those of its layers.
  public let comparisons: [(fused: String, alone: [String])]

  public var text: String {
    var lines = [
      Self.firstLine, "network \(Self.word(title.network))", "element-type \(title.elementType)",
      "layout \(title.layout)",
      "gpu \(Self.word(title.gpu))", "batch \(title.batch)",
    ]
    lines += headers.map { "header \($0)" }
    for kernel in kernels {
      lines += [
        "kernel \(kernel.id)", "kind \(kernel.kind)",
        "layers \(kernel.layers.map(Self.word).joined(separator: " "))",
        "function \(kernel.function)",
        "launch \(kernel.launch.blocks) \(kernel.launch.threads) \(kernel.launch.sharedBytes)",
      ]
      lines += kernel.operands.map { "operand \($0.pointer) \($0.tensor.digest) \($0.tensor.bytes)" }
      lines.append("expected \(kernel.expected.digest) \(kernel.expected.bytes)")
      lines += kernel.counters.map { "counter \($0.metric) \($0.value)" }
      lines += kernel.work.map { "work \($0.name) \($0.value)" }
      if let schedule = kernel.schedule { lines.append("schedule \(schedule)") }
      lines += kernel.convolutions.map { "convolution \($0.numbers.map(String.init).joined(separator: " "))" }
      lines.append("end")
    }
    lines += comparisons.map { "compare \($0.fused) \($0.alone.joined(separator: " "))" }
    return lines.map { $0 + "\n" }.joined()
  }

  /// One word of printable ASCII, so that no name of a model can make a line or a fact of its own.
  private static func word(_ name: String) -> String {
    let kept = name.unicodeScalars.map { (33...126).contains($0.value) ? Character($0) : "_" }
    return kept.isEmpty ? "_" : String(kept)
  }
}
