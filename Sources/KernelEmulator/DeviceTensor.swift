import CKernelEmulator
import Hardware
import Scheduling

/// A tensor where the emulated kernel reads or writes it.
final class DeviceTensor {
  /// As a GPU's allocator aligns them.
  static let alignment = 256

  let operand: Operand
  let elementBytes: Int
  let data: UnsafeMutableRawBufferPointer
  private let name: UnsafeMutablePointer<CChar>

  /// - Parameter bytes: Nil for the output, which starts as zeros.
  init(_ operand: Operand, of chain: Chain, bytes: [UInt8]?) {
    self.operand = operand
    elementBytes = chain.elementBytes(of: operand)
    data = .allocate(
      byteCount: chain.elements(of: operand) * elementBytes, alignment: Self.alignment)
    if let bytes {
      data.copyBytes(from: bytes)
    } else {
      _ = data.initializeMemory(as: UInt8.self, repeating: 0)
    }
    name = CName.allocate(operand.description)
  }

  deinit {
    data.deallocate()
    name.deallocate()
  }

  var bytes: [UInt8] { Array(data) }

  func description(at address: Int) -> fuselab_tensor {
    fuselab_tensor(
      name: name, data: data.baseAddress, elements: Int64(data.count / elementBytes),
      element_bytes: Int32(elementBytes), address: UInt64(address), is_output: operand == .ofm ? 1 : 0)
  }
}

enum CName {
  /// A copy of `text` that C can read; the caller deallocates it.
  static func allocate(_ text: String) -> UnsafeMutablePointer<CChar> {
    let bytes = text.utf8CString
    let copy = UnsafeMutablePointer<CChar>.allocate(capacity: bytes.count)
    bytes.withUnsafeBufferPointer { copy.initialize(from: $0.baseAddress!, count: bytes.count) }
    return copy
  }
}

/// The C report of a run, which is large.
final class RawReport {
  let pointer = UnsafeMutablePointer<fuselab_report>.allocate(capacity: 1)

  init() { pointer.initialize(to: fuselab_report()) }
  deinit { pointer.deallocate() }
}

extension fuselab_chain_operands {
  /// Where each operand of `chain` stands among `chain.operands`.
  init(of chain: Chain) {
    self.init()
    let operands = chain.operands
    func index(_ operand: Operand) -> Int32 { operands.firstIndex(of: operand).map(Int32.init) ?? -1 }
    ifm = (index(.ifm(0)), index(.ifm(1)))
    weights = Self.perStage { index(.weights(stage: $0)) }
    bias = Self.perStage { index(.bias(stage: $0)) }
    multipliers = Self.perStage { index(.multipliers(stage: $0)) }
    residual = Self.perStage { index(.residual(stage: $0)) }
    ofm = index(.ofm)
  }

  private static func perStage(_ body: (Int) -> Int32) -> (Int32, Int32, Int32, Int32) {
    (body(0), body(1), body(2), body(3))
  }
}
