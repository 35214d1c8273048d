import Workload

/// What NVIDIA does not document, as named parameters with defaults. A result is only as sure as it is insensitive
/// to them.
public struct SimulationParameters: Hashable, Sendable {
  /// What becomes of a sector in the L2 of which stores have written only some bytes, when it leaves the L2 or is
  /// read. Stores to one sector merge in the L2 under a byte mask until then, except with `fetchOnWrite`.
  public enum PartialWrites: String, Hashable, Sendable, CaseIterable {
    /// The rest is read from DRAM and the whole sector written back.
    case fetchOnEviction = "fetch-on-eviction"
    /// The rest is read from DRAM when the first store arrives.
    case fetchOnWrite = "fetch-on-write"
    /// DRAM takes the byte mask; nothing is read.
    case maskedWriteBack = "masked-write-back"
  }

  /// How an L2 of two halves answers a multiprocessor that is attached to one of them (A100, H100). Every other
  /// multiprocessor is attached to the first. A line is at home in the half that the parity of its number ÷ 32 says.
  public enum Partitions: String, Hashable, Sendable, CaseIterable {
    /// One cache for all.
    case one
    /// The multiprocessor's half passes requests for lines of the other half on.
    case through
    /// It also keeps a copy of what it read there: data that both halves' multiprocessors read takes room twice. Stores
    /// go to the line's home and end the copy.
    case duplicated
  }

  /// Load, store and compute steps that a resident block takes before the next one's turn: how finely the blocks
  /// that run at once are interleaved.
  public var stepsPerTurn = 1
  /// How far the driver doubles the shared memory that blocks need (`Occupancy`); by default what the GPU's file says.
  public var carveOutDoubling: Bytes?
  /// By default DRAM writes are the distinct sectors stored and cost no reads, as a planner's closed form counts.
  public var partialWrites = PartialWrites.maskedWriteBack
  /// Whether a store puts its line in the L1. It goes on to the L2 in any case.
  public var l1AllocatesOnStore = false
  /// Lines that a multiprocessor's store buffer collects before the L2, oldest out first; 0 for none.
  public var storeMergeLines = 0
  /// What an L2 miss brings from DRAM; by default what the GPU's file says.
  public var l2FetchGranularity: Bytes?
  /// How lines are spread over slices and sets of the L2.
  public var l2Hash = SetHash.linear
  /// Slices of the L2, of each partition; taken as 1 where they do not divide the sets.
  public var l2Slices = 1
  public var l2Replacement = Replacement.lru
  public var l2Partitions = Partitions.one
  /// DRAM reads and writes whole pieces of this size: 32 or 64 B.
  public var dramAtom = Bytes(32)
  /// What the launch reads beside the tensors. It goes through no cache here.
  public var launchReads = Bytes.zero
  /// Whether the L2 is flushed when the kernel ends, so that all its dirty sectors are DRAM writes. A replay that
  /// goes on from a given L2 state never flushes it.
  public var flushesAtEnd = true

  public init() {}
}
