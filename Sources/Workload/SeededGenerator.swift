/// SplitMix64 (Steele, Lea, Flood: "Fast splittable pseudorandom number generators", OOPSLA 2014): the generator
/// behind `--seed`. State advances by 0x9E3779B97F4A7C15; the output mixes it by two xor-shift-multiplies.
public struct SeededGenerator: RandomNumberGenerator, Sendable {
  private var state: UInt64

  public init(seed: UInt64) { state = seed }

  /// A generator for one named purpose, so that a layer's weights do not depend on the layers before it: the
  /// seed is xored with the FNV-1a hash of the name and mixed once.
  public init(seed: UInt64, purpose: String) {
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    for byte in purpose.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
    state = seed ^ hash
    state = next()
  }

  /// The next 64 bits.
  public mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var z = state
    z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
    return z ^ (z >> 31)
  }

  /// Uniform in −1..<1, on the grid of 2⁻²³, from the top 24 bits.
  public mutating func nextSigned() -> Float {
    Float(Int32(next() >> 40) - (1 << 23)) * 0x1p-23
  }

  /// Uniform in `range`, by the high half of a 128-bit product.
  public mutating func next(in range: ClosedRange<Int>) -> Int {
    let span = UInt64(range.upperBound - range.lowerBound) &+ 1
    return range.lowerBound + Int(next().multipliedFullWidth(by: span).high)
  }
}
