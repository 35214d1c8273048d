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
  /// Warps of a block.
  public var warps: Int
  /// How often the threads of a block wait for what they load, one time after the other.
  public var waits: Int
  /// Steps of `ComputePath.matrixChannels` input channels that a block's busiest warp multiplies one after the other.
  public var matrixSteps: Int
  /// Warp instructions beside those counted: for addresses, bounds and results. An estimate (`OverheadCosts`).
  public var overhead: Int
  /// Where the sectors that loads ask for are found.
  public var sectorsFromL1, sectorsFromL2, sectorsFromDRAM: Int

  public init(
    blocks: Int, residentBlocks: Int, elementType: ElementType, multiplyAdds: Int, instructions: Int,
    sharedWavefronts: Int, l1Sectors: Int, l2Sectors: Int, dramBytes: Int, warps: Int, waits: Int,
    sectorsFromL1: Int, sectorsFromL2: Int, sectorsFromDRAM: Int, dotProducts: Int = 0, matrices: Int = 0,
    matrixSteps: Int = 0, overhead: Int = 0, l1Lines: Int = 0
  ) {
    self.blocks = blocks
    self.residentBlocks = residentBlocks
    self.elementType = elementType
    self.multiplyAdds = multiplyAdds
    self.instructions = instructions
    self.dotProducts = dotProducts
    self.matrices = matrices
    self.warps = warps
    self.waits = waits
    self.matrixSteps = matrixSteps
    self.overhead = overhead
    self.sharedWavefronts = sharedWavefronts
    self.l1Sectors = l1Sectors
    self.l1Lines = l1Lines
    self.l2Sectors = l2Sectors
    self.dramBytes = dramBytes
    self.sectorsFromL1 = sectorsFromL1
    self.sectorsFromL2 = sectorsFromL2
    self.sectorsFromDRAM = sectorsFromDRAM
  }

  /// Loads of one thread that may be under way together where they go through registers: how far the compiler unrolls the
  /// staging loop. No source.
  public static let loadsInFlight = 4
}
