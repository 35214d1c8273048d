/// What a compiler made of kernels, and where a GPU ran their blocks: from the `results.json` of a bundle's `run.py`.
public struct CodeFile: Hashable, Sendable {
  /// Bytes of instructions of the kernel of these layers; kernels that were not compiled to machine code have none.
  public let bytes: [[String]: Int]
  /// Registers of a thread of it.
  public let registers: [[String]: Int]
  /// The multiprocessor of each block of it, in launch order.
  public let multiprocessors: [[String]: [Int]]
  /// Those whose threads keep something in local memory: what registers spilled, and what is indexed at run time.
  public let spilling: Set<[String]>

  /// The most bytes, far beyond any kernel, so that sums of them do not overflow.
  private static let largest = 1 << 30
  /// The most registers that an instruction can name.
  private static let mostRegisters = 255
  /// As many as a GPU may have.
  private static let mostMultiprocessors = 4096

  public init(
    bytes: [[String]: Int], registers: [[String]: Int] = [:], multiprocessors: [[String]: [Int]] = [:],
    spilling: Set<[String]> = []
  ) {
    self.bytes = bytes
    self.registers = registers
    self.multiprocessors = multiprocessors
    self.spilling = spilling
  }

  /// - Throws: `result-type`, `json-…`.
  public static func parse(text: String, path: String) throws(FileErrors) -> CodeFile {
    var seen: Set<[String]> = []
    var bytes: [[String]: Int] = [:]
    var registers: [[String]: Int] = [:]
    var multiprocessors: [[String]: [Int]] = [:]
    var spilling: Set<[String]> = []
    for kernel in try JSONReading.root(text: text, path: path).member("check").items {
      var layers: [String] = []
      for layer in try kernel.member("layers").items { layers.append(try layer.string) }
      guard seen.insert(layers).inserted else {
        throw kernel.failure(.resultType, "the kernel of these layers stands here twice")
      }
      if let code = try kernel.optional("code_bytes") {
        let count = try code.int
        guard (0...largest).contains(count) else {
          throw code.failure(.resultType, "machine code of \(count) bytes should not stand here")
        }
        bytes[layers] = count
      }
      if let used = try kernel.optional("registers") {
        let count = try used.int
        guard (1...mostRegisters).contains(count) else {
          throw used.failure(.resultType, "a thread of \(count) registers should not stand here")
        }
        registers[layers] = count
      }
      if let blocks = try kernel.optional("multiprocessor_of_block") {
        multiprocessors[layers] = try blocks.items.map { (block) throws(FileErrors) in
          let number = try block.int
          guard (0..<mostMultiprocessors).contains(number) else {
            throw block.failure(.resultType, "a multiprocessor numbered \(number) should not stand here")
          }
          return number
        }
      }
      if let local = try kernel.optional("local_bytes"), try local.int > 0 { spilling.insert(layers) }
    }
    return CodeFile(
      bytes: bytes, registers: registers, multiprocessors: multiprocessors, spilling: spilling)
  }
}
