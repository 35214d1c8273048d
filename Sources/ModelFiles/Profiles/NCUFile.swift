/// One kernel as Nsight Compute measured it.
public struct NCUKernel: Hashable, Sendable {
  /// The profiler's number of the launch.
  public let id: Int
  /// Without parameters: `fcm_pw_fp32`, not `fcm_pw_fp32(fcm::Pointers)`.
  public let name: String
  /// Blocks of the grid and threads of a block; nil where the file does not say.
  public let blocks, threads: Int?
  /// By NVIDIA's metric names; bytes, nanoseconds and counts, whatever the file's prefixes.
  public internal(set) var metrics: [String: Double]
}

/// What `ncu --csv` prints: a row a kernel (`--page raw`, with a second row of units) or a row a metric (the default).
/// Lines before the table, such as `==PROF== …` and what the program itself printed, are skipped.
public struct NCUFile: Hashable, Sendable {
  /// In the order of the file.
  public let kernels: [NCUKernel]

  /// The most kernels, and metrics of all kernels together.
  public static let kernelLimit = 1 << 17, metricLimit = 1 << 22

  /// - Parameter path: The file's name for diagnostics.
  /// - Throws: `ncu-header`, `ncu-row`, `ncu-number`, `ncu-unit`, `csv-syntax`, `limit-…`.
  public static func parse(text: String, path: String) throws(FileErrors) -> NCUFile {
    let bytes = Array(text.utf8)
    guard bytes.count <= CSVReader.sizeLimit else {
      throw FileErrors(
        Diagnostic(.limitFileSize, "the file has more than \(CSVReader.sizeLimit) bytes", path: path))
    }
    guard let start = header(in: bytes) else {
      throw FileErrors(
        Diagnostic(
          .ncuHeader, "there is no line that begins with \"ID\"",
          remedy: "write the file with ncu --csv --page raw", path: path))
    }
    var reader = CSVReader(bytes, from: start, path: path)
    guard let first = try reader.next() else { return NCUFile(kernels: []) }
    let columns = try NCUColumns(first, path: path)
    var table = NCUTable(columns: columns, path: path)
    while let record = try reader.next() {
      if record.fields == [""] { continue }
      // What the profiler says after the table.
      if record.fields[0].hasPrefix("==") { continue }
      try table.add(record)
    }
    return NCUFile(kernels: table.kernels)
  }

  /// The first line that begins with `"ID"` or `ID,`.
  private static func header(in bytes: [UInt8]) -> (position: Int, line: Int)? {
    var line = 1
    var position = 0
    let marks = ["\"ID\",", "ID,"].map { Array($0.utf8) }
    while position < bytes.count {
      if marks.contains(where: { bytes[position...].starts(with: $0) }) { return (position, line) }
      guard let end = bytes[position...].firstIndex(of: UInt8(ascii: "\n")) else { return nil }
      position = end + 1
      line += 1
    }
    return nil
  }
}

/// Which column is what.
struct NCUColumns {
  let count: Int
  let id, name: Int
  let grid, block: Int?
  /// Of the form with a row a metric.
  let long: (metric: Int, unit: Int, value: Int)?
  /// Of the form with a row a kernel: columns that are metrics, by name.
  let metrics: [(column: Int, name: String)]

  init(_ record: CSVRecord, path: String) throws(FileErrors) {
    func column(_ name: String) -> Int? { record.fields.firstIndex(of: name) }
    guard let id = column("ID"), let name = column("Kernel Name") else {
      throw FileErrors(
        Diagnostic(.ncuHeader, "line \(record.line): there is no column 'ID' and 'Kernel Name'", path: path))
    }
    count = record.fields.count
    self.id = id
    self.name = name
    grid = column("Grid Size")
    block = column("Block Size")
    if let metric = column("Metric Name"), let unit = column("Metric Unit"),
      let value = column("Metric Value")
    {
      long = (metric, unit, value)
      metrics = []
    } else {
      long = nil
      // NVIDIA's metric names have two underscores after the unit of the chip.
      metrics = record.fields.enumerated().filter { $0.element.contains("__") }.map {
        ($0.offset, $0.element)
      }
      if metrics.isEmpty {
        throw FileErrors(
          Diagnostic(
            .ncuHeader, "line \(record.line): no column is a metric",
            remedy: "write the file with ncu --csv --page raw --metrics …", path: path))
      }
    }
  }
}

/// Gathers rows into kernels.
private struct NCUTable {
  let columns: NCUColumns
  let path: String
  private(set) var kernels: [NCUKernel] = []
  private var units: [String]?
  private var positions: [Int: Int] = [:]
  private var metrics = 0

  init(columns: NCUColumns, path: String) {
    self.columns = columns
    self.path = path
  }

  mutating func add(_ record: CSVRecord) throws(FileErrors) {
    // The long form has empty cells for rules after the value, and may leave the last ones out.
    guard
      record.fields.count == columns.count
        || (columns.long != nil && record.fields.count > columns.long!.value)
    else {
      throw failure(
        .ncuRow, record, "the row has \(record.fields.count) cells, the header \(columns.count)",
        remedy: "the file may be cut off")
    }
    if columns.long != nil { try addMetric(record) } else { try addKernel(record) }
  }

  private mutating func addKernel(_ record: CSVRecord) throws(FileErrors) {
    if record.fields[columns.id].isEmpty, units == nil, kernels.isEmpty {
      units = record.fields
      return
    }
    var kernel = try kernel(record)
    for (column, name) in columns.metrics where isNumber(record.fields[column]) {
      kernel.metrics[name] = try value(record.fields[column], units?[column] ?? "", record)
    }
    try append(kernel, record)
    metrics += kernel.metrics.count
    try checkMetrics(record)
  }

