import Hardware
import ModelFiles
import Testing
import Workload

@Suite struct BuiltInTests {
  @Test("Every built-in GPU parses, and prints to a text that parses to the same")
  func gpusRoundTrip() throws {
    #expect(
      BuiltIn.gpus == ["gtx1660", "rtx_a4000", "agx_orin", "a100", "rtx_4090", "l4", "h200"])
    for name in BuiltIn.gpus {
      let file = try #require(BuiltIn.gpuFile(named: name))
      #expect(file.gpu.id == name)
      #expect(try GPUFile.parse(text: file.print(), path: "x.yaml") == file)
      // Only of an H200 have kernels been timed.
      let isCalibrated = name == "h200"
      #expect((file.gpu.estimates.calibration != nil) == isCalibrated, "\(name)")
      #expect(
        file.provenance.count == GPUFile.Group.allCases.count - (isCalibrated ? 0 : 1),
        "all but a calibration")
    }
  }

  @Test("L1 has whole sets of every built-in GPU at every carve-out")
  func wholeSets() throws {
    for name in BuiltIn.gpus {
      let gpu = try #require(BuiltIn.gpu(named: name))
      for carveOut in gpu.sharedMemoryCarveOuts {
        let rest = gpu.unifiedL1 - carveOut
        #expect(rest.count % (gpu.l1Line.count * gpu.l1Ways) == 0, "\(name) at \(carveOut) B")
      }
    }
  }

  @Test(
    "Built-in networks have the published parameters exactly and the published work within 1 %",
    arguments: ["mobilenet_v1", "mobilenet_v2", "xception", "proxylessnas"])
  func publishedFigures(name: String) throws {
    let file = try #require(BuiltIn.networkFile(named: name))
    let published = try #require(file.published)
    #expect(file.network.name == name)
    #expect(file.network.trainableParameters == published.parameters)
    let millions = try #require(published.multiplyAccumulatesInMillions)
    let work = file.network.multiplyAccumulates
    #expect(abs(work - millions * 1_000_000) <= millions * 10_000, "\(work)")
  }

  @Test("The work of the MobileNets is 568,740,352 and 300,774,272 multiply-accumulates, classifier included")
  func exactWork() throws {
    #expect(BuiltIn.network(named: "mobilenet_v1")?.multiplyAccumulates == 568_740_352)
    #expect(BuiltIn.network(named: "mobilenet_v2")?.multiplyAccumulates == 300_774_272)
  }

  @Test("Every built-in network prints to a text that parses to the same")
  func networksRoundTrip() throws {
    for name in BuiltIn.networks {
      let file = try #require(BuiltIn.networkFile(named: name))
      #expect(file.warnings.isEmpty)
      #expect(try NetworkFile.parse(text: file.print(), path: "x.yaml") == file)
    }
  }

  @Test("No built-in has a name that is not listed")
  func unknownBuiltIns() {
    #expect(BuiltIn.gpu(named: "gtx166") == nil)
    #expect(BuiltIn.network(named: "mobilenet") == nil)
  }
}
