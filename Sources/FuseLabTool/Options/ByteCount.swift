import ArgumentParser

/// A number of bytes as people write it: `4096`, `512K`, `64M`, `4G`, `1T`; each letter is a power of 1024.
struct ByteCount: Hashable, Sendable, LosslessStringConvertible, ExpressibleByArgument {
  let bytes: Int

  init(bytes: Int) { self.bytes = bytes }

  init?(_ text: String) {
    let shifts: [Character: Int] = ["K": 10, "M": 20, "G": 30, "T": 40]
    let shift = text.last.flatMap { shifts[Character($0.uppercased())] }
    let digits = shift == nil ? text[...] : text.dropLast()
    guard (1...18).contains(digits.utf8.count), digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
      let number = Int(digits)
    else { return nil }
    let (bytes, overflow) = number.multipliedReportingOverflow(by: 1 << (shift ?? 0))
    guard !overflow else { return nil }
    self.bytes = bytes
  }

  init?(argument: String) { self.init(argument) }

  var description: String { String(bytes) }
}
