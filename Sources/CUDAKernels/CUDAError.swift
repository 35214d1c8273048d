/// Why a kernel could not be run on a GPU.
public enum CUDAError: Error, Hashable, Sendable {
  /// No driver was found, or it lacks a function; the loader's words.
  case driverMissing(String)
  /// The same of NVRTC.
  case compilerMissing(String)
  case noDevice
  case deviceOutOfRange(found: Int, count: Int)
  /// A function of the driver or of NVRTC failed: its name, and what the library says of the error.
  case callFailed(String, String)
  /// NVRTC refuses the kernel; its log.
  case compilationFailed(log: String)
  /// NVRTC makes no code that the GPU runs.
  case architectureUnknown(device: Int, oldest: Int)
  /// A block needs more dynamic shared memory than the GPU gives one.
  case sharedMemoryExceeded(need: Int, limit: Int)

  public var code: String {
    switch self {
    case .driverMissing: "cuda-driver-missing"
    case .compilerMissing: "nvrtc-missing"
    case .noDevice: "cuda-no-device"
    case .deviceOutOfRange: "cuda-device-range"
    case .callFailed(_, let why): why.contains("OUT_OF_MEMORY") ? "limit-device-memory" : "cuda-failed"
    case .compilationFailed: "kernel-compile-failed"
    case .architectureUnknown: "cuda-architecture"
    case .sharedMemoryExceeded: "shared-memory-exceeded"
    }
  }
}

extension CUDAError: CustomStringConvertible {
  public var description: String {
    switch self {
    case .driverMissing(let why):
      "There is no CUDA driver (\(why)). Install NVIDIA's driver, or name libcuda.so.1 in FUSELAB_CUDA_DRIVER."
    case .compilerMissing(let why):
      "There is no NVRTC (\(why)). Install CUDA's libnvrtc, or name it in FUSELAB_NVRTC."
    case .noDevice: "The driver finds no GPU."
    case .deviceOutOfRange(let found, let count):
      "There is no GPU \(found): the driver finds \(count), numbered from 0."
    case .callFailed(let function, let why): "\(function) failed: \(why)."
    case .compilationFailed(let log): "The kernel does not compile:\n\(log)"
    case .architectureUnknown(let device, let oldest):
      "The GPU is sm_\(device), older than NVRTC's oldest, sm_\(oldest). Use an older NVRTC."
    case .sharedMemoryExceeded(let need, let limit):
      "A block needs \(need) bytes of shared memory, the GPU gives \(limit). Plan for this GPU with --gpu."
    }
  }
}
