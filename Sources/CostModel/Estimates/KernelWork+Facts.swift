import Workload

extension KernelWork {
  /// The counts by the names that files give them. The type of elements is no count and stands beside them.
  public static let facts: [(name: String, path: WritableKeyPath<KernelWork, Int> & Sendable)] = [
    ("blocks", \.blocks), ("resident_blocks", \.residentBlocks),
    ("multiply_add_instructions", \.multiplyAdds),
    ("instructions", \.instructions), ("shared_wavefronts", \.sharedWavefronts), ("l1_sectors", \.l1Sectors),
    ("l2_sectors", \.l2Sectors), ("dram_bytes", \.dramBytes), ("block_warps", \.warps), ("waits", \.waits),
    ("l1_hit_sectors", \.sectorsFromL1), ("l2_hit_sectors", \.sectorsFromL2),
    ("dram_sectors", \.sectorsFromDRAM), ("dot_product_instructions", \.dotProducts),
    ("matrix_products", \.matrices), ("overhead_instructions", \.overhead),
    ("matrix_steps", \.matrixSteps), ("l1_lines", \.l1Lines),
  ]

  public var counts: [(name: String, value: Int)] { Self.facts.map { ($0.name, self[keyPath: $0.path]) } }

  /// Those that a kernel need not have: a file may lack them.
  private static let optional: Set<String> = [
    "dot_product_instructions", "matrix_products", "matrix_steps", "overhead_instructions", "l1_lines",
  ]

  /// Nil where a count is missing, negative or beyond 2⁵⁰, or no block is there.
  public init?(counts: [String: Int], elementType: ElementType) {
    self.init(
      blocks: 0, residentBlocks: 0, elementType: elementType, multiplyAdds: 0, instructions: 0,
      sharedWavefronts: 0, l1Sectors: 0, l2Sectors: 0, dramBytes: 0, warps: 0, waits: 0, sectorsFromL1: 0,
      sectorsFromL2: 0, sectorsFromDRAM: 0)
    for (name, path) in Self.facts {
      let given = counts[name] ?? (Self.optional.contains(name) ? 0 : nil)
      guard let count = given, (0...1 << 50).contains(count) else { return nil }
      self[keyPath: path] = count
    }
    guard blocks > 0, residentBlocks > 0, warps > 0 else { return nil }
  }
}
