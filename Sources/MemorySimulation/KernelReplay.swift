import Hardware
import Scheduling
import Workload

/// Replays a schedule on a GPU, warp request by warp request.
///
/// Blocks go to multiprocessors in launch order as places get free, as many resident as occupancy allows; resident
/// blocks take turns, `stepsPerTurn` steps each. L1 is what the carve-out for shared memory leaves of each
/// multiprocessor's memory, and is empty at the start, for hardware invalidates it between dependent kernels.
public struct KernelReplay: Sendable {
  public let schedule: Schedule
  public let gpu: GPU
  public let parameters: SimulationParameters
  public let placement: DataPlacement
  public let facts: LaunchFacts
  /// How many blocks are resident, and what they leave to L1.
  public let occupancy: Occupancy
  /// Whether `KernelTraffic.rounds` is filled.
  public var countsRounds = false

  /// - Parameters:
  ///   - parameters: By default those of the GPU's file.
  ///   - placement: Where the tensors lie; one after the other from address 0 by default.
  ///   - facts: What is known of the launch beside the schedule.
  /// - Precondition: A block fits a multiprocessor (`checkLegality(on:)`), and a turn is at least one step: else
  ///   no block would ever run, or none would ever end. Multiprocessors of blocks, where known, are the GPU's.
  public init(
    _ schedule: Schedule, on gpu: GPU, parameters: SimulationParameters? = nil,
    placement: DataPlacement? = nil, facts: LaunchFacts = LaunchFacts()
  ) {
    let parameters = parameters ?? SimulationParameters(of: gpu)
    occupancy = Occupancy(
      schedule.footprint.with(registers: facts.registers), on: gpu,
      carveOutDoubling: parameters.carveOutDoubling)
    precondition(occupancy.blocksPerMultiprocessor > 0, "the schedule is illegal on the GPU")
    precondition(parameters.stepsPerTurn > 0, "a turn is at least one step")
    if let takers = facts.multiprocessors {
      precondition(takers.count == schedule.blocks.count, "each block has a multiprocessor")
      precondition(takers.allSatisfy((0..<gpu.multiprocessors).contains), "the GPU has the multiprocessor")
    }
    self.facts = facts
    self.schedule = schedule
    self.gpu = gpu
    self.parameters = parameters
    self.placement = placement ?? DataPlacement(of: schedule.chain)
  }

  /// From a cold L2, which is flushed at the end unless `parameters` say otherwise.
  public func run() -> KernelTraffic {
    var traffic = runGlobalMemory()
    traffic.add(SharedMemoryBooks(schedule))
    return traffic
  }

  /// `run()` without the books of shared memory, which can be worked out at the same time.
  func runGlobalMemory() -> KernelTraffic {
    var machine = ReplayMachine(self, l2: L2State(of: gpu, parameters: parameters))
    machine.run()
    if parameters.flushesAtEnd { machine.flush() }
    return machine.traffic(isFlushed: parameters.flushesAtEnd)
  }

  /// From what earlier kernels left in the L2, and leaves there what this one does, so that the kernels of a
  /// network can run one after the other.
  /// - Parameter flushing: Whether the kernel's end writes all dirty sectors; they stay, clean.
  public func run(from l2: inout L2State, flushing: Bool = false) -> KernelTraffic {
    var traffic = runGlobalMemory(from: &l2, flushing: flushing)
    traffic.add(SharedMemoryBooks(schedule))
    return traffic
  }

  /// The same without the books of shared memory.
  func runGlobalMemory(from l2: inout L2State, flushing: Bool) -> KernelTraffic {
    var machine = ReplayMachine(self, l2: l2)
    machine.run()
    if flushing { machine.flush() }
    l2 = machine.memory.l2.state
    l2.isCold = false
    return machine.traffic(isFlushed: flushing)
  }
}
