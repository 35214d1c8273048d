#if cuda
  import ArgumentParser
  import CUDAKernels
  import Foundation
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

    func kernel(_ schedule: Schedule, _ parameters: [LayerParameters]) throws(CUDAError) -> DeviceKernel {
      try DeviceKernel(schedule, parameters: parameters, on: device, compiler: compiler, cache: cache)
    }

    /// What the schedule's kernel makes on the GPU.
    func output(
      of schedule: Schedule, parameters: [LayerParameters], _ inputs: [TensorValues]
    ) -> Result<TensorValues, KernelFailure> {
      Result { () throws(CUDAError) in
        try DeviceSequence([kernel(schedule, parameters)], inputs: [inputs])
      }.mapError { KernelFailure(reason: $0.description) }.flatMap { output(of: $0) }
    }

    /// What the last of `sequence` makes. It runs twice, on memory of zeros and of ones, so that an element that is never
    /// written cannot pass for a right one.
    func output(of sequence: DeviceSequence) -> Result<TensorValues, KernelFailure> {
      Result { () throws(CUDAError) in (try sequence.run(fill: 0x00), try sequence.run(fill: 0xFF)) }
        .mapError { KernelFailure(reason: $0.description) }
        .flatMap { first, second in
          if first.wroteOutside || second.wroteOutside {
            return .failure(KernelFailure(reason: "it writes beside its output"))
          }
          guard let index = first.output.firstDifference(from: second.output) else {
            return .success(first.output)
          }
          return .failure(KernelFailure(reason: "two runs differ: element \(index) is not always written"))
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
