import Testing
import Workload

@Suite struct SeededGeneratorTests {
  @Test("The published test vector of SplitMix64")
  func vector() {
    var generator = SeededGenerator(seed: 1_234_567)
    let expected: [UInt64] = [
      6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423,
      4_593_380_528_125_082_431, 16_408_922_859_458_223_821,
    ]
    #expect(expected.indices.map { _ in generator.next() } == expected)
  }

  @Test("Signed numbers are the top 24 bits, less a half, on the grid of 2⁻²³")
  func signed() {
    var bits = SeededGenerator(seed: 7)
    var floats = SeededGenerator(seed: 7)
    for _ in 0..<1000 {
      let value = floats.nextSigned()
      #expect((-1..<1).contains(value))
      #expect(Double(value) == Double(bits.next() / (1 << 40)) / 8_388_608 - 1)
    }
  }

  @Test("Numbers of a range reach both its ends and nothing beyond")
  func range() {
    var generator = SeededGenerator(seed: 3)
    #expect(Set((0..<200).map { _ in generator.next(in: -2...2) }) == [-2, -1, 0, 1, 2])
    #expect(generator.next(in: 5...5) == 5)
  }

  @Test("Each purpose has numbers of its own, the same every time")
  func purposes() {
    func first(_ purpose: String) -> UInt64 {
      var generator = SeededGenerator(seed: 9, purpose: purpose)
      return generator.next()
    }
    #expect(Set(["a", "b", "ab", "ba", ""].map(first)).count == 5)
    #expect(first("weights of conv1") == first("weights of conv1"))
  }
}
