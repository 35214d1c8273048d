import CUDAKernels
import Glibc
import KernelBundles

// Checks and times a bundle of kernels on a GPU. It needs the driver, NVRTC and the C library, nothing else.
exit(Command.run(Array(CommandLine.arguments.dropFirst())))

/// The command line, and how it ends: 0 done, 1 a check failed, 2 wrong use or bundle, 3 no GPU, driver or NVRTC, 4 a limit.
enum Command {
  static let help = """
    Check and time a bundle of kernels on an NVIDIA GPU.

    USAGE: fuselab-gpu check|bench|launch BUNDLE [options]

      check     run every kernel and compare its output with what is expected, byte by byte
      bench     time every kernel, and each fused one beside its layers', cold and warm L2
      launch    launch every kernel once, in the order of bundle.txt, for a profiler

      --device N     which GPU, numbered from 0
      --kernel ID    only this one, e.g. k003
      --warmup N     replays before the first that counts (default 5)
      --runs N       replays that count (default 20); of launch, whole runs one after the other (default 1)
      --places       with check: also the multiprocessor of each block, in the JSON
      --json         a JSON object a line instead of text

    FUSELAB_CUDA_DRIVER and FUSELAB_NVRTC name the libraries where they have other names, FUSELAB_CACHE the folder of
    compiled kernels.

    EXIT STATUS: 0 done, 1 a check failed, 2 wrong use or bundle, 3 no GPU, driver or NVRTC, 4 out of memory

    """

  static func run(_ words: [String]) -> Int32 {
    if words.contains("--help") || words.contains("-h") || words.isEmpty {
      Console.say(help)
      return words.isEmpty ? 2 : 0
    }
    do throws(UsageError) {
      let arguments = try Arguments(words)
      return run(arguments)
    } catch {
      return fail("usage", error.what + " (see fuselab-gpu --help)", status: 2)
    }
  }

  private static func run(_ arguments: Arguments) -> Int32 {
    do {
      let run = try BundleRun(arguments)
      return try run.perform() ? 0 : 1
    } catch let error as BundleError {
      return fail(error.code, error.description, status: 2)
    } catch let error as CUDAError {
      let lacks = error.code.hasPrefix("cuda-") || error.code.hasPrefix("nvrtc-")
      return fail(error.code, error.description, status: lacks ? 3 : error.code.hasPrefix("limit-") ? 4 : 2)
    } catch {
      return fail("failed", "\(error)", status: 70)
    }
  }

  private static func fail(_ code: String, _ what: String, status: Int32) -> Int32 {
    Console.say("error[\(code)]: \(what)\n", to: STDERR_FILENO)
    return status
  }
}

/// The standard streams, each text written at once.
enum Console {
  static func say(_ text: String, to descriptor: Int32 = STDOUT_FILENO) {
    var bytes = Array(text.utf8)[...]
    while !bytes.isEmpty {
      let count = bytes.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
      guard count > 0 || errno == EINTR else { return }
      bytes = bytes.dropFirst(max(0, count))
    }
  }
}
