import KernelSources

extension BundleManifest {
  /// - Throws: `BundleError.malformed` with the line.
  public init(_ text: String) throws(BundleError) {
    var reader = ManifestReader(text)
    guard reader.next()?.joined(separator: " ") == Self.firstLine else {
      throw reader.error("a bundle begins with '\(Self.firstLine)'")
    }
    title = BundleTitle(
      network: try reader.word("network"), elementType: try reader.word("element-type"),
      layout: try reader.word("layout"),
      gpu: try reader.word("gpu"), batch: try reader.numbers("batch", 1, in: 1...ManifestReader.limit)[0])
    guard ["fp32", "int8"].contains(title.elementType) else { throw reader.error("fp32 or int8 is expected") }
    guard ["nchw", "nhwc"].contains(title.layout) else { throw reader.error("nchw or nhwc is expected") }
    var headers: [String] = []
    while reader.key == "header" { headers.append(try reader.fileName("header")) }
    self.headers = headers
    var kernels: [BundleEntry] = []
    while reader.key == "kernel" { kernels.append(try reader.entry()) }
    self.kernels = kernels
    let known = Set(kernels.map(\.id))
    guard known.count == kernels.count else { throw reader.error("two kernels have one name") }
    var comparisons: [(fused: String, alone: [String])] = []
    while reader.key == "compare" {
      let names = try reader.words("compare", atLeast: 2)
      guard names.allSatisfy(known.contains) else { throw reader.error("there is no such kernel") }
      comparisons.append((names[0], Array(names[1...])))
    }
    self.comparisons = comparisons
    if reader.key != nil { throw reader.error("nothing more is expected") }
    if kernels.isEmpty { throw reader.error("a bundle has at least one kernel") }
  }
}

/// The lines of a manifest, one after the other.
private struct ManifestReader {
  static let limit = 1 << 40
  private let lines: [[String]]
  private var position = 0

  init(_ text: String) {
    lines = text.split(separator: "\n", omittingEmptySubsequences: false).map {
      $0.split(separator: " ").map(String.init)
    }
  }

  var key: String? { lines.indices.contains(position) ? lines[position].first : nil }

  func error(_ what: String) -> BundleError { .malformed(line: max(1, position), what) }

  mutating func next() -> [String]? {
    guard lines.indices.contains(position) else { return nil }
    position += 1
    return lines[position - 1]
  }

  mutating func words(_ key: String, atLeast count: Int) throws(BundleError) -> [String] {
    guard let words = next(), words.first == key, words.count > count else {
      throw error("'\(key)' is expected, with \(count) words or more")
    }
    return Array(words[1...])
  }

  mutating func word(_ key: String) throws(BundleError) -> String {
    let words = try words(key, atLeast: 1)
    guard words.count == 1 else { throw error("'\(key)' takes one word") }
    return words[0]
  }

  /// A name without a way out of the bundle's folder.
  mutating func fileName(_ key: String) throws(BundleError) -> String {
    let name = try word(key)
    let isPlain = name.utf8.allSatisfy { byte in
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"),
        UInt8(ascii: "."):
        true
      default: false
      }
    }
    guard isPlain, !name.hasPrefix(".") else { throw error("'\(key)' takes a plain name") }
    return name
  }

  /// An object of JSON that holds no other and no escapes: it goes on into other files as it stands.
  mutating func json(_ key: String) throws(BundleError) -> String {
    let text = try word(key)
    let isPlain = text.utf8.allSatisfy { (0x21...0x7e).contains($0) && $0 != UInt8(ascii: "\\") }
    let braces = text.filter { $0 == "{" || $0 == "}" }
    guard isPlain, braces == "{}", text.hasPrefix("{"), text.hasSuffix("}") else {
      throw error("'\(key)' takes an object of JSON")
    }
    return text
  }

  mutating func numbers(_ key: String, _ count: Int, in range: ClosedRange<Int>) throws(BundleError) -> [Int]
  {
    let words = try words(key, atLeast: count)
    let numbers = words.compactMap { Int($0) }
    guard words.count == count, numbers.count == count, numbers.allSatisfy(range.contains) else {
      throw error("'\(key)' takes \(count) numbers from \(range.lowerBound) to \(range.upperBound)")
    }
    return numbers
  }

  func tensor(_ digest: String, _ bytes: String) throws(BundleError) -> BundleTensor {
    let isDigest = digest.utf8.count == 32 && digest.allSatisfy(\.isHexDigit) && digest.allSatisfy(\.isASCII)
    guard isDigest, let bytes = Int(bytes), (0...Self.limit).contains(bytes) else {
      throw error("a tensor has a digest of 32 digits and a size")
    }
    return BundleTensor(digest: digest, bytes: bytes)
  }

  mutating func entry() throws(BundleError) -> BundleEntry {
    let id = try fileName("kernel")
    let kind = try word("kind")
    let layers = try words("layers", atLeast: 1)
    let function = try fileName("function")
    let launch = try numbers("launch", 3, in: 0...Int(Int32.max))
    guard launch[0] > 0, (1...1024).contains(launch[1]) else { throw error("no launch is like this") }
    var operands: [(pointer: Int, tensor: BundleTensor)] = []
    while key == "operand" {
      let words = try words("operand", atLeast: 3)
      guard let pointer = Int(words[0]), (0..<KernelJob.Pointers.count).contains(pointer),
        pointer != KernelJob.Pointers.output, !operands.contains(where: { $0.pointer == pointer })
      else { throw error("a kernel has no such operand, or has it already") }
      operands.append((pointer, try tensor(words[1], words[2])))
    }
    let output = try words("expected", atLeast: 2)
    let expected = try tensor(output[0], output[1])
    guard expected.bytes > 0 else { throw error("a kernel makes something") }
    var counters: [(metric: String, value: Int)] = []
    while key == "counter" {
      let words = try words("counter", atLeast: 2)
      guard let value = Int(words[1]) else { throw error("a counter has a number") }
      counters.append((words[0], value))
    }
    var work: [(name: String, value: Int)] = []
    while key == "work" {
      let words = try words("work", atLeast: 2)
      guard let value = Int(words[1]) else { throw error("work has a number") }
      work.append((words[0], value))
    }
    let schedule = key == "schedule" ? try json("schedule") : nil
    var convolutions: [BundleConvolution] = []
    while key == "convolution" {
      convolutions.append(
        BundleConvolution(try numbers("convolution", BundleConvolution.names.count, in: 0...Self.limit)))
    }
    guard next() == ["end"] else { throw error("'end' is expected") }
    return BundleEntry(
      id: id, kind: kind, layers: layers, function: function,
      launch: KernelLaunch(blocks: launch[0], threads: launch[1], sharedBytes: launch[2]), operands: operands,
      expected: expected, counters: counters, work: work, schedule: schedule, convolutions: convolutions)
  }
}
