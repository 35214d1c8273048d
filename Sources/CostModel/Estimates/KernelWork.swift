import Hardware
import Workload

/// What a kernel does, level by level: all that an estimate of its time and energy asks. Counted by a replay, or
/// taken from closed forms (`KernelWork+ClosedForm.swift`). Whole-kernel sums unless said otherwise.
public struct KernelWork: Hashable, Sendable {
  public var blocks: Int
  /// Blocks that a multiprocessor holds at once, at least 1.
  public var residentBlocks: Int
  public var elementType: ElementType
  /// Warp instructions that multiply and add, a product a lane, and all that are counted, those among them.
  public var multiplyAdds: Int
  public var instructions: Int
  /// Warp instructions of four products a lane (dp4a). Sums of values or weights for zero points are not counted.
  public var dotProducts: Int
  /// Products of 16 × 32 by 32 × 8 bytes on tensor cores, each in `GPU.instructionsPerMatrix` warp instructions.
  public var matrices: Int
  /// Passes over the banks of shared memory.
  public var sharedWavefronts: Int
  /// Sectors that requests ask of the L1, loads and stores.
  public var l1Sectors: Int
  /// L1 lines of those requests, each a look at the tags.
  public var l1Lines: Int
  /// Sectors that cross from the multiprocessors to the L2 and back.
  public var l2Sectors: Int
  /// Bytes read from DRAM and written there.
  public var dramBytes: Int
  /// Loads of a block that wait for one another, `loadsInFlight` of a thread at once.
  public var loadRounds: Int
  /// Warp instructions beside those counted: for addresses, bounds, results and a warp's beginning. An estimate.
  public var overhead: Int
  /// Instructions that the busiest warp of a block executes one after the other, of both kinds.
  public var serial: Int
  /// Where the sectors that loads ask for are found.
  public var sectorsFromL1, sectorsFromL2, sectorsFromDRAM: Int

  public init(
    blocks: Int, residentBlocks: Int, elementType: ElementType, multiplyAdds: Int, instructions: Int,
    sharedWavefronts: Int, l1Sectors: Int, l2Sectors: Int, dramBytes: Int, loadRounds: Int,
    sectorsFromL1: Int,
    sectorsFromL2: Int, sectorsFromDRAM: Int, dotProducts: Int = 0, matrices: Int = 0, overhead: Int = 0,
    serial: Int = 0, l1Lines: Int = 0
  ) {
    self.blocks = blocks
    self.residentBlocks = residentBlocks
    self.elementType = elementType
    self.multiplyAdds = multiplyAdds
    self.instructions = instructions
    self.dotProducts = dotProducts
    self.matrices = matrices
    self.overhead = overhead
    self.serial = serial
    self.sharedWavefronts = sharedWavefronts
    self.l1Sectors = l1Sectors
    self.l1Lines = l1Lines
    self.l2Sectors = l2Sectors
    self.dramBytes = dramBytes
    self.loadRounds = loadRounds
    self.sectorsFromL1 = sectorsFromL1
    self.sectorsFromL2 = sectorsFromL2
    self.sectorsFromDRAM = sectorsFromDRAM
  }

  /// Loads of one thread that may be under way together: how far the compiler unrolls the staging loop. No source;
  /// `gpu calibrate` absorbs it in the factor of `latency`.
  public static let loadsInFlight = 4
  /// The same of asynchronous copies, which wait for nothing until the block's threads meet.
  public static let copiesInFlight = 16
  /// Instructions for addresses and bounds of a warp's load, for each of its lanes' results, and for what a warp begins and ends
  /// with, at least: an H200 counted 36 to 60 a load and 20 to 72 a result of MobileNetV2's layers. `gpu calibrate` absorbs the
  /// rest in the factors of `issue` and `latency`.
  static let instructionsPerLoad = 36, instructionsPerResult = 20, instructionsPerWarp = 150

  /// No more than the `overhead` of any kernel that stages so many bytes, 512 in a request at most, and has so many warps of
  /// results: for bounds of searches.
  public static func leastOverhead(staged: Bytes, results: Double, warps: Int) -> Int {
    let loads = staged.count / 512 * instructionsPerLoad
    return min(
      1 << 50, loads + Int(min(results, 0x1p40)) * instructionsPerResult + warps * instructionsPerWarp)
  }
}
