import Scheduling
import Workload

/// The CUDA source of one schedule's kernel, ready for NVRTC or nvcc.
public struct KernelProgram: Hashable, Sendable {
  /// The kernel's name in the compiled code, e.g. `fcm_dwpw_fp32`.
  public let name: String
  /// Defines the schedule's constants, then includes the kernel.
  public let source: String
  public let constants: KernelConstants
  public let launch: KernelLaunch

  /// - Parameter file: The text that defines the kernel.
  /// - Throws: `KernelError` where the kernel has no room for the schedule.
  public init(
    _ schedule: Schedule, parameters: [LayerParameters]? = nil, file: String = "chain.cu"
  ) throws(KernelError) {
    let constants = try KernelConstants(schedule, parameters: parameters)
    let (suffix, arithmetic) = Self.arithmetic(of: schedule.chain.precision)
    name = "fcm_\(schedule.kind)_\(suffix)"
    self.constants = constants
    launch = KernelLaunch(schedule)
    source = """
      #include "constants.cuh"
      namespace fcm {
      static __device__ constexpr Constants constants = {
      \(constants.initialiser)
      };
      }
      #define FCM_KERNEL \(name)
      #define FCM_ARITHMETIC \(arithmetic)
      #include "\(file)"

      """
  }

  private static func arithmetic(of precision: Precision) -> (suffix: String, type: String) {
    switch precision {
    case .fp32: ("fp32", "fcm::FP32")
    case .int8(.onnx): ("int8_onnx", "fcm::INT8<float>")
    case .int8(.tflite): ("int8_tflite", "fcm::INT8<fcm::FixedPoint>")
    }
  }
}

/// How a kernel is launched: a grid of one dimension, the blocks in the schedule's order.
public struct KernelLaunch: Hashable, Sendable {
  public let blocks, threads: Int
  /// Bytes of dynamic shared memory.
  public let sharedBytes: Int

  public init(blocks: Int, threads: Int, sharedBytes: Int) {
    self.blocks = blocks
    self.threads = threads
    self.sharedBytes = sharedBytes
  }

  public init(_ schedule: Schedule) {
    blocks = schedule.blocks.count
    threads = schedule.lanes.threads
    sharedBytes = schedule.sharedLayout.end
  }
}

extension KernelConstants {
  /// The fields as a C initialiser, one a line with its name.
  public var initialiser: String {
    fields.map { field in
      switch field.word {
      case .integer(let value): "  \(value),  // \(field.name)"
      case .real(let value): "  \(value)f,  // \(field.name)"
      }
    }.joined(separator: "\n")
  }
}

/// The texts that a kernel is made of, by name.
public enum KernelText {
  /// Defined as the number of blocks, the first makes a kernel note the number of each block's multiprocessor in the second.
  public static let placesMacro = "FCM_RECORD_PLACES"
  public static let placesVariable = "fcm_places"

  /// Those that a GPU's compiler includes.
  public static let headers: [(name: String, text: String)] = [
    ("fcm.cuh", PackageResources.fcm_cuh), ("constants.cuh", PackageResources.constants_cuh),
    ("arithmetic.cuh", PackageResources.arithmetic_cuh), ("block.cuh", PackageResources.block_cuh),
    ("staging.cuh", PackageResources.staging_cuh), ("work.cuh", PackageResources.work_cuh),
    ("accumulate.cuh", PackageResources.accumulate_cuh), ("compute.cuh", PackageResources.compute_cuh),
    ("chain.cu", PackageResources.chain_cu),
  ].map(decoded)

  /// Those of the emulator.
  public static let emulator: [(name: String, text: String)] = [
    ("emulator.hpp", PackageResources.emulator_hpp), ("emulator_abi.h", PackageResources.emulator_abi_h),
    ("chain_abi.h", PackageResources.chain_abi_h), ("operands.hpp", PackageResources.operands_hpp),
    ("entry.hpp", PackageResources.entry_hpp), ("fiber.hpp", PackageResources.fiber_hpp),
    ("findings.hpp", PackageResources.findings_hpp), ("running.hpp", PackageResources.running_hpp),
    ("checked.hpp", PackageResources.checked_hpp), ("recorded.hpp", PackageResources.recorded_hpp),
    ("worker.hpp", PackageResources.worker_hpp), ("launch.hpp", PackageResources.launch_hpp),
    ("report.hpp", PackageResources.report_hpp), ("memory_raw.hpp", PackageResources.memory_raw_hpp),
    ("memory.hpp", PackageResources.memory_hpp), ("meeting.hpp", PackageResources.meeting_hpp),
    ("fault.hpp", PackageResources.fault_hpp),
    ("warp.hpp", PackageResources.warp_hpp),
  ].map(decoded)

  private static func decoded(_ name: String, _ bytes: [UInt8]) -> (name: String, text: String) {
    (name, String(decoding: bytes, as: UTF8.self))
  }
}
