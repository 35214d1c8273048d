import CKernelEmulator
import Hardware
import KernelSources
import Scheduling
import Workload

/// The CUDA source of a schedule's kernel, run on the CPU thread by thread.
public struct EmulatedKernel: Sendable {
  /// What is found out beside the values.
  public enum Mode: String, Hashable, Sendable, CaseIterable {
    /// Nothing: full speed.
    case raw
    /// Bounds, races in shared memory, reads of what nothing has written, barriers that not all threads meet, blocks
    /// that write one element.
    case check
    /// Every warp request, sector and wavefront.
    case record
  }

  public let schedule: Schedule
  public let parameters: [LayerParameters]
  private let constants: KernelConstants

  /// - Throws: `KernelError` where the kernel has no room for the schedule.
  public init(_ schedule: Schedule, parameters: [LayerParameters]) throws(KernelError) {
    guard parameters.count == schedule.chain.stages.count else {
      throw .operandsDoNotFit(layer: schedule.chain.stages[0].name)
    }
    self.schedule = schedule
    self.parameters = parameters
    constants = try KernelConstants(schedule, parameters: parameters)
    precondition(constants.fields.count == fuselab_chain_constant_count(), "constants.cuh has other fields")
  }

  /// Whether this machine can run the kernels: x86-64 needs AVX2 and FMA.
  public static var isSupported: Bool { fuselab_chain_is_supported() != 0 }

  /// Runs every block and returns the output, what was found and what was counted: the same for any `threads`.
  /// - Throws: `KernelError.operandsDoNotFit` where `inputs` have other sizes than the chain's.
  public func run(
    on inputs: [TensorValues], mode: Mode = .raw, threads: Int = 1
  ) throws(KernelError) -> EmulationReport {
    let chain = schedule.chain
    let bytes = try OperandBytes.inputs(of: chain, parameters: parameters, inputs: inputs)
    let operands = chain.operands
    let memory = operands.map { DeviceTensor($0, of: chain, bytes: bytes[$0]) }
    let report = RawReport()
    launch(memory, into: report, mode: mode, threads: threads)
    let output = OperandBytes.values(memory[operands.count - 1].bytes, chain.elementType)
    return EmulationReport(output: output, operands: operands, report.pointer.pointee)
  }

  private func launch(_ memory: [DeviceTensor], into report: RawReport, mode: Mode, threads: Int) {
    let placement = Self.addresses(of: memory)
    let tensors = zip(memory, placement).map { $0.description(at: $1) }
    let words = constants.words
    var launch = fuselab_launch()
    launch.grid = (Int32(schedule.blocks.count), 1, 1)
    launch.block = (Int32(schedule.lanes.threads), 1, 1)
    launch.shared_bytes = Int32(schedule.sharedLayout.end)
    launch.host_threads = Int32(max(1, threads))
    BufferName.withNames { names in
      launch.window_names = names.baseAddress
      launch.window_count = Int32(names.count)
      words.withUnsafeBufferPointer { words in
        constants.tables.withUnsafeBufferPointer { tables in
          var chain = fuselab_chain()
          chain.constants = words.baseAddress
          chain.constant_count = Int32(words.count)
          chain.tables = tables.baseAddress
          chain.arithmetic = Self.arithmetic(of: schedule.chain.precision)
          chain.operands = fuselab_chain_operands(of: schedule.chain)
          Self.entry(of: mode)(&chain, &launch, tensors, Int32(tensors.count), report.pointer)
        }
      }
    }
  }

  /// Tensors one after the other, each at a multiple of 256 B.
  private static func addresses(of memory: [DeviceTensor]) -> [Int] {
    var next = 0
    return memory.map { tensor in
      defer {
        next +=
          (tensor.data.count + DeviceTensor.alignment - 1) / DeviceTensor.alignment * DeviceTensor.alignment
      }
      return next
    }
  }

  private typealias Entry =
    @convention(c) (
      UnsafePointer<fuselab_chain>?, UnsafePointer<fuselab_launch>?, UnsafePointer<fuselab_tensor>?, Int32,
      UnsafeMutablePointer<fuselab_report>?
    ) -> Void

  private static func entry(of mode: Mode) -> Entry {
    switch mode {
    case .raw: fuselab_run_chain_raw
    case .check: fuselab_run_chain_check
    case .record: fuselab_run_chain_record
    }
  }

  private static func arithmetic(of precision: Precision) -> Int32 {
    switch precision {
    case .fp32: Int32(fuselab_fp32)
    case .int8(.onnx): Int32(fuselab_int8_onnx)
    case .int8(.tflite): Int32(fuselab_int8_tflite)
    }
  }
}
