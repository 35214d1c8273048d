extension JSONParser {
  /// A string in double quotes, which the position is at.
  mutating func string() throws(Diagnostic) -> String {
    let start = place
    advance()
    var text = ""
    while let scalar = peek {
      switch scalar {
      case "\"":
        advance()
        return text
      case "\\":
        advance()
        text.unicodeScalars.append(try escape())
      case _ where scalar.value < 0x20:
        throw error(.dagSyntax, "a string holds a control character or a line break", "escape it")
      default:
        text.unicodeScalars.append(scalar)
        advance()
      }
    }
    throw error(.dagSyntax, "the string does not end", "the file may be cut off", at: start)
  }

  /// What follows a backslash.
  private mutating func escape() throws(Diagnostic) -> Unicode.Scalar {
    guard let letter = peek else { throw error(.dagSyntax, "the string does not end") }
    let simple: [Unicode.Scalar: Unicode.Scalar] = [
      "\"": "\"", "\\": "\\", "/": "/", "b": "\u{8}", "f": "\u{c}", "n": "\n", "r": "\r", "t": "\t",
    ]
    if let scalar = simple[letter] {
      advance()
      return scalar
    }
    guard letter == "u" else { throw error(.dagSyntax, "there is no such escape") }
    advance()
    let high = try codeUnit()
    if let scalar = Unicode.Scalar(high) { return scalar }
    guard (0xd800..<0xdc00).contains(high), peek == "\\" else {
      throw error(.dagSyntax, "half of a surrogate pair stands alone")
    }
    advance()
    guard peek == "u" else { throw error(.dagSyntax, "half of a surrogate pair stands alone") }
    advance()
    let low = try codeUnit()
    guard (0xdc00..<0xe000).contains(low),
      let scalar = Unicode.Scalar(0x10000 + (UInt32(high) - 0xd800) << 10 + (UInt32(low) - 0xdc00))
    else { throw error(.dagSyntax, "half of a surrogate pair stands alone") }
    return scalar
  }

  /// Four hexadecimal digits.
  private mutating func codeUnit() throws(Diagnostic) -> UInt16 {
    var value: UInt16 = 0
    for _ in 0..<4 {
      guard let scalar = peek, scalar.isASCII, let digit = Character(scalar).hexDigitValue else {
        throw error(.dagSyntax, "\\u takes four hexadecimal digits")
      }
      value = value << 4 | UInt16(digit)
      advance()
    }
    return value
  }
}
