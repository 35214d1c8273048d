/// What NVRTC compiles for a GPU: an ELF file of 64 bits.
public enum MachineCode {
  /// Bytes of instructions: of all sections that are marked executable. The GPU reads them from DRAM at a cold start, and a profiler
  /// counts them. Nil of anything else, such as PTX.
  public static func instructionBytes(of file: [UInt8]) -> Int? {
    guard file.starts(with: [0x7f, 0x45, 0x4c, 0x46, 2, 1]), file.count >= headerBytes else { return nil }
    let table = number(file, at: 0x28, bytes: 8)
    let (size, count) = (number(file, at: 0x3a, bytes: 2), number(file, at: 0x3c, bytes: 2))
    guard size >= sectionBytes, table <= file.count, count <= (file.count - table) / size else { return nil }
    var sum = 0
    for section in 0..<count {
      let start = table + section * size
      guard number(file, at: start + 8, bytes: 8) & executable != 0 else { continue }
      let length = number(file, at: start + 0x20, bytes: 8)
      guard length <= file.count else { return nil }
      sum += length
    }
    return sum
  }

  private static let headerBytes = 64, sectionBytes = 64
  /// SHF_EXECINSTR.
  private static let executable = 4

  /// Little-endian; what is beyond 62 bits is as good as infinite.
  private static func number(_ file: [UInt8], at start: Int, bytes: Int) -> Int {
    let value = file[start..<start + bytes].reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
    return Int(min(value, 1 << 62))
  }
}
