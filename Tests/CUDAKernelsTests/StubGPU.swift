import CUDAKernels
import Foundation

/// The library of `stub_gpu.cpp`, built once, and the GPU that it pretends to be.
struct StubGPU {
  let library: String
  let device: CUDADevice
  let compiler: RuntimeCompiler

  init() throws {
    library = try Self.built.get()
    device = try CUDADevice(driver: library)
    compiler = try RuntimeCompiler(path: library)
  }

  /// Runs `body` with a defect planted in the stub.
  static func with<R>(fault: String, _ body: () throws -> R) rethrows -> R {
    setenv("FUSELAB_STUB_FAULT", fault, 1)
    defer { unsetenv("FUSELAB_STUB_FAULT") }
    return try body()
  }

  struct BuildFailed: Error { let status: Int32 }

  private static let built = Result { () throws -> String in
    let here = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    let root = here.deletingLastPathComponent().deletingLastPathComponent()
    let library = FileManager.default.temporaryDirectory
      .appendingPathComponent("fuselab-stub-gpu-\(ProcessInfo.processInfo.processIdentifier).so").path
    setenv("FUSELAB_STUB_TEXTS", root.appendingPathComponent("Sources/KernelSources/Resources").path, 1)
    let clang = Process()
    clang.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    clang.arguments = [
      "clang++", "-std=c++20", "-O1", "-shared", "-fPIC", "-o", library,
      here.appendingPathComponent("stub_gpu.cpp").path,
    ]
    try clang.run()
    clang.waitUntilExit()
    guard clang.terminationStatus == 0 else { throw BuildFailed(status: clang.terminationStatus) }
    atexit { unlink(stubPath) }
    strncpy(stubPath, library, 255)
    return library
  }
}

/// For `atexit`, which takes no context.
nonisolated(unsafe) private let stubPath: UnsafeMutablePointer<CChar> = {
  let path = UnsafeMutablePointer<CChar>.allocate(capacity: 256)
  path.initialize(repeating: 0, count: 256)
  return path
}()
