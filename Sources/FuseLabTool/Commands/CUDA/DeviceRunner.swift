#if cuda
  import ArgumentParser
  import CUDAKernels
  import Foundation
  import KernelSources
  import ModelFiles
  import Scheduling
  import Verification
  import Workload

  /// Which GPU.
  struct DeviceOptions: ParsableArguments {
    @Option(help: ArgumentHelp("Which GPU, numbered from 0 as the driver does.", valueName: "n"))
    var device = 0

    /// - Throws: `CUDAError` where there is no driver, no NVRTC or no such GPU.
    func runner() throws(CUDAError) -> DeviceRunner {
      func variable(_ name: String) -> String? {
        ProcessInfo.processInfo.environment[name].flatMap { $0.isEmpty ? nil : $0 }
      }
      return DeviceRunner(
        device: try CUDADevice(driver: variable("FUSELAB_CUDA_DRIVER"), ordinal: device),
        compiler: try RuntimeCompiler(path: variable("FUSELAB_NVRTC")))
    }
  }

  /// A GPU, what compiles for it, and where compiled kernels are kept.
  struct DeviceRunner {
    let device: CUDADevice
    let compiler: RuntimeCompiler
    private let cache = KernelCache.standard

    init(device: CUDADevice, compiler: RuntimeCompiler) {
      self.device = device
      self.compiler = compiler
    }

    func kernel(_ job: KernelJob) throws(CUDAError) -> DeviceKernel {
      try DeviceKernel(job, on: device, compiler: compiler, cache: cache)
    }

    /// What the schedule's kernel makes on the GPU.
    func output(
      of schedule: Schedule, parameters: [LayerParameters], _ inputs: [TensorValues]
    ) -> Result<TensorValues, KernelFailure> {
      Result { () throws(KernelError) in
        try KernelJob(schedule, parameters: parameters, inputs: inputs)
      }.mapError { KernelFailure(reason: $0.description) }.flatMap { job in
        output(of: schedule.chain) { () throws(CUDAError) in DeviceSequence([try kernel(job)]) }
      }
    }

    /// What the last kernel of a sequence makes, of layers `chain`.
    func output(
      of chain: Chain, _ sequence: () throws(CUDAError) -> DeviceSequence
    ) -> Result<TensorValues, KernelFailure> {
      Result { () throws(CUDAError) in try sequence().output() }
        .mapError { KernelFailure(reason: $0.description) }
        .flatMap { output in
          switch output {
          case .bytes(let bytes): .success(OperandBytes.output(bytes, of: chain))
          case .wroteOutside: .failure(KernelFailure(reason: "it writes beside its output"))
          case .unwritten(let byte):
            .failure(KernelFailure(reason: "two runs differ: byte \(byte) is not always written"))
          }
        }
    }

    func json() throws(CUDAError) -> JSONValue {
      [
        "name": .string(device.name), "architecture": .integer(device.architecture),
        "driver": .integer(device.driverVersion),
        "nvrtc": .string("\(compiler.version.major).\(compiler.version.minor)"),
        "multiprocessors": .integer(try device.attribute(.multiprocessors)),
        "clock_khz": .integer(try device.attribute(.clockKilohertz)),
        "memory_clock_khz": .integer(try device.attribute(.memoryClockKilohertz)),
        "memory_bus_bits": .integer(try device.attribute(.memoryBusBits)),
        "l2_bytes": .integer(try device.attribute(.l2Bytes)),
      ]
    }

    func text() throws(CUDAError) -> String {
      let version = device.driverVersion
      return "\(sanitised(device.name)), sm_\(device.architecture), "
        + "CUDA driver \(version / 1000).\(version % 1000 / 10), "
        + "NVRTC \(compiler.version.major).\(compiler.version.minor), "
        + "\(try device.attribute(.multiprocessors)) multiprocessors, "
        + "L2 \(grouped(try device.attribute(.l2Bytes))) B\n\n"
    }
  }
#endif
