import CCUDADynamic
import KernelSources

/// NVRTC: CUDA source to machine code.
public struct RuntimeCompiler {
  private let functions: fuselab_compiler
  /// Of NVRTC, e.g. 13.0.
  public let version: (major: Int, minor: Int)
  private let architectures: [Int]

  /// One rounding an operation, as the reference does; `fmaf` where the source says so.
  static let options = ["--std=c++17", "--fmad=false", "--ftz=false", "--prec-div=true"]

  /// - Parameter path: NVRTC's library; nil for where the system finds it.
  public init(path: String? = nil) throws(CUDAError) {
    var functions = fuselab_compiler()
    var message = [CChar](repeating: 0, count: 512)
    guard fuselab_open_compiler(path, &functions, &message, Int32(message.count)) == 0 else {
      throw .compilerMissing(
        String(decoding: message.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self))
    }
    var major: Int32 = 0
    var minor: Int32 = 0
    var count: Int32 = 0
    guard functions.version(&major, &minor) == 0, functions.architecture_count(&count) == 0, count > 0 else {
      throw .callFailed("nvrtcVersion", "NVRTC does not answer")
    }
    var numbers = [Int32](repeating: 0, count: Int(count))
    guard functions.architectures(&numbers) == 0 else {
      throw .callFailed("nvrtcGetSupportedArchs", "NVRTC does not answer")
    }
    self.functions = functions
    version = (Int(major), Int(minor))
    architectures = numbers.map(Int.init).sorted()
  }

  /// What to compile for: the GPU's own machine code, or, where NVRTC is older than the GPU, the nearest PTX, which the
  /// driver then translates.
  func target(of device: Int) throws(CUDAError) -> (option: String, isPTX: Bool) {
    guard let nearest = architectures.last(where: { $0 <= device }) else {
      throw .architectureUnknown(device: device, oldest: architectures[0])
    }
    return nearest == device
      ? ("--gpu-architecture=sm_\(device)", false) : ("--gpu-architecture=compute_\(nearest)", true)
  }

  func compile(_ job: KernelJob, for device: Int) throws(CUDAError) -> [UInt8] {
    let (architecture, isPTX) = try target(of: device)
    var handle: fuselab_handle?
    let created = Self.withStrings(job.headers.map(\.text)) { texts in
      Self.withStrings(job.headers.map(\.name)) { names in
        functions.create(
          &handle, job.source, job.name + ".cu", Int32(job.headers.count), texts, names)
      }
    }
    guard created == 0 else { throw .callFailed("nvrtcCreateProgram", "error \(created)") }
    defer { _ = functions.destroy(&handle) }
    let options = Self.options + [architecture]
    let status = Self.withStrings(options) { functions.compile(handle, Int32(options.count), $0) }
    guard status == 0 else {
      let log = try text(handle, functions.log_size, functions.log)
      throw .compilationFailed(log: String(decoding: log.prefix { $0 != 0 }, as: UTF8.self))
    }
    return isPTX
      ? try text(handle, functions.ptx_size, functions.ptx)
      : try text(handle, functions.machine_code_size, functions.machine_code)
  }

  private func text(
    _ program: fuselab_handle?, _ size: (fuselab_handle?, UnsafeMutablePointer<Int>?) -> Int32,
    _ read: (fuselab_handle?, UnsafeMutablePointer<CChar>?) -> Int32
  ) throws(CUDAError) -> [UInt8] {
    var count = 0
    guard size(program, &count) == 0 else { throw .callFailed("NVRTC", "its result has no size") }
    var characters = [CChar](repeating: 0, count: count)
    guard read(program, &characters) == 0 else { throw .callFailed("NVRTC", "its result cannot be read") }
    return characters.map { UInt8(bitPattern: $0) }
  }

  private static func withStrings<R>(
    _ strings: [String], _ body: (UnsafePointer<UnsafePointer<CChar>?>) -> R
  ) -> R {
    let copies = strings.map { string in
      let bytes = string.utf8CString
      let copy = UnsafeMutableBufferPointer<CChar>.allocate(capacity: bytes.count)
      _ = copy.initialize(from: bytes)
      return copy
    }
    defer { for copy in copies { copy.deallocate() } }
    // A list of none still has an address.
    return (copies.map { UnsafePointer($0.baseAddress) } + [nil]).withUnsafeBufferPointer {
      body($0.baseAddress!)
    }
  }
}
