import Digest
import KernelSources

/// Kernels with their inputs and expected outputs, as a folder of plain files that a machine with a GPU needs nothing else
/// to check and time.
///
///     bundle.txt       what there is: a line a fact, see `BundleManifest`
///     kernels/         each kernel's source, and the texts that they include: edit them and run again
///     data/            tensors, each named by the first 32 digits of its SHA-256
public struct KernelBundle: Sendable {
  /// One kernel and what it must make.
  public struct Kernel: Sendable {
    public let kind: String
    /// Names of the layers.
    public let layers: [String]
    public let job: KernelJob
    public let expected: [UInt8]
    /// What the simulator predicts, by the name of Nsight Compute's metric.
    public let counters: [(metric: String, value: Int)]
    /// What the kernel does, for estimates of time to be calibrated by: names and counts.
    public let work: [(name: String, value: Int)]
    /// Its tile and lanes as one word of JSON, as `plan --json` has them; nil where nobody wants to count its work anew.
    public let schedule: String?
    /// Sizes of each stage, where all are convolutions: other libraries can run those as well.
    public let convolutions: [BundleConvolution]

    public init(
      kind: String, layers: [String], job: KernelJob, expected: [UInt8],
      counters: [(metric: String, value: Int)], work: [(name: String, value: Int)] = [],
      schedule: String? = nil, convolutions: [BundleConvolution]
    ) {
      self.kind = kind
      self.layers = layers
      self.job = job
      self.expected = expected
      self.counters = counters
      self.work = work
      self.schedule = schedule
      self.convolutions = convolutions
    }
  }

  /// One file to write.
  public struct File: Sendable {
    /// From the bundle's folder, with `/`.
    public let path: String
    public let bytes: [UInt8]
  }

  public let manifest: BundleManifest
  /// All of the bundle's own files, each once.
  public let files: [File]

  public var byteCount: Int { files.reduce(0) { $0 + $1.bytes.count } }

  /// - Parameters:
  ///   - title: What the kernels are of.
  ///   - comparisons: Kernels by number: a fused one, and those of its layers.
  public init(_ title: BundleTitle, kernels: [Kernel], comparisons: [(fused: Int, alone: [Int])]) {
    var files: [File] = []
    var known: Set<String> = []
    func add(_ path: String, _ bytes: [UInt8]) {
      if known.insert(path).inserted { files.append(File(path: path, bytes: bytes)) }
    }
    func tensor(_ bytes: [UInt8]) -> BundleTensor {
      let tensor = BundleTensor(digest: String(SHA256.hex(of: bytes).prefix(32)), bytes: bytes.count)
      add(tensor.path, bytes)
      return tensor
    }
    var entries: [BundleEntry] = []
    for (number, kernel) in kernels.enumerated() {
      let id = BundleEntry.id(number)
      for header in kernel.job.headers { add("kernels/\(header.name)", Array(header.text.utf8)) }
      add("kernels/\(id).cu", Array(kernel.job.source.utf8))
      entries.append(
        BundleEntry(
          id: id, kind: kernel.kind, layers: kernel.layers, function: kernel.job.name,
          launch: kernel.job.launch,
          operands: kernel.job.operands.sorted { $0.key < $1.key }.map { ($0.key, tensor($0.value)) },
          expected: tensor(kernel.expected), counters: kernel.counters, work: kernel.work,
          schedule: kernel.schedule, convolutions: kernel.convolutions))
    }
    manifest = BundleManifest(
      title: title, headers: kernels.first?.job.headers.map(\.name) ?? [], kernels: entries,
      comparisons: comparisons.map { (BundleEntry.id($0.fused), $0.alone.map(BundleEntry.id)) })
    self.files = [File(path: BundleManifest.fileName, bytes: Array(manifest.text.utf8))] + files
  }

  /// The script that checks, times and measures a bundle, and what it imports.
  public static var scripts: [File] {
    [
      File(path: "run.py", bytes: PackageResources.run_py),
      File(path: "int8_cudnn.py", bytes: PackageResources.int8_cudnn_py),
    ]
  }
}
