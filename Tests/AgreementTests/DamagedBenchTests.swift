import CostModel
import Hardware
import ModelFiles
import TestSupport
import Testing
import Workload

/// What `gpu calibrate` does with benches that are not what they should be.
@Suite struct DamagedBenchTests {
  /// Twelve kernels from a cold L2, four each that DRAM, the L2 and instructions limit.
  private static let bench: String = {
    let kernels = (1...12).map { index in
      let work: [(String, Int)] = [
        ("blocks", 220), ("resident_blocks", 4), ("multiply_add_instructions", 10),
        ("instructions", index % 3 == 2 ? index * 1_000_000 : 100), ("shared_wavefronts", 100),
        ("l1_sectors", 100), ("l2_sectors", index % 3 == 1 ? index * 400_000 : 100),
        ("dram_bytes", index % 3 == 0 ? index * 1_920_000 : 100), ("block_warps", 8),
        ("waits", 1), ("l1_hit_sectors", 0),
        ("l2_hit_sectors", 0), ("dram_sectors", 100), ("dot_product_instructions", 5), ("matrix_products", 7),
      ]
      let counts = work.map { "\"\($0)\": \($1)" }.joined(separator: ", ")
      return """
        {"kernel": "k\(index)", "kind": "pw", "l2": "cold", "microseconds": [\(index * 21).5, \(index * 20).25],
         "layers": ["l\(index)"], "work": {\(counts)}}
        """
    }
    return """
      {"device": {"device": "GTX 1660", "driver": 13000, "planned_for": "gtx1660", "network": "n", "element_type": "int8"},
       "check": [], "bench": [\(kernels.joined(separator: ",\n"))]}
      """
  }()

  /// True if there is a calibration; its GPU must be one that a file can hold.
  private func calibrates(_ text: [UInt8], on gpu: GPU) throws -> Bool {
    do {
      let bench = try BenchFile.parse(text: try FileReader.text(of: text, path: "x"), path: "x")
      let observations = bench.kernels.compactMap { kernel in
        KernelWork(counts: kernel.work, elementType: bench.elementType).map {
          TimeFit.Observation(work: $0, nanoseconds: kernel.median * 1000)
        }
      }
      let fit = try TimeFit(observations, on: gpu)
      #expect(fit.errorAfter.isFinite && fit.errorAfter <= fit.errorBefore)
      _ = try gpu.calibrated(by: fit.calibration)
      return true
    } catch let error as FileErrors {
      #expect(!error.description.isEmpty && error.description.utf8.count < 60_000)
    } catch let error as TimeFitError {
      #expect(!error.description.isEmpty)
    }
    return false
  }

  @Test("500 damaged benches and 500 with odd numbers give a calibration or an error, and some of each do")
  func benches() throws {
    let gpu = try #require(BuiltIn.gpu(named: "gtx1660"))
    #expect(try calibrates(Array(Self.bench.utf8), on: gpu))
    let calibrated = try accepted(of: 1000, damaging: Self.bench, seed: 502) {
      try calibrates($0, on: gpu)
    }
    #expect((100..<1000).contains(calibrated))
  }
}
