import Hardware
import Workload

extension KernelTraffic {
  /// Where the books of one level do not balance with the next, a sentence each; empty where all do.
  public func checkConservation() -> [String] {
    var findings: [String] = []
    for operand in operands.keys.sorted() {
      guard let traffic = operands[operand] else { continue }
      func require(_ holds: Bool, _ what: String) { if !holds { findings.append("\(operand): \(what)") } }
      checkRequests(traffic, bytes: elementBytes[operand] ?? 1, require)
      checkCauses(traffic, isStored: operand == .ofm, require)
      if operand == .ofm {
        checkStores(traffic, require)
      } else {
        checkLoads(traffic, require)
      }
    }
    checkL2 { holds, what in if !holds { findings.append("L2: \(what)") } }
    for (name, shared) in [
      ("staging", sharedStaging), ("reads", sharedReads), ("intermediates", sharedIntermediates),
    ] where shared.wavefronts < shared.requests + shared.bankConflicts {
      findings.append("shared \(name): a request takes a wavefront, and one more for each conflict")
    }
    // The copies are counted on both of their sides.
    if !sharedCopies.requests.count(
      between: asynchronousCopies, and: asynchronousCopies + sharedFills.requests)
    {
      findings.append("shared copies: each is a global load, but for what is filled beside it")
    }
    return findings
  }

  /// The same as `checkConservation()`.
  public func violations() -> [String] { checkConservation() }

  private func checkRequests(_ t: OperandTraffic, bytes: Int, _ require: (Bool, String) -> Void) {
    require(t.requests <= t.instructions, "requests are instructions")
    require(t.lines.count(between: t.requests, and: t.sectors.count), "a request has a line, a line a sector")
    require(t.accesses.count * bytes <= t.sectors.count * 32, "a sector has 32 bytes")
    require(t.distinct <= t.accesses, "accesses are at least the distinct elements")
    require(t.distinctSectors <= t.sectors, "sectors are at least the distinct sectors")
    require(t.distinct.count * bytes <= t.distinctSectors.count * 32, "distinct elements lie in the sectors")
  }

  private func checkLoads(_ t: OperandTraffic, _ require: (Bool, String) -> Void) {
    require(t.l1Hits + t.l1Misses == t.sectors, "L1 hits and misses are the sectors")
    require(t.l1Misses == t.l2ReadHits + t.l2ReadMisses, "L1 misses are L2 reads")
    require(t.l1Misses >= t.distinctSectors, "each distinct sector misses the L1 once")
    require(t.l2ReadMisses <= t.dramReads, "L2 read misses come from DRAM")
    require(!startsCold || t.dramReads >= t.distinctSectors, "from a cold L2 each distinct sector is fetched")
    require(t.l2Writes == .zero, "constants and inputs are never written")
    require(
      !startsCold || t.dramWrites == .zero, "of an input only what an earlier kernel wrote is written back")
  }

  private func checkStores(_ t: OperandTraffic, _ require: (Bool, String) -> Void) {
    require(t.sectors == t.l2Writes + t.mergedStores, "stored sectors are L2 writes or merged before")
    require(t.l2Writes == t.l2WriteHits + t.l2WriteMisses, "L2 write hits and misses are the writes")
    require(t.l1Hits + t.l1Misses == .zero, "stores go through the L1")
    require(
      t.dramWrites <= t.l2Writes + l2.atomWrites, "DRAM writes come from L2 writes")
    require(!isFlushed || t.dramWrites >= t.distinctSectors, "a flush writes each stored sector")
  }

  private func checkL2(_ require: (Bool, String) -> Void) {
    let all = total + earlierKernels
    require(
      all.dramReads == l2.fills + l2.mergeReads + l2.atomReads, "fills, merges and atoms are DRAM reads")
    require(all.dramWrites == l2.writtenBack + l2.atomWrites, "dirty sectors written back are DRAM writes")
    require(
      l2.dirtyAtStart + l2.dirtied == l2.writtenBack + l2.dirtyAtEnd,
      "what became dirty is written back or still there")
    require(!isFlushed || l2.dirtyAtEnd == .zero, "a flush leaves nothing dirty")
    require(flushedSectors <= all.dramWrites, "what a flush writes is among all writes")
    require(isFlushed || flushedSectors == .zero, "without a flush nothing is flushed")
    require(!startsCold || earlierKernels == OperandTraffic(), "a cold L2 holds nothing of earlier kernels")
  }
}

extension Int {
  fileprivate func count(between least: Int, and most: Int) -> Bool { least <= self && self <= most }
}
