/// One record of a CSV text and the line that it begins in, from 1.
struct CSVRecord {
  let line: Int
  let fields: [String]
}

/// Reads CSV as RFC 4180 has it: fields in double quotes may hold commas, line breaks and doubled quotes.
struct CSVReader {
  /// The most bytes of a text, fields of a record, and characters of a field.
  static let sizeLimit = 256 << 20, fieldLimit = 1 << 14, lengthLimit = 1 << 16

  private let bytes: [UInt8]
  private var position: Int
  private var line: Int
  private let path: String

  /// - Parameter from: Where the first record begins, and the number of its line.
  init(_ bytes: [UInt8], from: (position: Int, line: Int), path: String) {
    self.bytes = bytes
    position = from.position
    line = from.line
    self.path = path
  }

  /// Nil at the end of the text.
  mutating func next() throws(FileErrors) -> CSVRecord? {
    guard position < bytes.count else { return nil }
    let start = line
    var fields: [String] = []
    while true {
      fields.append(try field())
      guard fields.count <= Self.fieldLimit else {
        throw limit("a record has more than \(Self.fieldLimit) fields")
      }
      guard position < bytes.count, bytes[position] == UInt8(ascii: ",") else { break }
      position += 1
    }
    if position < bytes.count, bytes[position] == UInt8(ascii: "\r") { position += 1 }
    if position < bytes.count {
      guard bytes[position] == UInt8(ascii: "\n") else {
        throw failure("there is text after a quoted field")
      }
      position += 1
      line += 1
    }
    return CSVRecord(line: start, fields: fields)
  }

  private mutating func field() throws(FileErrors) -> String {
    guard position < bytes.count, bytes[position] == UInt8(ascii: "\"") else { return try plainField() }
    position += 1
    var content: [UInt8] = []
    while position < bytes.count {
      let byte = bytes[position]
      position += 1
      if byte == UInt8(ascii: "\"") {
        guard position < bytes.count, bytes[position] == byte else { return try text(content) }
        position += 1
      }
      if byte == UInt8(ascii: "\n") { line += 1 }
      content.append(byte)
      guard content.count <= Self.lengthLimit else {
        throw limit("a field has more than \(Self.lengthLimit) bytes")
      }
    }
    throw failure("a quoted field does not end", remedy: "the file may be cut off")
  }

  private mutating func plainField() throws(FileErrors) -> String {
    let start = position
    while position < bytes.count,
      ![UInt8(ascii: ","), UInt8(ascii: "\n"), UInt8(ascii: "\r")].contains(bytes[position])
    {
      position += 1
      guard position - start <= Self.lengthLimit else {
        throw limit("a field has more than \(Self.lengthLimit) bytes")
      }
    }
    return try text(Array(bytes[start..<position]))
  }

  private func text(_ bytes: [UInt8]) throws(FileErrors) -> String {
    guard let text = String(validating: bytes, as: UTF8.self) else { throw failure("a field is not UTF-8") }
    return text
  }

  private func failure(_ what: String, remedy: String? = nil) -> FileErrors {
    FileErrors(Diagnostic(.csvSyntax, "line \(line): \(what)", remedy: remedy, path: path))
  }

  private func limit(_ what: String) -> FileErrors {
    FileErrors(Diagnostic(.limitRecord, "line \(line): \(what)", path: path))
  }
}
