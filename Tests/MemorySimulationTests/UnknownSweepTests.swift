import Hardware
import Scheduling
import TestSupport
import Testing
import Workload

@testable import MemorySimulation

@Suite struct UnknownSweepTests {
  @Test("Every legal value of every parameter means something to the simulator")
  func values() {
    var seen: Set<SimulationParameters> = []
    for name in UndocumentedParameter.Name.allCases {
      for value in name.words ?? ["\(name.bounds.lowerBound)", "\(name.bounds.upperBound)"] {
        var parameters = SimulationParameters()
        parameters.set(name, to: value)
        seen.insert(parameters)
      }
    }
    // 18 words, of which six are the defaults, 6 numbers, of which three are; and a granularity is set by every value.
    #expect(seen.count > 15)
  }

  @Test("Without a file's word the defaults are those of a replay")
  func defaults() throws {
    var plain = SimulationParameters()
    plain.l2FetchGranularity = Bytes(64)
    plain.carveOutDoubling = .zero
    #expect(SimulationParameters(of: try GPUDraft().gpu()) == plain)
  }

  private func schedule() throws -> Schedule {
    var sample = Sample(filters: 2, rows: (12, 3, 1, 1), columns: (16, 3, 1, 1))
    sample.tile = (4, 4, 1)
    return try sample.schedule()
  }

  /// An L2 of 3 lines, so that replacement matters.
  private func gpu(_ undocumented: [UndocumentedParameter] = []) throws -> GPU {
    var draft = GPUDraft()
    draft.multiprocessors = 1
    draft.l2 = CacheSpec(capacity: Bytes(3 * 128), ways: 3)
    return try draft.gpu().with(undocumented: undocumented)
  }

  @Test("Each setting is a replay with that setting; least and most are over all; any number of threads")
  func settings() throws {
    let (schedule, gpu) = (try schedule(), try gpu())
    let sweep = UnknownSweep([schedule, schedule], on: gpu, threads: 1)
    #expect(sweep.runs.count + 1 == UnknownSweep.count(on: gpu))
    for run in sweep.runs {
      var parameters = SimulationParameters(of: gpu)
      parameters.set(run.name, to: run.value)
      let traffic = KernelReplay(schedule, on: gpu, parameters: parameters).run()
      #expect(traffic.checkConservation() == [], "\(run.name) \(run.value)")
      #expect(run.sums == UnknownSweep.counters.map { 2 * $0.value(from: traffic) })
    }
    for index in UnknownSweep.counters.indices {
      let all = sweep.runs.map { $0.sums[index] } + [sweep.defaults[index]]
      #expect(sweep.range(of: index) == (all.min() ?? 0)...(all.max() ?? 0))
    }
    let others = UnknownSweep([schedule, schedule], on: gpu, threads: 3)
    #expect(others.defaults == sweep.defaults && others.runs.map(\.sums) == sweep.runs.map(\.sums))
  }

  @Test("A file's range of one value is not swept, and what requests are made depends on no parameter")
  func ranges() throws {
    let fixed = UndocumentedParameter(.l2FetchGranularity, "64", range: ["64"], source: "measured")
    let sweep = UnknownSweep([try schedule()], on: try gpu([fixed]), threads: 1)
    #expect(!sweep.runs.contains { $0.name == .l2FetchGranularity })
    let counters = UnknownSweep.counters.map(\.name)
    for name in ["l1_load_sectors", "l1_store_sectors", "shared_wavefronts"] {
      let index = try #require(counters.firstIndex(of: name))
      #expect(sweep.strongest(for: index) == nil)
    }
    // Store buffers merge the tiles' half sectors; nothing else moves L2 writes.
    let writes = try #require(counters.firstIndex(of: "l2_write_sectors"))
    #expect(sweep.strongest(for: writes) == .storeMergeLines)
  }

  @Test("A value that is none of a parameter's, or not in its range, is told")
  func findings() throws {
    let gpu = try GPUDraft().gpu()
    func findings(_ name: UndocumentedParameter.Name, _ value: String, _ range: [String]) -> [String] {
      do throws(GPUError) {
        _ = try gpu.with(undocumented: [UndocumentedParameter(name, value, range: range, source: "x")])
        return []
      } catch { return error.findings }
    }
    #expect(findings(.l2SetHash, "xor", ["linear", "xor"]) == [])
    #expect(
      findings(.l2SetHash, "sha", ["sha"])
        == Array(
          repeating: "The l2_set_hash 'sha' is none of linear, xor, ipoly.", count: 2))
    #expect(findings(.l2Slices, "8", ["4"]) == ["The l2_slices '8' is not in its own range."])
    #expect(findings(.l2Slices, "4", ["4", "4"]) == ["The range of l2_slices names a value twice."])
    #expect(
      findings(.storeMergeLines, "04", ["04"]).first == "The store_merge_lines '04' is none of 0 to 64.")
    #expect(findings(.l2FetchGranularity, "32", ["32"]).count == 1)
  }
}
