import Glibc
import KernelSources

/// Compiles a kernel's text for the CPU at run time, with the clang that comes with Swift.
public struct KernelCompiler: Sendable {
  /// The compiler's path.
  public let clang: String

  /// - Parameter clang: Nil for `FUSELAB_CLANG`, else the first `clang++` on PATH or beside `swift`.
  /// - Throws: `KernelBuildError.compilerMissing` where there is none.
  public init(clang: String? = nil) throws(KernelBuildError) {
    guard let found = clang ?? Self.variable("FUSELAB_CLANG") ?? Self.search() else { throw .compilerMissing }
    self.clang = found
  }

  /// A library that holds `program`'s kernel, with `texts` in place of the texts of those names.
  /// - Throws: `KernelBuildError` with the compiler's first words.
  func library(
    of program: KernelProgram, finding instruments: CompiledKernel.Instruments, texts: [String: String]
  ) throws(KernelBuildError) -> KernelLibrary {
    let folder = try TemporaryFolder()
    for (name, text) in KernelText.headers + KernelText.emulator {
      try folder.write(texts[name] ?? text, to: name)
    }
    for (name, text) in texts { try folder.write(text, to: name) }
    try folder.write(Self.main(of: program, instruments), to: "main.cpp")
    let library = folder.path + "/kernel.so"
    let log = folder.path + "/log"
    // A frame larger than a stack is touched page by page, or it would pass over the guard page into the next stack.
    let options = ["-std=c++20", "-O1", "-shared", "-fPIC", "-fstack-clash-protection"]
    let status = Self.run(
      clang, options + ["-o", library, folder.path + "/main.cpp", "-lm"], log: log)
    guard status == 0 else {
      throw .compilationFailed(log: folder.read(log).replacing(folder.path + "/", with: ""))
    }
    return try KernelLibrary(path: library)
  }

  private static func main(of program: KernelProgram, _ instruments: CompiledKernel.Instruments) -> String {
    """
    #define FUSELAB_EMULATED
    #define FUSELAB_LOADED_AT_RUN_TIME
    #define FUSELAB_MODE \(instruments.rawValue)
    #include "emulator.hpp"
    FUSELAB_KERNELS_BEGIN
    \(program.source)
    #include "entry.hpp"
    FUSELAB_KERNELS_END

    """
  }

  private static func variable(_ name: String) -> String? {
    getenv(name).map { String(cString: $0) }.flatMap { $0.isEmpty ? nil : $0 }
  }

  private static func search() -> String? {
    let folders = (variable("PATH") ?? "").split(separator: ":").map(String.init)
    if let folder = folders.first(where: { access("\($0)/clang++", X_OK) == 0 }) {
      return "\(folder)/clang++"
    }
    for folder in folders {
      guard let real = realpath("\(folder)/swift", nil) else { continue }
      defer { free(real) }
      let beside = String(cString: real).split(separator: "/").dropLast().joined(separator: "/")
      if access("/\(beside)/clang++", X_OK) == 0 { return "/\(beside)/clang++" }
    }
    return nil
  }

  /// Runs a program and waits; what it says goes to `log`.
  private static func run(_ program: String, _ arguments: [String], log: String) -> Int32 {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_addopen(&actions, 1, log, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
    posix_spawn_file_actions_adddup2(&actions, 1, 2)
    var words: [UnsafeMutablePointer<CChar>?] = ([program] + arguments).map { strdup($0) }
    defer { for word in words { free(word) } }
    words.append(nil)
    var process = pid_t()
    guard posix_spawn(&process, program, &actions, nil, words, environ) == 0 else { return -1 }
    var status: Int32 = 0
    while waitpid(process, &status, 0) < 0 {
      if errno != EINTR { return -1 }
    }
    return status
  }
}

/// A folder that is gone when the value is.
private final class TemporaryFolder {
  let path: String

  init() throws(KernelBuildError) {
    let base = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
    var template = Array("\(base)/fuselab-XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else { throw .folderFailed(base, errno) }
    path = template.withUnsafeBufferPointer { String(cString: $0.baseAddress!) }
  }

  deinit {
    guard let folder = opendir(path) else { return }
    while let entry = readdir(folder) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      unlink("\(path)/\(name)")
    }
    closedir(folder)
    rmdir(path)
  }

  func write(_ text: String, to name: String) throws(KernelBuildError) {
    guard let file = fopen("\(path)/\(name)", "w") else { throw .folderFailed(path, errno) }
    let written = fputs(text, file)
    guard fclose(file) == 0, written >= 0 else { throw .folderFailed(path, errno) }
  }

  /// The first few thousand characters of a file.
  func read(_ path: String) -> String {
    guard let file = fopen(path, "r") else { return "" }
    defer { fclose(file) }
    var bytes = [UInt8](repeating: 0, count: 4096)
    let count = fread(&bytes, 1, bytes.count, file)
    return String(decoding: bytes.prefix(count), as: UTF8.self)
  }
}
