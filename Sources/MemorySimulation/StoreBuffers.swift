/// What each multiprocessor collects of its stores before they go to the L2. Hardware merges narrow stores there, about
/// 31 % of store sectors in one public study; how is not documented. The model: a line a place, oldest out first, all
/// out at the end of the kernel.
struct StoreBuffers {
  private struct Line {
    let line: Int
    /// In the order of the first store to each.
    var writes: [SectorWrite]
  }

  private let places, sectorsPerLine: Int
  /// Oldest first.
  private var buffers: [[Line]]

  /// - Parameter places: Lines that a multiprocessor collects; 0 for none.
  init(places: Int, multiprocessors: Int, sectorsPerLine: Int) {
    precondition(places >= 0)
    self.places = places
    self.sectorsPerLine = sectorsPerLine
    buffers = places == 0 ? [] : Array(repeating: [], count: multiprocessors)
  }

  enum Answer: Hashable {
    /// It joined an earlier store to its sector.
    case merged
    /// What had to go to the L2 for it.
    case out([SectorWrite])
  }

  mutating func store(_ write: SectorWrite, on multiprocessor: Int) -> Answer {
    guard places > 0 else { return .out([write]) }
    let line = write.sector / sectorsPerLine
    if let place = buffers[multiprocessor].firstIndex(where: { $0.line == line }) {
      if let index = buffers[multiprocessor][place].writes.firstIndex(where: { $0.sector == write.sector }) {
        buffers[multiprocessor][place].writes[index].mask |= write.mask
        if write.isFirst { buffers[multiprocessor][place].writes[index].isFirst = true }
        return .merged
      }
      buffers[multiprocessor][place].writes.append(write)
      return .out([])
    }
    var gone: [SectorWrite] = []
    if buffers[multiprocessor].count == places { gone = buffers[multiprocessor].removeFirst().writes }
    buffers[multiprocessor].append(Line(line: line, writes: [write]))
    return .out(gone)
  }

  /// Empties them, one multiprocessor after the other.
  mutating func drain() -> [(multiprocessor: Int, write: SectorWrite)] {
    let writes = buffers.enumerated().flatMap { index, lines in
      lines.flatMap(\.writes).map { (multiprocessor: index, write: $0) }
    }
    for index in buffers.indices { buffers[index] = [] }
    return writes
  }
}