  private mutating func addMetric(_ record: CSVRecord) throws(FileErrors) {
    guard let long = columns.long else { return }
    let kernel = try kernel(record)
    let position: Int
    if let known = positions[kernel.id] {
      position = known
    } else {
      position = kernels.count
      try append(kernel, record)
      positions[kernel.id] = position
    }
    let name = record.fields[long.metric]
    // Rules have no metric, and some metrics are no numbers.
    guard name.contains("__"), isNumber(record.fields[long.value]) else { return }
    kernels[position].metrics[name] = try value(record.fields[long.value], record.fields[long.unit], record)
    metrics += 1
    try checkMetrics(record)
  }

  private mutating func append(_ kernel: NCUKernel, _ record: CSVRecord) throws(FileErrors) {
    guard kernels.count < NCUFile.kernelLimit else {
      throw failure(.limitRecord, record, "there are more than \(NCUFile.kernelLimit) kernels")
    }
    kernels.append(kernel)
  }

  private func checkMetrics(_ record: CSVRecord) throws(FileErrors) {
    guard metrics <= NCUFile.metricLimit else {
      throw failure(.limitRecord, record, "there are more than \(NCUFile.metricLimit) values")
    }
  }

  private func kernel(_ record: CSVRecord) throws(FileErrors) -> NCUKernel {
    guard let id = Int(record.fields[columns.id]), id >= 0 else {
      throw failure(.ncuRow, record, "'\(sanitised(record.fields[columns.id], limit: 40))' is no launch's ID")
    }
    let name = record.fields[columns.name].prefix { $0 != "(" }
    return NCUKernel(
      id: id, name: String(name.split(separator: " ").last ?? ""), blocks: size(record, columns.grid),
      threads: size(record, columns.block), metrics: [:])
  }

  /// The product of `(336, 1, 1)`; nil where it is none.
  private func size(_ record: CSVRecord, _ column: Int?) -> Int? {
    guard let column, record.fields.indices.contains(column) else { return nil }
    let words = record.fields[column].split { "(), ".contains($0) }
    let numbers = words.compactMap { Int($0) }.filter { (1...1 << 31).contains($0) }
    guard words.count == numbers.count, (1...3).contains(numbers.count) else { return nil }
    var product = 1
    for number in numbers {
      let (next, overflows) = product.multipliedReportingOverflow(by: number)
      if overflows { return nil }
      product = next
    }
    return product
  }

  private func isNumber(_ text: String) -> Bool {
    text.utf8.contains { (0x30...0x39).contains($0) }
      && text.utf8.allSatisfy { byte in
        (0x30...0x39).contains(byte) || ".,-+eE".utf8.contains(byte)
      }
  }

  private func value(_ text: String, _ unit: String, _ record: CSVRecord) throws(FileErrors) -> Double {
    guard let number = NCUNumber.parse(text) else {
      throw failure(
        .ncuNumber, record, "'\(sanitised(text, limit: 40))' is no number as ncu writes it in English",
        remedy: "run ncu with LC_ALL=C, or with --print-units base")
    }
    guard let scale = NCUNumber.scale(of: unit) else {
      throw failure(
        .ncuUnit, record, "the unit '\(sanitised(unit, limit: 40))' is unknown",
        remedy: "run ncu with --print-units base")
    }
    return number * scale
  }

  private func failure(
    _ code: DiagnosticCode, _ record: CSVRecord, _ what: String, remedy: String? = nil
  ) -> FileErrors {
    FileErrors(Diagnostic(code, "line \(record.line): \(what)", remedy: remedy, path: path))
  }
}

/// Numbers and units of Nsight Compute.
enum NCUNumber {
  /// `1,234,567.89`, `1234567`, `-3`, `1.5e+06`: commas divide groups of three, a point begins the decimals. Nil for other
  /// forms, those of other locales among them.
  static func parse(_ text: String) -> Double? {
    guard text.utf8.count <= 64 else { return nil }
    var rest = Substring(text)
    if rest.first == "-" || rest.first == "+" { rest = rest.dropFirst() }
    let whole = rest.prefix { $0.isASCII && ($0.isNumber || $0 == ",") }
    let groups = whole.split(separator: ",", omittingEmptySubsequences: false)
    guard let first = groups.first, !first.isEmpty, groups.count == 1 || first.utf8.count <= 3,
      groups.dropFirst().allSatisfy({ $0.utf8.count == 3 })
    else { return nil }
    guard let value = Double(text.filter { $0 != "," }), value.isFinite else { return nil }
    return value
  }

  /// What a value in `unit` is multiplied by to be in bytes, nanoseconds or plain counts. Prefixes are powers of 1000.
  static func scale(of unit: String) -> Double? {
    let times = [
      "nsecond": 1.0, "ns": 1, "usecond": 1e3, "us": 1e3, "msecond": 1e6, "ms": 1e6, "second": 1e9, "s": 1e9,
    ]
    if let scale = times[unit] { return scale }
    if unit.isEmpty || unit == "%" { return 1 }
    // Rates and shares keep their own unit.
    let base = unit.split(separator: "/").first.map(String.init) ?? unit
    let plain = [
      "byte", "sector", "request", "inst", "cycle", "block", "thread", "warp", "register", "hz", "wavefront",
      "B",
    ]
    for name in plain where base == name || base == name + "s" { return 1 }
    for (prefix, scale) in [("K", 1e3), ("M", 1e6), ("G", 1e9), ("T", 1e12)] {
      if plain.contains(where: { base == prefix + $0 || base == prefix + $0 + "s" }) { return scale }
    }
    return nil
  }
}
