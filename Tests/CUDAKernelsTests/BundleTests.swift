import CUDAKernels
import Foundation
import KernelBundles
import KernelSources
import Reference
import TestSupport
import Testing
import Workload

@Suite(.serialized) struct BundleTests {
  /// Two random kernels, the second said to be the first's only layer.
  private func bundle() throws -> (bundle: KernelBundle, outputs: [[UInt8]]) {
    var generator = RandomCaseGenerator(seed: 4)
    var kernels: [KernelBundle.Kernel] = []
    for kind in [kinds[0], kinds[2]] {
      var example = try generator.draw(kind.stages)
      while example.schedule.chain.elementType != .fp32 { example = try generator.draw(kind.stages) }
      let expected = try DirectEvaluation.evaluate(
        example.schedule.chain.stages, parameters: example.parameters, inputs: example.inputs)
      kernels.append(
        KernelBundle.Kernel(
          kind: "dw", layers: ["a layer\nkernel k9", "b"],
          job: try KernelJob(example.schedule, parameters: example.parameters, inputs: example.inputs),
          expected: OperandBytes.bytes(of: expected, as: .ofm, of: example.schedule.chain),
          counters: [("sectors.sum", 12)], work: [("blocks", 3)],
          schedule: #"{"reduction_channels":[4,1],"block_order":"swizzled"}"#,
          convolutions: [BundleConvolution(Array(1...BundleConvolution.names.count))]))
    }
    let title = BundleTitle(network: "net", elementType: "fp32", layout: "nchw", gpu: "h200", batch: 1)
    return (
      KernelBundle(title, kernels: kernels, comparisons: [(fused: 1, alone: [0])]), kernels.map(\.expected)
    )
  }

  private func write(_ bundle: KernelBundle, to folder: TemporaryFolder) throws {
    for name in ["kernels", "data"] {
      try FileManager.default.createDirectory(atPath: folder.path(name), withIntermediateDirectories: true)
    }
    for file in bundle.files { try Data(file.bytes).write(to: URL(fileURLWithPath: folder.path(file.path))) }
  }

  @Test("A bundle that is read back runs to the expected bytes")
  func roundTrip() throws {
    let (bundle, outputs) = try bundle()
    let place = try TemporaryFolder()
    try write(bundle, to: place)
    let folder = try BundleFolder(place.url.path)
    #expect(folder.manifest.text == bundle.manifest.text)
    #expect(
      folder.manifest.kernels.map(\.layers) == [["a_layer_kernel_k9", "b"], ["a_layer_kernel_k9", "b"]])
    let gpu = try StubGPU()
    for (entry, output) in zip(folder.manifest.kernels, outputs) {
      let kernel = try DeviceKernel(
        folder.job(of: entry), on: gpu.device, compiler: gpu.compiler, cache: KernelCache(folder: nil))
      #expect(try DeviceSequence([kernel]).output() == .bytes(output))
      #expect(try folder.expected(of: entry) == output)
    }
  }

  @Test(
    "A schedule that is more than one plain object is refused",
    arguments: ["swizzled", #"{"a":{}}"#, #"{}},{"b":{}"#, #"{"a":"\u0041"}"#, "{"])
  func schedules(_ word: String) throws {
    let text = try bundle().bundle.manifest.text
    let good = #"{"reduction_channels":[4,1],"block_order":"swizzled"}"#
    #expect(try BundleManifest(text).kernels.map(\.schedule) == [good, good])
    #expect(throws: BundleError.self) {
      try BundleManifest(text.replacing("schedule \(good)", with: "schedule \(word)"))
    }
  }

  @Test("A tensor that is not what the manifest names is refused")
  func spoilt() throws {
    let (bundle, _) = try bundle()
    let place = try TemporaryFolder()
    try write(bundle, to: place)
    let folder = try BundleFolder(place.url.path)
    let path = try #require(folder.manifest.kernels.first).expected.path
    try Data(repeating: 7, count: folder.manifest.kernels[0].expected.bytes)
      .write(to: URL(fileURLWithPath: place.path(path)))
    #expect(throws: BundleError.spoilt(path)) { try folder.expected(of: folder.manifest.kernels[0]) }
    try FileManager.default.removeItem(atPath: place.path(path))
    #expect { try folder.expected(of: folder.manifest.kernels[0]) } throws: {
      ($0 as? BundleError)?.code == "bundle-unreadable"
    }
  }

  @Test(
    "A manifest with a line lost, doubled, cut or with a word spoilt is refused or read, never trapped on")
  func mutations() throws {
    let lines = try bundle().bundle.manifest.text.split(separator: "\n").map(String.init)
    var refused = 0
    var tried = 0
    func read(_ lines: [String]) {
      tried += 1
      do { _ = try BundleManifest(lines.map { $0 + "\n" }.joined()) } catch { refused += 1 }
    }
    for index in lines.indices {
      read(Array(lines[..<index]))
      read(Array(lines[..<index] + lines[(index + 1)...]))
      read(Array(lines[...index] + lines[index...]))
      for word in ["-1", "99999999999999999999", "../../etc/passwd", "é", ""] {
        let words = lines[index].split(separator: " ").map(String.init)
        for position in words.indices {
          var spoilt = words
          spoilt[position] = word
          read(Array(lines[..<index]) + [spoilt.joined(separator: " ")] + Array(lines[(index + 1)...]))
        }
      }
    }
    #expect(refused > tried / 2, "\(refused) of \(tried)")
  }

  @Test("No name leads out of the folder")
  func escapes() throws {
    let text = try bundle().bundle.manifest.text
    for (from, to) in [
      ("header fcm.cuh", "header ../fcm.cuh"), ("header fcm.cuh", "header .fcm.cuh"),
      ("kernel k000", "kernel ../k000"), ("expected ", "expected ../"),
    ] {
      #expect(throws: BundleError.self) { try BundleManifest(text.replacingOccurrences(of: from, with: to)) }
    }
  }
}
