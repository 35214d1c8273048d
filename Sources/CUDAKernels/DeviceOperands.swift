import KernelSources

/// A kernel's tensors in a GPU's memory, and `fcm::Operands`, the structure of their addresses.
final class DeviceOperands {
  /// Bytes on either side of the output that no kernel may write.
  static let margin = 256

  let pointers: [UInt64]
  /// All that lies in the GPU's memory for these operands.
  let byteCount: Int
  private let inputs: [DeviceMemory]
  private let ofm: DeviceMemory

  /// - Parameters:
  ///   - producer: Whose output is an input, in place of the job's.
  ///   - join: The number of that input's pointer.
  init(
    of job: KernelJob, on device: CUDADevice, after producer: DeviceOperands? = nil,
    at join: Int = KernelJob.Pointers.input
  ) throws(CUDAError) {
    var pointers = [UInt64](repeating: 0, count: KernelJob.Pointers.count)
    var memory: [DeviceMemory] = []
    for (number, content) in job.operands.sorted(by: { $0.key < $1.key }) {
      if number == join, let producer {
        pointers[number] = producer.outputAddress
        continue
      }
      let tensor = try DeviceMemory(content.count, on: device)
      try tensor.copyIn(content)
      pointers[number] = tensor.address
      memory.append(tensor)
    }
    ofm = try DeviceMemory(job.outputBytes + 2 * Self.margin, on: device)
    pointers[KernelJob.Pointers.output] = ofm.address + UInt64(Self.margin)
    self.pointers = pointers
    inputs = memory
    byteCount = inputs.reduce(ofm.count) { $0 + $1.count }
  }

  private var outputAddress: UInt64 { ofm.address + UInt64(Self.margin) }

  func fillOutput(_ value: UInt8) throws(CUDAError) { try ofm.fill(value) }

  /// The output, and whether its margins are other than `fill`.
  func output(filled fill: UInt8) throws(CUDAError) -> (bytes: [UInt8], wroteOutside: Bool) {
    let all = try ofm.bytes()
    let inside = Self.margin..<all.count - Self.margin
    let isOutside = { (index: Int) in !inside.contains(index) && all[index] != fill }
    return (Array(all[inside]), all.indices.contains(where: isOutside))
  }
}
