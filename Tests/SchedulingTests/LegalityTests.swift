import Hardware
import Scheduling
import TestSupport
import Testing
import Workload

@Suite struct LegalityTests {
  private func check(threads: Int = 32, registers: Int = 24, sharedMemory: Int = 0) throws {
    let footprint = BlockFootprint(
      threads: threads, registersPerThread: registers, sharedMemory: Bytes(sharedMemory))
    try footprint.checkLegality(on: GPUDraft().gpu())
  }

  /// The text of the error that `body` throws.
  private func text(_ body: () throws -> Void) -> String {
    do {
      try body()
      return "no error"
    } catch { return "\(error)" }
  }

  @Test("A block may take all that the GPU has, and not one more")
  func limits() throws {
    try check(threads: 1024, registers: 64, sharedMemory: 99 << 10)
    try check(threads: 256, registers: 255)
    #expect(throws: ScheduleError.tooManyThreads(1056, limit: 1024)) { try check(threads: 1056) }
    #expect(throws: ScheduleError.registersPerThreadExceeded(need: 256, limit: 255)) {
      try check(registers: 256)
    }
    let need = (99 << 10) + 1
    #expect(throws: ScheduleError.sharedMemoryExceeded(need: Bytes(need), limit: Bytes(99 << 10))) {
      try check(sharedMemory: need)
    }
  }

  @Test("Each limit says what is needed, how much too much that is, and the remedy")
  func texts() {
    #expect(text { try check(threads: 2048) } == "The block has 2048 threads; this GPU allows 1024.")
    #expect(
      text { try check(registers: 300) }
        == "Each thread needs about 300 registers, 45 more than 255. Use more threads or a smaller tile.")
    #expect(
      text { try check(threads: 1024, registers: 72) }
        == "The block needs about 73728 registers, 8192 more than the multiprocessor's 65536. "
        + "Shrink the tile or use fewer threads.")
  }

  @Test("Registers are counted as they are handed out: by the warp, the same to each sub-partition")
  func allocatedRegisters() {
    // 31 warps fill sub-partitions like 32, and 65 registers a thread take 72: 32 · 32 · 72.
    #expect(
      throws: ScheduleError.registersPerBlockExceeded(need: 73728, limit: 65536)
    ) { try check(threads: 992, registers: 65) }
  }

  @Test("A tile of too much shared memory is refused with the bytes of its buffers")
  func sharedMemory() throws {
    // 100 channels × 256 pixels × 4 B and 100 weights × 4 B.
    let schedule = try schedule(
      [pw(channels: 100, filters: 1, extent: 16)], rows: 16, columns: 16, channels: 1, reduction: [100])
    let gpu = try GPUDraft().gpu()
    #expect(
      text { try schedule.checkLegality(on: gpu) }
        == "The tile needs 102,800 B of shared memory, 1,424 B more than the 101,376 B that a block can have. "
        + "Shrink rows, columns, channels or the reduction chunk.")
  }

  @Test("Too few blocks are refused where a least number is asked for")
  func blocks() throws {
    let schedule = try schedule(
      [pw(channels: 2, filters: 2, extent: 4)], rows: 2, columns: 4, channels: 2, reduction: [2])
    let gpu = try GPUDraft().gpu()
    try schedule.checkLegality(on: gpu, minBlocks: 2)
    #expect(
      text { try schedule.checkLegality(on: gpu, minBlocks: 3) }
        == "The tiling makes 2 blocks where at least 3 are asked for. Use smaller tiles.")
  }
}
