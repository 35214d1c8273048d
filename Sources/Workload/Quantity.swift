/// A count with its unit in the type, so that bytes are never added to elements.
public struct Quantity<Unit>: Hashable, Comparable, Sendable, AdditiveArithmetic {
  public let count: Int

  public init(_ count: Int) { self.count = count }

  public static var zero: Self { Self(0) }
  public static func + (a: Self, b: Self) -> Self { Self(a.count + b.count) }
  public static func - (a: Self, b: Self) -> Self { Self(a.count - b.count) }
  public static func * (a: Self, b: Int) -> Self { Self(a.count * b) }
  public static func < (a: Self, b: Self) -> Bool { a.count < b.count }
}

extension Quantity: CustomStringConvertible {
  public var description: String { String(count) }
  /// The count with thousands separators, for people.
  public var grouped: String { count.grouped }
}

extension Int {
  /// `1234567` as `1,234,567`, whatever the locale.
  public var grouped: String {
    let digits = String(magnitude)
    var result = self < 0 ? "-" : ""
    for (index, digit) in digits.enumerated() {
      if index > 0, (digits.count - index) % 3 == 0 { result += "," }
      result.append(digit)
    }
    return result
  }
}

/// The unit of `Bytes`.
public enum ByteUnit {}
/// The unit of `Elements`.
public enum ElementUnit {}
/// The unit of `Sectors`.
public enum SectorUnit {}
/// The unit of `Cycles`.
public enum CycleUnit {}
/// The unit of `Picoseconds`.
public enum PicosecondUnit {}
/// The unit of `Picojoules`.
public enum PicojouleUnit {}

/// Bytes of memory.
public typealias Bytes = Quantity<ByteUnit>
/// Elements of a tensor, whatever their type.
public typealias Elements = Quantity<ElementUnit>
/// 32-byte sectors, the unit of transfer between the cache levels of a GPU.
public typealias Sectors = Quantity<SectorUnit>
/// Clock cycles of a multiprocessor.
public typealias Cycles = Quantity<CycleUnit>
/// Estimates of time, in whole numbers so that sums over kernels are exact.
public typealias Picoseconds = Quantity<PicosecondUnit>
/// The same of energy.
public typealias Picojoules = Quantity<PicojouleUnit>

extension Elements {
  /// What so many elements of a type take in memory.
  public func bytes(of type: ElementType) -> Bytes { Bytes(count * type.bytes) }
}

/// The type of a tensor's elements in memory.
public enum ElementType: String, Hashable, Sendable, CaseIterable {
  case fp32
  case int8

  /// Bytes of one element.
  public var bytes: Int {
    switch self {
    case .fp32: 4
    case .int8: 1
    }
  }
}
