import ModelFiles

/// Two results of one command, number by number.
public struct ResultDifference: Hashable, Sendable {
  /// One number of both results.
  public struct Row: Hashable, Sendable {
    public let name: String
    public let before, after: Int

    /// (after − before) ÷ before; nil where only one of them is not nothing.
    public var change: Double? {
      before == after ? 0 : before == 0 ? nil : (Double(after) - Double(before)) / abs(Double(before))
    }
    /// Whether the change is more than `tolerance`, a share, either way; so where it has no share.
    public func exceeds(_ tolerance: Double) -> Bool { abs(change ?? .infinity) > tolerance }
  }

  /// A kernel of both results, and which of its numbers differ.
  public struct KernelRow: Hashable, Sendable {
    public let layers: [String]
    public let kinds: [String]
    public let rows: [Row]
    /// The tensor with the largest difference of sectors, where the results have tensors.
    public let tensor: String?
  }

  /// All numbers that both have, by name.
  public let totals: [Row]
  /// Kernels of the same layers whose numbers differ, in the order of the first result.
  public let kernels: [KernelRow]
  /// Layers of kernels that only one of the results has.
  public let onlyBefore, onlyAfter: [[String]]

  /// - Throws: `DifferenceError` where the results are of different commands or networks.
  public init(_ before: ResultFile, _ after: ResultFile) throws(DifferenceError) {
    guard before.kind == after.kind else { throw .differentKinds(before.kind.rawValue, after.kind.rawValue) }
    guard before.network == after.network else { throw .differentNetworks(before.network, after.network) }
    totals = Self.rows(before.totals, after.totals)
    var others: [[String]: [ResultFile.Kernel]] = [:]
    for kernel in after.kernels.reversed() { others[kernel.layers, default: []].append(kernel) }
    var rows: [KernelRow] = []
    var onlyBefore: [[String]] = []
    for kernel in before.kernels {
      guard let other = others[kernel.layers]?.popLast() else {
        onlyBefore.append(kernel.layers)
        continue
      }
      let different = Self.rows(kernel.values, other.values).filter { $0.before != $0.after }
      guard !different.isEmpty else { continue }
      rows.append(
        KernelRow(
          layers: kernel.layers, kinds: [kernel.kind, other.kind], rows: different,
          tensor: Self.tensor(kernel, other)))
    }
    kernels = rows
    self.onlyBefore = onlyBefore
    onlyAfter = after.kernels.map(\.layers).filter { !(others[$0] ?? []).isEmpty }
  }

  /// The totals that changed by more than `tolerance`, a share.
  public func exceeding(_ tolerance: Double) -> [Row] { totals.filter { $0.exceeds(tolerance) } }

  private static func rows(_ before: [String: Int], _ after: [String: Int]) -> [Row] {
    Set(before.keys).intersection(after.keys).sorted().map {
      Row(name: $0, before: before[$0] ?? 0, after: after[$0] ?? 0)
    }
  }

  private static func tensor(_ a: ResultFile.Kernel, _ b: ResultFile.Kernel) -> String? {
    var worst: (name: String, difference: Int)?
    for name in Set(a.operands.keys).intersection(b.operands.keys).sorted() {
      let difference = abs((a.operands[name]?["sectors"] ?? 0) - (b.operands[name]?["sectors"] ?? 0))
      if difference > worst?.difference ?? 0 { worst = (name, difference) }
    }
    return worst?.name
  }
}

/// Why two results cannot be compared.
public enum DifferenceError: Error, Hashable, Sendable {
  case differentKinds(String, String)
  case differentNetworks(String, String)

  public var code: String { "compare-unlike" }
}

extension DifferenceError: CustomStringConvertible {
  public var description: String {
    switch self {
    case .differentKinds(let a, let b): "One result is of fuselab \(a), the other of fuselab \(b)."
    case .differentNetworks(let a, let b): "The results are of two networks, '\(a)' and '\(b)'."
    }
  }
}
