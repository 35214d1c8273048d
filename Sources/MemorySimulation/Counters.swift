import Hardware
import Workload

/// One number of a kernel's traffic: what reports call it, its unit, and what NVIDIA Nsight Compute calls it, so
/// that a replay can be laid beside a measurement.
public struct Counter: Sendable {
  /// What a counter counts.
  public enum Unit: String, Hashable, Sendable, CaseIterable {
    case bytes, sectors, lines, instructions, requests, wavefronts, blocks, waves
    case basisPoints = "basis_points"
  }

  /// Key of reports; its last words are the unit.
  public let name: String
  /// The name in Nsight Compute's words.
  public let title: String
  public let unit: Unit
  /// The metric that `ncu --metrics` takes; nil where hardware counts nothing of the kind.
  public let metric: String?
  /// Whether the metric means the same only where an L2 of one part answers each multiprocessor by itself.
  let needsPlainL2: Bool
  private let read: @Sendable (KernelTraffic) -> Int

  init(
    _ name: String, _ title: String, _ unit: Unit, _ metric: String? = nil,
    needsPlainL2: Bool = false, _ read: @escaping @Sendable (KernelTraffic) -> Int
  ) {
    self.name = name
    self.title = title
    self.unit = unit
    self.metric = metric
    self.needsPlainL2 = needsPlainL2
    self.read = read
  }

  /// The counter's value for one kernel, or for the sum of several.
  public func value(from traffic: KernelTraffic) -> Int { read(traffic) }

  /// The metric, where hardware of this kind counts what the counter counts.
  public func metric(on gpu: GPU) -> String? { needsPlainL2 && gpu.hasPartitionedL2 ? nil : metric }
}

extension Counter {
  /// Every counter, from the launch down to DRAM.
  public static let all = launch + l1 + shared + sharedLoads + sharedStores + l2 + dram

  private static let launch = [
    Self("grid_blocks", "Grid Size", .blocks, "launch__grid_size") { $0.blocks },
    Self("resident_blocks", "Resident Blocks per SM", .blocks) { $0.occupancy.blocksPerMultiprocessor },
    Self("wave_blocks", "Blocks per Wave", .blocks) { $0.blocksPerWave },
    // The metric is a fraction: blocks ÷ blocks of a wave, not rounded up.
    Self("whole_waves", "Waves", .waves) { $0.waves },
    Self("tail_basis_points", "Empty Share of the Last Wave", .basisPoints) { $0.tailBasisPoints },
    Self(
      "shared_carve_out_bytes", "Shared Memory Configuration Size", .bytes,
      "launch__shared_mem_config_size"
    ) { $0.occupancy.carveOut.count },
    Self("global_access_bytes", "Global Memory Accesses before any Cache", .bytes) { $0.gma.count },
    Self("compulsory_bytes", "Distinct Global Memory Accessed", .bytes) { $0.compulsory.count },
    Self("compulsory_sectors", "Distinct Sectors Accessed", .sectors) { $0.total.distinctSectors.count },
    Self("multiply_add_instructions", "Multiply-Add Instructions", .instructions) {
      $0.multiplyAddInstructions
    },
    Self("dot_product_instructions", "Dot-Product Instructions among Them", .instructions) {
      $0.multiplyAdds.dotProducts
    },
    Self("matrix_instructions", "Tensor-Core Instructions among Them", .instructions) {
      $0.matrixInstructions
    },
  ]

  private static let l1 = [
    // Neither has a metric: where no lane of a warp takes part, the compiler predicates the access, which then counts as executed,
    // or branches round it, which does not; and asynchronous copies are not among what hardware counts as global loads.
    // The requests are the same either way.
    Self("global_load_instructions", "Global Load Instructions", .instructions) { $0.loads.instructions },
    Self("global_store_instructions", "Global Store Instructions", .instructions) {
      $0.stores.instructions
    },
    Self(
      "asynchronous_copy_instructions", "Asynchronous Copy Instructions among Them", .instructions,
      "smsp__inst_executed_op_ldgsts.sum"
    ) { $0.asynchronousCopies },
    Self(
      "l1_load_requests", "L1/TEX Global Load Requests", .requests,
      "l1tex__t_requests_pipe_lsu_mem_global_op_ld.sum"
    ) { $0.loads.requests },
    Self(
      "l1_store_requests", "L1/TEX Global Store Requests", .requests,
      "l1tex__t_requests_pipe_lsu_mem_global_op_st.sum"
    ) { $0.stores.requests },
    Self("l1_lines", "L1/TEX Global Load and Store Lines", .lines) { $0.total.lines },
    Self(
      "l1_load_sectors", "L1/TEX Global Load Sectors", .sectors,
      "l1tex__t_sectors_pipe_lsu_mem_global_op_ld.sum"
    ) { $0.loads.sectors.count },
    Self(
      "l1_store_sectors", "L1/TEX Global Store Sectors", .sectors,
      "l1tex__t_sectors_pipe_lsu_mem_global_op_st.sum"
    ) { $0.stores.sectors.count },
    Self("l1_merged_store_sectors", "Store Sectors Merged before the L2", .sectors) {
      $0.total.mergedStores.count
    },
    Self(
      "l1_load_hit_sectors", "L1/TEX Global Load Sector Hits", .sectors,
      "l1tex__t_sectors_pipe_lsu_mem_global_op_ld_lookup_hit.sum"
    ) { $0.loads.l1Hits.count },
    Self(
      "l1_load_miss_sectors", "L1/TEX Global Load Sector Misses", .sectors,
      "l1tex__t_sectors_pipe_lsu_mem_global_op_ld_lookup_miss.sum"
    ) { $0.loads.l1Misses.count },
  ]

