import CUDAKernels
import Foundation
import TestSupport

/// The GPU that `stub_gpu.cpp` pretends to be.
struct StubGPU {
  let library: String
  let device: CUDADevice
  let compiler: RuntimeCompiler

  init() throws {
    library = try StubLibrary.path()
    setenv(StubLibrary.textsVariable, StubLibrary.texts, 1)
    device = try CUDADevice(driver: library)
    compiler = try RuntimeCompiler(path: library)
  }

  /// Runs `body` with a defect planted in the stub.
  static func with<R>(fault: String, _ body: () throws -> R) rethrows -> R {
    setenv("FUSELAB_STUB_FAULT", fault, 1)
    defer { unsetenv("FUSELAB_STUB_FAULT") }
    return try body()
  }
}
