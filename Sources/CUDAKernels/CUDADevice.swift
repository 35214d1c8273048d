import CCUDADynamic

/// A GPU and the driver that runs it, from the first call to the value's end.
///
/// Its context is current on the thread that made it, so a value stays on that thread.
public final class CUDADevice {
  let driver: fuselab_driver
  let number: Int32
  public let name: String
  /// As the driver gives it, e.g. 13000 for CUDA 13.0.
  public let driverVersion: Int
  /// Major × 10 + minor, e.g. 90.
  public let architecture: Int

  /// What `cuDeviceGetAttribute` tells, by CUDA's numbers.
  public enum Attribute: Int32, Sendable {
    case clockKilohertz = 13
    case multiprocessors = 16
    case memoryClockKilohertz = 36
    case memoryBusBits = 37
    case l2Bytes = 38
    case computeMajor = 75
    case computeMinor = 76
    case sharedBytesPerBlock = 97
  }

  /// - Parameters:
  ///   - path: The driver's library; nil for where the system finds it.
  ///   - ordinal: Which GPU.
  public init(driver path: String? = nil, ordinal: Int = 0) throws(CUDAError) {
    var driver = fuselab_driver()
    var message = [CChar](repeating: 0, count: 512)
    guard fuselab_open_driver(path, &driver, &message, Int32(message.count)) == 0 else {
      throw .driverMissing(Self.text(message))
    }
    self.driver = driver
    try Self.check(driver, driver.initialise(0), "cuInit")
    var count: Int32 = 0
    try Self.check(driver, driver.device_count(&count), "cuDeviceGetCount")
    guard count > 0 else { throw .noDevice }
    guard (0..<Int(count)).contains(ordinal) else {
      throw .deviceOutOfRange(found: ordinal, count: Int(count))
    }
    var device: Int32 = 0
    try Self.check(driver, driver.device(&device, Int32(ordinal)), "cuDeviceGet")
    var name = [CChar](repeating: 0, count: 256)
    try Self.check(driver, driver.device_name(&name, Int32(name.count), device), "cuDeviceGetName")
    var version: Int32 = 0
    try Self.check(driver, driver.driver_version(&version), "cuDriverGetVersion")
    let major = try Self.attribute(.computeMajor, driver, device)
    let minor = try Self.attribute(.computeMinor, driver, device)
    var context: fuselab_handle?
    try Self.check(driver, driver.retain_context(&context, device), "cuDevicePrimaryCtxRetain")
    try Self.check(driver, driver.set_context(context), "cuCtxSetCurrent")
    number = device
    self.name = Self.text(name)
    driverVersion = Int(version)
    architecture = major * 10 + minor
  }

  deinit { _ = driver.release_context(number) }

  /// The value of `attribute`, as the driver knows it.
  public func attribute(_ attribute: Attribute) throws(CUDAError) -> Int {
    try Self.attribute(attribute, driver, number)
  }

  func check(_ status: Int32, _ function: String) throws(CUDAError) {
    try Self.check(driver, status, function)
  }

  func synchronise() throws(CUDAError) { try check(driver.synchronise(), "cuCtxSynchronize") }

  private static func attribute(
    _ attribute: Attribute, _ driver: fuselab_driver, _ device: Int32
  ) throws(CUDAError) -> Int {
    var value: Int32 = 0
    try check(driver, driver.device_attribute(&value, attribute.rawValue, device), "cuDeviceGetAttribute")
    return Int(value)
  }

  private static func check(
    _ driver: fuselab_driver, _ status: Int32, _ function: String
  ) throws(CUDAError) {
    guard status != 0 else { return }
    var name: UnsafePointer<CChar>?
    var text: UnsafePointer<CChar>?
    _ = driver.error_name(status, &name)
    _ = driver.error_string(status, &text)
    let words = [name, text].compactMap { $0.map { String(cString: $0) } }
    throw .callFailed(function, words.isEmpty ? "error \(status)" : words.joined(separator: ": "))
  }

  private static func text(_ characters: [CChar]) -> String {
    String(decoding: characters.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }
}

/// Bytes in a GPU's memory.
final class DeviceMemory {
  let device: CUDADevice
  let address: fuselab_device_pointer
  let count: Int

  init(_ count: Int, on device: CUDADevice) throws(CUDAError) {
    var address: fuselab_device_pointer = 0
    try device.check(device.driver.allocate(&address, max(1, count)), "cuMemAlloc")
    self.device = device
    self.address = address
    self.count = count
  }

  deinit { _ = device.driver.release(address) }

  func copyIn(_ bytes: [UInt8], at offset: Int = 0) throws(CUDAError) {
    precondition(offset >= 0 && offset + bytes.count <= count)
    guard !bytes.isEmpty else { return }
    try device.check(
      device.driver.copy_in(address + UInt64(offset), bytes, bytes.count), "cuMemcpyHtoD")
  }

  func fill(_ value: UInt8) throws(CUDAError) {
    try device.check(device.driver.fill(address, value, count), "cuMemsetD8")
  }

  func bytes() throws(CUDAError) -> [UInt8] {
    var all = [UInt8](repeating: 0, count: count)
    try device.check(device.driver.copy_out(&all, address, count), "cuMemcpyDtoH")
    return all
  }
}