  /// Loads, stores and asynchronous copies as the schedule has them. The metrics of all three together also count how the data
  /// of copies arrive, sector by sector and in any order, so there is none for these.
  private static let shared = [
    Self("shared_requests", "Shared Memory Requests", .requests) { $0.shared.requests },
    Self("shared_wavefronts", "Shared Memory Wavefronts", .wavefronts) { $0.shared.wavefronts },
    Self("shared_bank_conflict_wavefronts", "Shared Memory Bank Conflicts", .wavefronts) {
      $0.shared.bankConflicts
    },
  ]

  // `smsp__inst_executed_op_shared_ld` has each asynchronous copy too, several times; the count of executed SASS has not.
  private static let sharedLoads = [
    Self(
      "shared_load_instructions", "Shared Load Instructions", .instructions,
      "smsp__sass_inst_executed_op_shared_ld.sum"
    ) { $0.sharedReads.requests },
    Self(
      "shared_load_wavefronts", "Shared Load Wavefronts", .wavefronts,
      "l1tex__data_pipe_lsu_wavefronts_mem_shared_op_ld.sum"
    ) { $0.sharedReads.wavefronts },
    Self(
      "shared_load_bank_conflict_wavefronts", "Shared Load Bank Conflicts", .wavefronts,
      "l1tex__data_bank_conflicts_pipe_lsu_mem_shared_op_ld.sum"
    ) { $0.sharedReads.bankConflicts },
  ]

  /// Stores from registers: asynchronous copies are not among them. Those that no lane takes part in may count as executed or
  /// not, as with global stores, so that only their wavefronts have metrics.
  private static let sharedStores = [
    Self("shared_store_instructions", "Shared Store Instructions", .instructions) {
      $0.sharedStores.requests
    },
    Self(
      "shared_store_wavefronts", "Shared Store Wavefronts", .wavefronts,
      "l1tex__data_pipe_lsu_wavefronts_mem_shared_op_st.sum"
    ) { $0.sharedStores.wavefronts },
    Self(
      "shared_store_bank_conflict_wavefronts", "Shared Store Bank Conflicts", .wavefronts,
      "l1tex__data_bank_conflicts_pipe_lsu_mem_shared_op_st.sum"
    ) { $0.sharedStores.bankConflicts },
  ]

  // What units other than the L1s ask of the L2 is not ours: instruction fetches, and on chips with two partitions what goes from
  // one to the other. Reads are counted where they reach the L1s, for chips with a coalescer between them and the L2 read
  // there once what several multiprocessors of a cluster ask at about the same time.
  private static let l2 = [
    Self(
      "l2_read_sectors", "L2 Read Sectors", .sectors, "l1tex__m_xbar2l1tex_read_sectors_mem_lg_op_ld.sum"
    ) { ($0.total.l2ReadHits + $0.total.l2ReadMisses).count },
    Self(
      "l2_read_hit_sectors", "L2 Read Sector Hits", .sectors,
      "lts__t_sectors_srcunit_tex_op_read_lookup_hit.sum", needsPlainL2: true
    ) { $0.total.l2ReadHits.count },
    Self(
      "l2_read_miss_sectors", "L2 Read Sector Misses", .sectors,
      "lts__t_sectors_srcunit_tex_op_read_lookup_miss.sum", needsPlainL2: true
    ) { $0.total.l2ReadMisses.count },
    Self("l2_write_sectors", "L2 Write Sectors", .sectors, "lts__t_sectors_srcunit_tex_op_write.sum") {
      $0.total.l2Writes.count
    },
    // To hardware every write is a hit, for none waits for DRAM; here a hit is a sector that was there.
    Self("l2_write_hit_sectors", "L2 Write Sector Hits", .sectors) { $0.total.l2WriteHits.count },
    Self("l2_write_miss_sectors", "L2 Write Sector Misses", .sectors) { $0.total.l2WriteMisses.count },
    // The metric of the fabric has answers, fetches of instructions and whatever keeps copies equal.
    Self("l2_fabric_sectors", "L2 Fabric Sectors", .sectors) { $0.total.fabric.count },
    Self("l2_inherited_sectors", "L2 Sectors Left by Earlier Kernels", .sectors) { $0.total.inherited.count },
  ]

  private static let dram = [
    Self("dram_read_bytes", "DRAM Read", .bytes, "dram__bytes_read.sum") {
      $0.dramRead.count
    },
    // The metric has this and machine code as well.
    Self("dram_launch_read_bytes", "DRAM Read of the Launch Itself", .bytes) { $0.launchReads.count },
    // All that the kernel makes DRAM write: what plans and estimates count. A profiler sees what leaves the L2 while the
    // kernel runs; the rest goes when the L2 needs the room, or is flushed.
    Self("dram_write_bytes", "DRAM Write", .bytes) { $0.dramWritten.count },
    Self(
      "dram_evicted_write_bytes", "DRAM Write while the Kernel Runs", .bytes, "dram__bytes_write.sum"
    ) { ($0.dramWritten - $0.dramFlushed).count },
    Self("dram_flushed_write_bytes", "DRAM Write of What Is Left in the L2", .bytes) {
      $0.dramFlushed.count
    },
  ]
}
