import CKernelEmulator
import Glibc
import KernelSources

/// A kernel compiled at run time. It stays loaded to the end of the process: its threads' memory may outlive a run.
struct KernelLibrary: Sendable {
  typealias Entry =
    @convention(c) (
      UnsafePointer<fuselab_chain>?, UnsafePointer<fuselab_launch>?, UnsafePointer<fuselab_tensor>?, Int32,
      UnsafeMutablePointer<fuselab_report>?
    ) -> Void

  let run: Entry

  init(path: String) throws(KernelBuildError) {
    guard let handle = dlopen(path, RTLD_NOW | RTLD_LOCAL), let symbol = dlsym(handle, "fuselab_run_kernel")
    else {
      throw .loadingFailed(dlerror().map { String(cString: $0) } ?? "")
    }
    run = unsafeBitCast(symbol, to: Entry.self)
  }
}

/// Why a kernel's text could not be made to run.
public enum KernelBuildError: Error, Hashable, Sendable {
  case compilerMissing
  case compilationFailed(log: String)
  case loadingFailed(String)
  /// A folder for the compiler's files could not be made or written; with `errno`.
  case folderFailed(String, Int32)
  case kernel(KernelError)

  public var code: String {
    switch self {
    case .compilerMissing: "clang-missing"
    case .compilationFailed: "kernel-compile-failed"
    case .loadingFailed: "kernel-load-failed"
    case .folderFailed: "output-failed"
    case .kernel(let error): error.code
    }
  }
}

extension KernelBuildError: CustomStringConvertible {
  public var description: String {
    switch self {
    case .compilerMissing: "There is no clang++ on PATH or beside swift. Name one in FUSELAB_CLANG."
    case .compilationFailed(let log): "The kernel does not compile:\n\(log)"
    case .loadingFailed(let why): "The compiled kernel cannot be loaded: \(why)"
    case .folderFailed(let folder, let number):
      "\(folder) cannot be written: \(String(cString: strerror(number)))."
    case .kernel(let error): error.description
    }
  }
}
