import CUDAKernels
import Testing

@Suite struct MachineCodeTests {
  /// An ELF file whose section table follows its header.
  private func file(_ sections: [(flags: Int, size: Int)], padding: Int = 1 << 12) -> [UInt8] {
    var file: [UInt8] = [0x7f, 0x45, 0x4c, 0x46, 2, 1]
    func add(_ value: Int, bytes count: Int) {
      for byte in 0..<count { file.append(byte < 8 ? UInt8(value >> (8 * byte) & 0xff) : 0) }
    }
    add(0, bytes: 34)
    add(64, bytes: 8)
    add(0, bytes: 10)
    add(64, bytes: 2)
    add(sections.count, bytes: 2)
    add(0, bytes: 2)
    for section in sections {
      add(0, bytes: 4)
      add(1, bytes: 4)
      add(section.flags, bytes: 8)
      add(0, bytes: 16)
      add(section.size, bytes: 8)
      add(0, bytes: 24)
    }
    return file + Array(repeating: 0, count: padding)
  }

  @Test("Instructions are the sections that are marked executable")
  func instructions() {
    #expect(MachineCode.instructionBytes(of: file([(0, 100), (6, 2048), (2, 50), (6, 384)])) == 2432)
    #expect(MachineCode.instructionBytes(of: file([(2, 100)])) == 0)
  }

  @Test("What is no such file, or ends too soon, has no number")
  func others() {
    let whole = file([(0, 100), (6, 2048)])
    for text in ["", "//\n.version 9.0\n.target sm_75\n", String(repeating: "x", count: 100)] {
      #expect(MachineCode.instructionBytes(of: Array(text.utf8)) == nil)
    }
    // The table ends at byte 192; what a section holds is not looked at, but it must fit.
    for length in 0..<192 { #expect(MachineCode.instructionBytes(of: Array(whole.prefix(length))) == nil) }
    #expect(MachineCode.instructionBytes(of: file([(6, 1 << 13)])) == nil)
    for place in 0..<192 {
      var broken = whole
      broken[place] ^= 0xff
      _ = MachineCode.instructionBytes(of: broken)
    }
  }
}
