import CCUDADynamic
import Hardware
import KernelSources
import Scheduling
import Workload

/// A schedule's kernel, compiled and loaded on a GPU.
public final class DeviceKernel {
  public let schedule: Schedule
  public let program: KernelProgram
  let device: CUDADevice
  private let parameters: [LayerParameters]
  private let module: fuselab_handle?
  private let function: fuselab_handle?

  public init(
    _ schedule: Schedule, parameters: [LayerParameters], on device: CUDADevice, compiler: RuntimeCompiler,
    cache: KernelCache
  ) throws(CUDAError) {
    let program: KernelProgram
    do throws(KernelError) { program = try KernelProgram(schedule, parameters: parameters) } catch {
      throw .kernel(error)
    }
    let limit = try device.attribute(.sharedBytesPerBlock)
    guard program.launch.sharedBytes <= limit else {
      throw .sharedMemoryExceeded(need: program.launch.sharedBytes, limit: limit)
    }
    let code = try cache.code(of: program, for: device.architecture, compiler)
    var module: fuselab_handle?
    // PTX ends with a zero already, machine code needs none.
    try device.check(device.driver.load_module(&module, code), "cuModuleLoadData")
    self.schedule = schedule
    self.program = program
    self.device = device
    self.parameters = parameters
    self.module = module
    var function: fuselab_handle?
    let found = device.driver.function(&function, module, program.name)
    self.function = function
    try device.check(found, "cuModuleGetFunction")
    try device.check(
      device.driver.set_function_attribute(
        function, FunctionAttribute.dynamicSharedBytes.rawValue, Int32(program.launch.sharedBytes)),
      "cuFuncSetAttribute")
  }

  deinit { _ = device.driver.unload_module(module) }

  private enum FunctionAttribute: Int32 {
    case localBytes = 3
    case registers = 4
    case dynamicSharedBytes = 8
  }

  /// Registers a thread and bytes of local memory a thread, as compiled.
  public func resources() throws(CUDAError) -> (registers: Int, localBytes: Int) {
    var values: [Int] = []
    for attribute in [FunctionAttribute.registers, .localBytes] {
      var value: Int32 = 0
      try device.check(
        device.driver.function_attribute(&value, attribute.rawValue, function), "cuFuncGetAttribute")
      values.append(Int(value))
    }
    return (values[0], values[1])
  }

  /// The bytes of every operand but the output.
  func bytes(of inputs: [TensorValues]) throws(CUDAError) -> [Operand: [UInt8]] {
    do throws(KernelError) {
      return try OperandBytes.inputs(of: schedule.chain, parameters: parameters, inputs: inputs)
    } catch {
      throw .kernel(error)
    }
  }

  /// The tensors in the GPU's memory, ready for a launch.
  /// - Parameter producer: Whose output is the input.
  func place(
    _ bytes: [Operand: [UInt8]], after producer: DeviceOperands? = nil
  ) throws(CUDAError) -> DeviceOperands {
    try DeviceOperands(
      of: schedule.chain, bytes, tables: program.constants.tables, on: device, after: producer)
  }

  /// Puts one launch on `stream`.
  func launch(_ operands: DeviceOperands, on stream: fuselab_handle? = nil) throws(CUDAError) {
    let shape = program.launch
    let status = operands.pointers.withUnsafeBytes { structure in
      // The kernel takes the structure of pointers by value: one parameter.
      var parameters: [UnsafeMutableRawPointer?] = [
        UnsafeMutableRawPointer(mutating: structure.baseAddress)
      ]
      return device.driver.launch(
        function, UInt32(shape.blocks), 1, 1, UInt32(shape.threads), 1, 1, UInt32(shape.sharedBytes), stream,
        &parameters, nil)
    }
    try device.check(status, "cuLaunchKernel")
  }

  /// What a run left in memory.
  public struct Outcome: Sendable {
    public let output: TensorValues
    /// Whether the kernel wrote beside its output.
    public let wroteOutside: Bool
  }

  /// Runs the kernel once.
  /// - Parameter fill: What each byte of the output's memory is before.
  public func run(on inputs: [TensorValues], fill: UInt8 = 0) throws(CUDAError) -> Outcome {
    let operands = try place(bytes(of: inputs))
    try operands.fillOutput(fill)
    try launch(operands)
    try device.synchronise()
    let (bytes, wroteOutside) = try operands.output(filled: fill)
    return Outcome(
      output: OperandBytes.values(bytes, schedule.chain.elementType), wroteOutside: wroteOutside)
  }
}
