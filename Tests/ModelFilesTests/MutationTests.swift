import ModelFiles
import TestSupport
import Testing
import Workload

@Suite struct MutationTests {
  /// Parses mutations of `text`; each must give a value or errors with a text, and never trap.
  private func survive(_ text: String, count: Int, seed: UInt64, _ parse: (String) throws -> Void) {
    var generator = SeededGenerator(seed: seed)
    let bytes = Array(text.utf8)
    for _ in 0..<count {
      do {
        try parse(try FileReader.text(of: damaged(bytes, &generator), path: "x"))
      } catch let errors as FileErrors {
        #expect(!errors.diagnostics.isEmpty)
        #expect(errors.description.utf8.count < 60_000)
      } catch {
        Issue.record(error)
      }
    }
  }

  @Test("1,000 damaged GPU files never trap")
  func gpus() throws {
    for (index, name) in BuiltIn.gpus.enumerated() {
      let text = try #require(BuiltIn.gpuText(named: name))
      survive(text, count: 143, seed: UInt64(index)) { damaged in
        let file = try GPUFile.parse(text: damaged, path: "x")
        #expect(try GPUFile.parse(text: file.print(), path: "x") == file)
      }
    }
  }

  @Test("600 damaged network files never trap")
  func networks() throws {
    for (index, name) in BuiltIn.networks.enumerated() {
      let text = try #require(BuiltIn.networkText(named: name))
      survive(text, count: 150, seed: UInt64(100 + index)) { damaged in
        let file = try NetworkFile.parse(text: damaged, path: "x")
        #expect(try NetworkFile.parse(text: file.print(), path: "x").network == file.network)
      }
    }
  }

  @Test("600 damaged model_dag.json files never trap")
  func dags() throws {
    let whole = try ModelDAG(network: try #require(BuiltIn.network(named: "mobilenet_v1"))).text()
    for (index, text) in [ModelDAGTests.sample, whole].enumerated() {
      survive(text, count: 300, seed: UInt64(200 + index)) { damaged in
        let dag = try ModelDAG.parse(text: damaged, path: "x", name: "x")
        #expect(dag.nodes.count == dag.operatorNames.count)
        _ = dag.text()
      }
    }
  }

  @Test("1,000 damaged profiles, 600 results, 400 benches, 300 budgets and 200 measurements never trap")
  func profiles() {
    let raw =
      "==PROF== Connected\n\"ID\",\"Kernel Name\",\"Block Size\",\"Grid Size\",\"dram__bytes_read.sum\",\"lts__t.sum\"\n"
      + "\"\",\"\",\"\",\"\",\"Mbyte\",\"sector\"\n"
      + (0..<4).map {
        "\"\($0)\",\"k(int, \"\"x\"\")\",\"(256, 1, 1)\",\"(33, 1, 1)\",\"1,234.50\",\"12,345\"\n"
      }.joined()
    let long =
      "\"ID\",\"Kernel Name\",\"Metric Name\",\"Metric Unit\",\"Metric Value\"\n"
      + (0..<6).map { "\"\($0 / 2)\",\"k\",\"lts__\($0).sum\",\"usecond\",\"1,\($0)00.5\"\n" }.joined()
    for (index, text) in [raw, long].enumerated() {
      survive(text, count: 500, seed: UInt64(400 + index)) { damaged in
        let file = try NCUFile.parse(text: damaged, path: "x")
        #expect(file.kernels.allSatisfy { $0.metrics.values.allSatisfy(\.isFinite) })
      }
    }
    survive(ProfileFileTests.bench, count: 400, seed: 404) { damaged in
      let bench = try BenchFile.parse(text: damaged, path: "x")
      #expect(bench.kernels.allSatisfy { $0.median > 0 })
    }
    survive(ProfileFileTests.measurement, count: 200, seed: 405) {
      _ = try MeasurementFile.parse(text: $0, path: "x")
    }
    survive(ProfileFileTests.code, count: 300, seed: 406) { _ = try CodeFile.parse(text: $0, path: "x") }
    survive(ProfileFileTests.kernels, count: 300, seed: 407) { _ = try PlanFile.parse(text: $0, path: "x") }
    survive(ProfileFileTests.plan, count: 600, seed: 402) { _ = try ResultFile.parse(text: $0, path: "x") }
    survive("version: 1\nbudgets:\n  - {counter: gma_bytes, layer: b, at_most: 29}\n", count: 300, seed: 403)
    { damaged in
      _ = try BudgetFile.parse(text: damaged, path: "x").check(
        ResultFile.parse(text: ProfileFileTests.plan, path: "x"))
    }
  }

  @Test("300 damaged FusePlanner GPU files never trap")
  func fusePlannerGPUs() {
    survive("SMs::22\nL1::96\nshmem::64\nwarp_size::32", count: 300, seed: 300) { damaged in
      _ = try FusePlannerGPU.parse(text: damaged, path: "x.cfg")
    }
  }
}
