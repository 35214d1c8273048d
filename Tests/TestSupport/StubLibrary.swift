import Foundation

/// The library of `stub_gpu.cpp`, a driver and an NVRTC without a GPU, built once a process.
public enum StubLibrary {
  /// The variable that tells the library where the emulator's texts lie, and its value.
  public static let textsVariable = "FUSELAB_STUB_TEXTS"
  public static let texts = root.appendingPathComponent("Sources/KernelSources/Resources").path

  /// For a process that is to find the stub in place of a GPU.
  public static func environment(cache: String) throws -> [String: String] {
    let library = try path()
    return [
      "FUSELAB_CUDA_DRIVER": library, "FUSELAB_NVRTC": library, textsVariable: texts, "FUSELAB_CACHE": cache,
    ]
  }

  public static func path() throws -> String { try built.get() }

  private struct BuildFailed: Error { let status: Int32 }

  private static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent()

  private static let built = Result { () throws -> String in
    let library = FileManager.default.temporaryDirectory
      .appendingPathComponent("fuselab-stub-gpu-\(ProcessInfo.processInfo.processIdentifier).so").path
    let clang = Process()
    clang.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    clang.arguments = [
      "clang++", "-std=c++20", "-O1", "-shared", "-fPIC", "-o", library,
      root.appendingPathComponent("Tests/CUDAKernelsTests/stub_gpu.cpp").path,
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
