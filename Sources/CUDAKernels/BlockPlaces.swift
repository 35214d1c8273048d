import CCUDADynamic
import KernelSources

/// Where a GPU runs the blocks of a launch.
public struct BlockPlaces: Hashable, Sendable {
  /// Of each block, in launch order, the driver's number of its multiprocessor.
  public let multiprocessors: [Int]

  /// Launches the kernel on an otherwise idle GPU, compiled once more: each block notes where it runs.
  public init(
    of job: KernelJob, on device: CUDADevice, compiler: RuntimeCompiler, cache: KernelCache
  ) throws(CUDAError) {
    let blocks = job.launch.blocks
    let noting = KernelJob(
      name: job.name, source: "#define \(KernelText.placesMacro) \(blocks)\n" + job.source,
      headers: job.headers, launch: job.launch, operands: job.operands, outputBytes: job.outputBytes)
    let kernel = try DeviceKernel(noting, on: device, compiler: compiler, cache: cache)
    let operands = try DeviceOperands(of: noting, on: device)
    // Blocks of the first launch wait for the code.
    for _ in 0..<2 {
      try kernel.launch(operands)
      try device.synchronise()
    }
    var numbers = [UInt32](repeating: 0, count: blocks)
    var (address, bytes): (fuselab_device_pointer, Int) = (0, 0)
    try device.check(
      device.driver.global(&address, &bytes, kernel.module, KernelText.placesVariable), "cuModuleGetGlobal")
    try device.check(
      device.driver.copy_out(&numbers, address, min(bytes, blocks * MemoryLayout<UInt32>.stride)),
      "cuMemcpyDtoH")
    multiprocessors = numbers.map(Int.init)
  }
}
