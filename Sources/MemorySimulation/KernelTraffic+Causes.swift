import Workload

extension KernelTraffic {
  /// Every sector has one cause at every level, and causes pass from level to level unchanged, except where the level itself
  /// is the cause.
  func checkCauses(_ t: OperandTraffic, isStored: Bool, _ require: (Bool, String) -> Void) {
    let books = t.causes
    let totals: [(SectorBooks.Level, Sectors)] = [
      (.requests, t.sectors), (.l1Hits, t.l1Hits), (.l1Misses, t.l1Misses), (.l2ReadHits, t.l2ReadHits),
      (.l2ReadMisses, t.l2ReadMisses), (.l2WriteHits, t.l2WriteHits), (.l2WriteMisses, t.l2WriteMisses),
      (.dramReads, t.dramReads), (.dramWrites, t.dramWrites),
    ]
    for (level, total) in totals {
      require(books[level].total == total.count, "causes of \(level.rawValue) add up")
      for cause in SectorCause.allCases {
        require(books[level][cause] >= 0, "no \(cause.name) of \(level.rawValue) is negative")
      }
    }
    require(
      books[.requests][.compulsory] == t.distinctSectors.count,
      "each distinct sector is compulsory in one request")
    require(books[.requests][.eviction] == 0, "no request is an eviction's")
    if isStored { checkStoreCauses(t, require) } else { checkLoadCauses(t, require) }
  }

  private func checkLoadCauses(_ t: OperandTraffic, _ require: (Bool, String) -> Void) {
    let books = t.causes
    require(
      books[.l1Hits] + books[.l1Misses] == books[.requests], "L1 hits and misses have the requests' causes")
    for cause in SectorCause.allCases where cause != .eviction {
      require(
        books.l2Reads[cause] <= books[.l1Misses][cause], "an L2 read has its L1 miss's cause, or eviction")
    }
    let asked = books[.dramReads][.compulsory] + books[.dramReads][.eviction]
    require(asked >= books[.l2ReadMisses].total, "an L2 miss brings a sector that is asked for")
    require(
      books[.dramReads][.compulsory] + t.inherited.count <= t.distinctSectors.count,
      "a sector comes from DRAM the first time once")
    for cause in [SectorCause.halo, .reread, .recompute, .writeMerge] {
      require(books[.dramReads][cause] == 0, "DRAM knows no \(cause.name) of a load")
    }
    require(t.mergedStores == .zero, "loads are not merged")
  }

  private func checkStoreCauses(_ t: OperandTraffic, _ require: (Bool, String) -> Void) {
    let books = t.causes
    require(
      books.l2Writes[.compulsory] == books[.requests][.compulsory], "each sector's first store reaches the L2"
    )
    require(
      books.l2Writes[.writeMerge] + t.mergedStores.count == books[.requests][.writeMerge],
      "further stores reach the L2 or are merged before")
    require(books[.dramReads][.compulsory] == 0, "stores read only to complete sectors")
    if isFlushed {
      require(
        books[.dramWrites][.compulsory] == t.distinctSectors.count,
        "a flush writes each stored sector first once"
      )
    }
  }
}
