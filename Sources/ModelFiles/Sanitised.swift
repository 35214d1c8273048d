/// `text` made safe to print: control characters, bidirectional overrides, invisible format characters, line
/// separators and code points without a meaning become `\u{…}`, and what exceeds `limit` scalars is cut off
/// with `…`.
public func sanitised(_ text: String, limit: Int = 200) -> String {
  var result = ""
  var count = 0
  for scalar in text.unicodeScalars {
    if count == limit { return result + "…" }
    result += sanitised(scalar)
    count += 1
  }
  return result
}

/// One scalar as it is printed: itself, or its escape.
func sanitised(_ scalar: Unicode.Scalar) -> String {
  if scalar.value >= 0x20, scalar.value < 0x7f { return String(scalar) }
  switch scalar.properties.generalCategory {
  case .control, .format, .lineSeparator, .paragraphSeparator, .privateUse, .surrogate, .unassigned:
    return "\\u{\(String(scalar.value, radix: 16))}"
  default:
    return String(scalar)
  }
}
