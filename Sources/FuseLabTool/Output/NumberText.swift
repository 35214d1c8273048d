import Workload

/// `1234567` as `1,234,567`, whatever the locale.
func grouped(_ value: Int) -> String { value.grouped }

/// `part` of `whole` with one decimal, `12.5%`, half rounded up; `-` where there is no whole.
func percentage(_ part: Int, of whole: Int) -> String {
  whole == 0 ? "-" : fixed(Double(part) * 100 / Double(whole), decimals: 1) + "%"
}

/// A decimal number with that many decimals and thousands separators, whatever the locale.
func fixed(_ value: Double, decimals: Int) -> String {
  var scale = 1
  for _ in 0..<decimals { scale *= 10 }
  let scaled = (value * Double(scale)).rounded(.toNearestOrAwayFromZero)
  guard let whole = Int(exactly: scaled) else { return "\(value)" }
  let (quotient, remainder) = whole.magnitude.quotientAndRemainder(dividingBy: UInt(scale))
  let sign = whole < 0 ? "-" : ""
  guard decimals > 0 else { return sign + grouped(Int(quotient)) }
  let fraction = String(remainder)
  return sign + grouped(Int(quotient)) + "." + String(repeating: "0", count: decimals - fraction.count)
    + fraction
}
