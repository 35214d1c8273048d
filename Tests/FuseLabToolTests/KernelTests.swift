import Foundation
import TestSupport
import Testing

@Suite struct KernelTests {
  /// The kernel that the documentation shows.
  private static func documented() throws -> String {
    let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
    let page = try String(
      contentsOf: root.appendingPathComponent("Sources/KernelSources/KernelSources.docc/YourOwnKernel.md"),
      encoding: .utf8)
    let start = try #require(page.range(of: "```cuda\n"))
    let end = try #require(page.range(of: "\n```", range: start.upperBound..<page.endIndex))
    return String(page[start.upperBound..<end.lowerBound]) + "\n"
  }

  private func verify(_ text: String, _ options: [String] = [], layers: String = "pw13") throws
    -> CommandOutcome
  {
    let folder = try TemporaryFolder()
    _ = try folder.file("pw.cu", text)
    return try CommandRunner.run(
      ["verify", "mobilenet_v1", "--layers", layers, "--kernel", "pw.cu"] + options, in: folder)
  }

  private static let launch = ["--blocks", "392", "--threads-per-block", "128", "--shared-bytes", "0"]

  @Test("The documented kernel is right, and its accesses are counted beside the schedule's")
  func documentedKernel() throws {
    let outcome = try verify(try Self.documented(), Self.launch)
    #expect(outcome.status == 0, "\(outcome.errors)")
    #expect(outcome.output.contains("equal: 200,704 bytes equal the reference, no findings"))
    let row = outcome.output.split(separator: "\n").first { $0.hasPrefix("ofm ") }
    // 1,024 × 49 outputs, 32 a warp, 4 sectors each.
    #expect(row?.split(separator: " ").dropFirst().prefix(3) == ["1,568", "6,272", "200,704"])
  }

  @Test("A kernel that stores beyond the output is told where, with line, block and thread, exit 1")
  func outOfBounds() throws {
    let broken = try Self.documented().replacingOccurrences(of: "st_if(active,", with: "st_if(true,")
    let outcome = try verify(broken, ["--blocks", "400"] + Self.launch.dropFirst(2))
    #expect(outcome.status == 1)
    #expect(outcome.output.contains("global-out-of-bounds: ofm[50176] is out of bounds"))
    #expect(outcome.output.contains("(392,0,0)"))
  }

