import Workload

/// How many of `count` damaged copies of `text`, half of them with odd numbers, `accepts` takes.
public func accepted(
  of count: Int, damaging text: String, seed: UInt64, _ accepts: ([UInt8]) throws -> Bool
) rethrows -> Int {
  var generator = SeededGenerator(seed: seed)
  var accepted = 0
  for round in 0..<count {
    let bytes =
      round % 2 == 0
      ? damaged(Array(text.utf8), &generator) : Array(withOddNumbers(text, &generator).utf8)
    accepted += try accepts(bytes) ? 1 : 0
  }
  return accepted
}

/// `bytes` with up to four flipped bytes, and sometimes cut off or with a piece repeated.
public func damaged(_ bytes: [UInt8], _ generator: inout SeededGenerator) -> [UInt8] {
  var result = bytes
  for _ in 0..<generator.next(in: 1...4) {
    let interesting = Array("[]{}:,-&*!#\"'\\\n\t 09aN\0\u{7f}".utf8) + [0x80, 0xc2, 0xff]
    let index = generator.next(in: 0...result.count - 1)
    result[index] =
      generator.next(in: 0...1) == 0
      ? interesting[generator.next(in: 0...interesting.count - 1)] : UInt8(generator.next(in: 0...255))
  }
  switch generator.next(in: 0...5) {
  case 0: result = Array(result[..<generator.next(in: 1...result.count)])
  case 1:
    let start = generator.next(in: 0...result.count - 1)
    let end = min(result.count, start + generator.next(in: 1...200))
    result.insert(contentsOf: result[start..<end], at: generator.next(in: 0...result.count))
  default: break
  }
  return result
}

/// `text` with up to four of its numbers replaced by ones that arithmetic may stumble over.
public func withOddNumbers(_ text: String, _ generator: inout SeededGenerator) -> String {
  let odd = [
    "0", "-1", "1", "0.5", "1e-300", "1e308", "-1e308", "9007199254740993", "9223372036854775807",
    "9223372036854775808", "1125899906842624", "1,234", "nan", "inf", "-0", "1e999",
  ]
  var pieces: [(text: String, isNumber: Bool)] = []
  for character in text {
    let isDigit = character.isASCII && character.isNumber
    if pieces.last?.isNumber == isDigit {
      pieces[pieces.count - 1].text.append(character)
    } else {
      pieces.append((String(character), isDigit))
    }
  }
  let numbers = pieces.indices.filter { pieces[$0].isNumber }
  guard !numbers.isEmpty else { return text }
  for _ in 0..<generator.next(in: 1...4) {
    pieces[numbers[generator.next(in: 0...numbers.count - 1)]].text =
      odd[generator.next(in: 0...odd.count - 1)]
  }
  return pieces.map(\.text).joined()
}
