import CKernelEmulator
import Hardware
import KernelSources
import Scheduling
import Workload

/// What it takes to run a schedule's kernel, whoever compiled it.
struct PreparedKernel: Sendable {
  let schedule: Schedule
  let parameters: [LayerParameters]
  private let constants: KernelConstants

  init(_ schedule: Schedule, parameters: [LayerParameters]) throws(KernelError) {
    guard parameters.count == schedule.chain.stages.count else {
      throw .operandsDoNotFit(layer: schedule.chain.stages[0].name)
    }
    self.schedule = schedule
    self.parameters = parameters
    constants = try KernelConstants(schedule, parameters: parameters)
    precondition(constants.fields.count == fuselab_chain_constant_count(), "constants.cuh has other fields")
  }

  func run(
    _ entry: KernelLibrary.Entry, launch: KernelLaunch, on inputs: [TensorValues], threads: Int
  ) throws(KernelError) -> EmulationReport {
    let chain = schedule.chain
    let bytes = try OperandBytes.inputs(of: chain, parameters: parameters, inputs: inputs)
    let operands = chain.operands
    let memory = operands.map { DeviceTensor($0, of: chain, bytes: bytes[$0]) }
    return BufferName.withNames { names in
      let report = RawReport()
      call(entry, launch, memory, names, report, threads: threads)
      let output = OperandBytes.output(memory[operands.count - 1].bytes, of: chain)
      return EmulationReport(output: output, operands: operands, report.pointer.pointee)
    }
  }

  private func call(
    _ entry: KernelLibrary.Entry, _ shape: KernelLaunch, _ memory: [DeviceTensor],
    _ names: UnsafeBufferPointer<UnsafePointer<CChar>?>, _ report: RawReport, threads: Int
  ) {
    let placement = Self.addresses(of: memory)
    let tensors = zip(memory, placement).map { $0.description(at: $1) }
    let words = constants.words
    var launch = fuselab_launch()
    launch.grid = (Int32(shape.blocks), 1, 1)
    launch.block = (Int32(shape.threads), 1, 1)
    launch.shared_bytes = Int32(shape.sharedBytes)
    launch.host_threads = Int32(max(1, threads))
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
        entry(&chain, &launch, tensors, Int32(tensors.count), report.pointer)
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

  private static func arithmetic(of precision: Precision) -> Int32 {
    switch precision {
    case .fp32: Int32(fuselab_fp32)
    case .int8(.onnx): Int32(fuselab_int8_onnx)
    case .int8(.tflite): Int32(fuselab_int8_tflite)
    }
  }
}