  /// A stack has 65 pages of 4,096 B, and 15 more where too much does no harm.
  @Test(
    "A kernel whose threads take more stack than there is is told so, with block and thread, exit 1",
    arguments: [290_000, 400_000, 2_000_000])
  func stackOverflow(_ bytes: Int) throws {
    let greedy = try Self.documented().replacingOccurrences(
      of: "  float sum = 0;\n",
      with: """
          volatile char local[\(bytes)];
          for (int i = 0; i < \(bytes); ++i) local[i] = char(i);
          __syncthreads();
          float sum = 0;

        """)
    let outcome = try verify(greedy, Self.launch)
    #expect(outcome.status == 1, "\(outcome.errors)")
    #expect(
      outcome.output.contains("stack-overflow: the thread's stack overflows; block (0,0,0), thread (0,0,0)"),
      "\(outcome.output)")
  }

  // Elsewhere a division by zero gives zero.
  #if arch(x86_64)
    private static let division = [
      ("volatile int zero = 0; volatile int q = 7 / zero;", "kernel-fault: divides by zero")
    ]
  #else
    private static let division: [(String, String)] = []
  #endif

  @Test(
    "A kernel that the processor breaks off is told of as a finding, with block and thread, exit 1",
    arguments: [
      ("volatile int* volatile p = nullptr; *p = 1;", "kernel-fault: touches memory that is nobody's")
    ] + division)
  func faults(_ fault: String, _ words: String) throws {
    let broken = try Self.documented().replacingOccurrences(
      of: "float sum = 0;", with: "if (blockIdx.x == 5 && threadIdx.x == 40) { \(fault) }\n  float sum = 0;")
    let outcome = try verify(broken, Self.launch)
    #expect(outcome.status == 1, "\(outcome.errors)")
    let text = outcome.output.split(whereSeparator: \.isWhitespace).joined(separator: " ")
    #expect(text.contains(words) && text.contains("block (5,0,0), thread (40,0,0)"), "\(outcome.output)")
  }

  @Test(
    "A plain shared array, whose accesses nobody would see, is refused with what to write instead, exit 2")
  func plainSharedArray() throws {
    for declaration in ["__shared__ float s[128];", "extern __shared__ float s[];"] {
      let plain = try Self.documented().replacingOccurrences(
        of: "float sum = 0;", with: "\(declaration) s[threadIdx.x] = 0; float sum = s[threadIdx.x];")
      let outcome = try verify(plain, Self.launch)
      #expect(outcome.status == 2)
      #expect(outcome.codes == ["kernel-compile-failed"])
      #expect(outcome.errors.contains("pw.cu:9: error"), "\(outcome.errors)")
    }
    let seen = try Self.documented().replacingOccurrences(
      of: "float sum = 0;",
      with: "/* no plain __shared__ */ __shared__ fcm::array<float, 128> s; s[threadIdx.x] = 0.0f;\n"
        + "  float sum = s[(threadIdx.x + 1) % 128];")
    let outcome = try verify(seen, Self.launch)
    #expect(outcome.status == 1)
    #expect(
      outcome.output.contains("uninitialised-shared: reads static shared memory[1]"), "\(outcome.output)")
  }

  @Test("A kernel that leaves outputs out is told how many and which first, exit 1")
  func tooFewBlocks() throws {
    let outcome = try verify(try Self.documented(), ["--blocks", "391"] + Self.launch.dropFirst(2))
    #expect(outcome.status == 1)
    #expect(outcome.output.contains("never-written: 128 elements are never written, the first is ofm[50048]"))
  }

  @Test("A text that does not compile ends with the compiler's words, exit 2")
  func syntaxError() throws {
    let outcome = try verify("int x = ;\n")
    #expect(outcome.status == 2)
    #expect(outcome.codes == ["kernel-compile-failed"])
    #expect(outcome.errors.contains("pw.cu:1:9: error: expected expression"))
  }

  @Test("Without a compiler the remedy names the variable, exit 2")
  func noCompiler() throws {
    let folder = try TemporaryFolder()
    _ = try folder.file("pw.cu", try Self.documented())
    let outcome = try CommandRunner.run(
      ["verify", "mobilenet_v1", "--layers", "pw13", "--kernel", "pw.cu"], environment: ["PATH": "/nowhere"],
      in: folder)
    #expect(outcome.status == 2)
    #expect(outcome.codes == ["clang-missing"])
  }

  @Test("A kernel without layers, and a launch that no GPU takes, are usage errors, exit 2")
  func usage() throws {
    let text = try Self.documented()
    let folder = try TemporaryFolder()
    _ = try folder.file("pw.cu", text)
    let all = try CommandRunner.run(["verify", "mobilenet_v1", "--kernel", "pw.cu"], in: folder)
    #expect(all.status == 2 && all.codes == ["usage"])
    let threads = try verify(text, ["--threads-per-block", "2048"])
    #expect(threads.status == 2 && threads.codes == ["usage"])
  }

  @Test("The project's own text passes as a user's, and costs what the schedule says")
  func ownText() throws {
    let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
    let text = try String(
      contentsOf: root.appendingPathComponent("Sources/KernelSources/Resources/chain.cu"), encoding: .utf8)
    let outcome = try verify(text, ["--json"], layers: "dw13-pw13")
    #expect(outcome.status == 0, "\(outcome.errors)")
    let envelope = try #require(
      try JSONSerialization.jsonObject(with: Data(outcome.output.utf8)) as? [String: Any])
    let data = try #require(envelope["data"] as? [String: Any])
    let tensors = try #require(data["tensors"] as? [[String: Any]])
    #expect(tensors.count == 6)
    for tensor in tensors {
      #expect(tensor["requests"] as? Int == tensor["scheduled_requests"] as? Int)
      #expect(tensor["sectors"] as? Int == tensor["scheduled_sectors"] as? Int)
    }
    #expect(data["shared_wavefronts"] as? Int == data["scheduled_shared_wavefronts"] as? Int)
  }

  @Test(
    "Whole networks run through the emulated source, in FP32 and INT8",
    arguments: [
      ["mobilenet_v1"], ["mobilenet_v1", "--dtype", "int8"],
      ["mobilenet_v2", "--dtype", "int8", "--requant", "tflite"],
      ["proxylessnas", "--dtype", "int8"],
    ])
  func network(_ arguments: [String]) throws {
    let outcome = try CommandRunner.run(["verify"] + arguments + ["--engine", "emulator"])
    #expect(outcome.status == 0, "\(outcome.errors)")
    #expect(outcome.output.contains("kernels equal the reference"))
  }

  @Test("explain --kernel prints the launch, the buffers and the constants")
  func explain() throws {
    let outcome = try CommandRunner.run(["explain", "mobilenet_v1", "--layers", "dw13-pw13", "--kernel"])
    #expect(outcome.status == 0)
    #expect(outcome.output.hasPrefix("fcm_dwpw_fp32\nlaunch: "))
    #expect(outcome.output.contains("stage[0].rows: window 3, stride 2, dilation 1, padding 0"))
    #expect(outcome.output.split(separator: "\n").allSatisfy { $0.count <= 80 })
  }

  @Test("bench times every mode of the emulator, and nothing that is wrong")
  func bench() throws {
    let outcome = try CommandRunner.run([
      "bench", "mobilenet_v1", "--layers", "24-25", "--runs", "1", "--json",
    ])
    #expect(outcome.status == 0, "\(outcome.errors)")
    let report = try #require(
      try JSONSerialization.jsonObject(with: Data(outcome.output.utf8)) as? [String: Any])
    let kernels = try #require((report["data"] as? [String: Any])?["kernels"] as? [[String: Any]])
    let kernel = try #require(kernels.first)
    #expect(kernels.count == 1 && kernel["equal"] as? Bool == true)
    let seconds = try #require(kernel["seconds"] as? [String: [Double]])
    #expect(Set(seconds.keys) == ["raw", "check", "record", "portable"])
    #expect(seconds.values.allSatisfy { $0.count == 1 && $0[0] > 0 })
  }
}
