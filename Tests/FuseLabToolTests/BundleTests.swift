import Foundation
import TestSupport
import Testing

/// A bundle made by `fuselab`, run by its own script and `fuselab-gpu` on the stub of a GPU.
@Suite struct BundleTests {
  private func bundle(_ arguments: [String], in folder: TemporaryFolder) throws -> CommandOutcome {
    try CommandRunner.run(["cuda", "bundle"] + arguments + ["-o", "b"], in: folder)
  }

  private func script(_ options: [String], in folder: TemporaryFolder, fault: String? = nil) throws
    -> CommandOutcome
  {
    var environment = try StubLibrary.environment(cache: folder.path("cache"))
    environment["FUSELAB_STUB_FAULT"] = fault
    return try CommandRunner.run(
      URL(fileURLWithPath: "/usr/bin/env"),
      ["python3", folder.path("b/run.py"), "--skip", "torch,ncu", "--warmup", "0", "--runs", "2"] + options,
      environment: environment)
  }

  @Test(
    "From the network to results.json",
    arguments: [
      ["mobilenet_v1", "--layers", "24-25"], ["mobilenet_v2", "--layers", "50-51", "--dtype", "int8"],
    ])
  func endToEnd(_ arguments: [String]) throws {
    let folder = try TemporaryFolder()
    let made = try bundle(arguments, in: folder)
    #expect(made.status == 0, "\(made.errors)")
    let run = try script(["--places"], in: folder)
    #expect(run.status == 0, "\(run.errors)")
    #expect(run.output.contains("stub GPU: 3 of 3 kernels equal"))
    let results = try #require(
      try JSONSerialization.jsonObject(with: Data(folder.text("b/results.json").utf8)) as? [String: Any])
    let bench = try #require(results["bench"] as? [[String: Any]])
    #expect(bench.count == 6)
    #expect(bench.count { $0["layers_median_us"] is Double } == 2)
    // Three kernels are too few to fit anything to, but the file is read.
    let calibrated = try CommandRunner.run(["gpu", "calibrate", "b/results.json"], in: folder)
    #expect(calibrated.codes == ["calibration-too-few"], "\(calibrated.errors)")
    let check = try #require(results["check"] as? [[String: Any]])
    #expect(check.allSatisfy { $0["equal"] as? Bool == true })
    // The stub's two multiprocessors take blocks in turn.
    let takers = check.compactMap { $0["multiprocessor_of_block"] as? [Int] }
    #expect(takers.count == 3)
    #expect(takers.allSatisfy { $0 == $0.indices.map { $0 % 2 } && $0.count > 1 })
  }

  @Test("Tiles of one kernel are timed, and their order is laid beside the estimate's")
  func tiles() throws {
    let folder = try TemporaryFolder()
    let made = try bundle(["mobilenet_v1", "--layers", "26", "--tiles", "6"], in: folder)
    #expect(made.status == 0, "\(made.errors)")
    #expect(made.output.hasPrefix("6 tiles of one kernel"))
    #expect(try script([], in: folder).output.contains("6 of 6 kernels equal"))
    let calibrated = try CommandRunner.run(
      ["gpu", "calibrate", "b/results.json", "--gpu", "gtx1660", "--json"], in: folder)
    #expect(calibrated.status == 0, "\(calibrated.errors)")
    let envelope = try JSONSerialization.jsonObject(with: Data(calibrated.output.utf8)) as? [String: Any]
    let data = try #require(envelope?["data"] as? [String: Any])
    let rankings = try #require(data["tile_rankings"] as? [[String: Any]])
    #expect(rankings.count == 1 && rankings[0]["tiles"] as? Int == 6)
    #expect((-1...1).contains(try #require(rankings[0]["kendall_tau_given"] as? Double)))
    #expect((-1...1).contains(try #require(rankings[0]["kendall_tau_fitted"] as? Double)))
    let text = try CommandRunner.run(
      ["gpu", "calibrate", "b/results.json", "--gpu", "gtx1660", "-o", "mine.yaml"], in: folder)
    #expect(text.output.contains("Kendall τ"))
  }

  @Test(
    "Tiles are 3 to 64 of the layers that are named",
    arguments: [["--tiles", "3"], ["--layers", "26", "--tiles", "2"]])
  func tileUsage(_ options: [String]) throws {
    let folder = try TemporaryFolder()
    let outcome = try bundle(["mobilenet_v1"] + options, in: folder)
    #expect(outcome.status == 2 && outcome.codes == ["usage"])
    #expect(try folder.names.isEmpty)
  }

  @Test("A wrong bit ends the script with 1, and is said")
  func wrongBit() throws {
    let folder = try TemporaryFolder()
    #expect(try bundle(["mobilenet_v1", "--layers", "26"], in: folder).status == 0)
    let run = try script(["--skip", "bench,torch,ncu"], in: folder, fault: "bit")
    #expect(run.status == 1)
    #expect(run.output.contains("element 0 differs"))
  }

  @Test("fuselab-gpu says what is wrong: use 2, bundle 2, no driver 3")
  func failures() throws {
    let tool = try CommandRunner.executable("fuselab-gpu")
    let folder = try TemporaryFolder()
    func run(_ arguments: [String], _ environment: [String: String] = [:]) throws -> CommandOutcome {
      try CommandRunner.run(tool, arguments, environment: environment, in: folder)
    }
    for arguments in [
      ["chek", "b"], ["check"], ["check", "b", "--device", "x"], ["check", "b", "--runs"],
      ["check", "b", "--x"],
    ] {
      let outcome = try run(arguments)
      #expect(outcome.status == 2 && outcome.codes == ["usage"], "\(arguments)")
    }
    #expect(try run(["check", "b"]).codes == ["bundle-unreadable"])
    #expect(try run(["--help"]).output.contains("USAGE: fuselab-gpu"))
    #expect(try bundle(["mobilenet_v1", "--layers", "26"], in: folder).status == 0)
    let absent = try run(["check", "b"], ["FUSELAB_CUDA_DRIVER": "/nowhere/libcuda.so.1"])
    #expect(absent.status == 3 && absent.codes == ["cuda-driver-missing"])
    _ = try folder.file("b/bundle.txt", "fuselab-bundle 1\nnetwork\n")
    let malformed = try run(["check", "b"])
    #expect(malformed.status == 2)
    #expect(malformed.errors.contains("bundle.txt:2: 'network' is expected"))
  }

  @Test("A bundle that is too large, or a folder in use, is refused and nothing is written")
  func refusals() throws {
    let folder = try TemporaryFolder()
    let large = try bundle(["mobilenet_v1", "--layers", "26", "--max-bytes", "1000"], in: folder)
    #expect(large.status == 4 && large.codes == ["limit-bundle"])
    #expect(try folder.names.isEmpty)
    let missing = try bundle(["mobilenet_v1", "--layers", "26", "--executable", "nothing"], in: folder)
    #expect(missing.status == 2 && missing.codes == ["bundle-no-executable"])
    #expect(try bundle(["mobilenet_v1", "--layers", "26", "--executable", "none"], in: folder).status == 0)
    #expect(
      try FileManager.default.contentsOfDirectory(atPath: folder.path("b")).sorted() == [
        "bundle.txt", "data", "int8_cudnn.py", "kernels", "run.py",
      ])
    let again = try bundle(["mobilenet_v1", "--layers", "26"], in: folder)
    #expect(again.status == 2 && again.codes == ["output-exists"])
  }

  @Test(
    "cuDNN is called by the layouts that it documents, and only right results are timed",
    .enabled(
      if: ProcessInfo.processInfo.environment["FUSELAB_PYTHON"] != nil,
      "skipped: FUSELAB_PYTHON names no Python with numpy"))
  func int8CuDNN() throws {
    let python = try #require(ProcessInfo.processInfo.environment["FUSELAB_PYTHON"])
    let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    let script = root.appendingPathComponent("int8_cudnn_cases.py").path
    let tested = root.appendingPathComponent("../../Sources/KernelBundles/Resources").path
    let run = try CommandRunner.run(URL(fileURLWithPath: python), [script, tested])
    #expect(run.status == 0, "\(run.errors)")
    #expect(run.output.contains("as cuDNN documents"))
  }

  @Test("Without the trait cuda, check and bench say so, exit 3", arguments: ["check", "bench"])
  func traitOff(_ verb: String) throws {
    let outcome = try CommandRunner.run(["cuda", verb, "mobilenet_v1"])
    // With the trait there is no driver instead.
    #expect(outcome.status == 3)
    #expect(outcome.codes == ["cuda-trait-off"] || outcome.codes == ["cuda-driver-missing"])
  }
}
