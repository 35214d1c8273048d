import Hardware
import KernelSources
import Scheduling
import Workload

/// A chain's tensors in a GPU's memory, and `fcm::Operands`, the structure of their addresses.
final class DeviceOperands {
  /// Bytes on either side of the output that no kernel may write.
  static let margin = 256

  let pointers: [UInt64]
  /// All that lies in the GPU's memory for these operands.
  let byteCount: Int
  private let inputs: [DeviceMemory]
  private let ofm: DeviceMemory

  /// - Parameters:
  ///   - bytes: Of every operand but the output.
  ///   - producer: Whose output is the first input, in place of that of `bytes`.
  init(
    of chain: Chain, _ bytes: [Operand: [UInt8]], tables: [Int32], on device: CUDADevice,
    after producer: DeviceOperands? = nil
  ) throws(CUDAError) {
    var addresses: [Operand: UInt64] = [:]
    var memory: [DeviceMemory] = []
    for operand in chain.operands {
      guard let content = bytes[operand] else { continue }
      if operand == .ifm(0), let producer {
        addresses[operand] = producer.outputAddress
        continue
      }
      let tensor = try DeviceMemory(content.count, on: device)
      try tensor.copyIn(content)
      addresses[operand] = tensor.address
      memory.append(tensor)
    }
    let ofm = try DeviceMemory(
      chain.elements(of: .ofm) * chain.elementBytes(of: .ofm) + 2 * Self.margin, on: device)
    let table = try DeviceMemory(max(4, tables.count * 4), on: device)
    try table.copyIn(tables.withUnsafeBytes { Array($0) })
    func address(_ operand: Operand) -> UInt64 { addresses[operand] ?? 0 }
    let stages = 0..<KernelConstants.maximumStages
    var pointers = [address(.ifm(0)), address(.ifm(1))]
    pointers += stages.map { address(.weights(stage: $0)) }
    pointers += stages.map { address(.bias(stage: $0)) }
    pointers += stages.map { address(.multipliers(stage: $0)) }
    pointers += [ofm.address + UInt64(Self.margin), table.address]
    self.pointers = pointers
    inputs = memory + [table]
    self.ofm = ofm
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
