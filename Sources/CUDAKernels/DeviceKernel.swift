import CCUDADynamic
import KernelSources

/// A kernel, compiled and loaded on a GPU, with the bytes that it is to be run on.
public final class DeviceKernel {
  public let job: KernelJob
  /// Of instructions; nil where the driver translates PTX.
  public let codeBytes: Int?
  let device: CUDADevice
  let module: fuselab_handle?
  private let function: fuselab_handle?

  public init(
    _ job: KernelJob, on device: CUDADevice, compiler: RuntimeCompiler, cache: KernelCache
  ) throws(CUDAError) {
    let limit = try device.attribute(.sharedBytesPerBlock)
    guard job.launch.sharedBytes <= limit else {
      throw .sharedMemoryExceeded(need: job.launch.sharedBytes, limit: limit)
    }
    let code = try cache.code(of: job, for: device.architecture, compiler)
    var module: fuselab_handle?
    // PTX ends with a zero already, machine code needs none.
    try device.check(device.driver.load_module(&module, code), "cuModuleLoadData")
    self.job = job
    codeBytes = MachineCode.instructionBytes(of: code)
    self.device = device
    self.module = module
    var function: fuselab_handle?
    let found = device.driver.function(&function, module, job.name)
    self.function = function
    try device.check(found, "cuModuleGetFunction")
    try device.check(
      device.driver.set_function_attribute(
        function, FunctionAttribute.dynamicSharedBytes.rawValue, Int32(job.launch.sharedBytes)),
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

  /// Puts one launch on `stream`.
  func launch(_ operands: DeviceOperands, on stream: fuselab_handle? = nil) throws(CUDAError) {
    let shape = job.launch
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
}
