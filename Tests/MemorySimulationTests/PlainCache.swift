/// The definition of a sectored cache with least-recently-used replacement, with no thought of speed: a dictionary of
/// lines and one list of all lines by age.
struct PlainCache {
  struct Line {
    var valid: Set<Int> = []
    var dirty: Set<Int> = []
  }
  struct Evicted: Hashable {
    let line, dirty: Int
  }

  let sets, ways, sectorsPerLine: Int
  private var lines: [Int: Line] = [:]
  /// Oldest first, of all sets.
  private var age: [Int] = []

  init(sets: Int, ways: Int, sectorsPerLine: Int) {
    self.sets = sets
    self.ways = ways
    self.sectorsPerLine = sectorsPerLine
  }

  private mutating func use(_ line: Int) {
    age.removeAll { $0 == line }
    age.append(line)
  }

  mutating func touch(_ sector: Int, markDirty: Bool) -> Bool {
    let line = sector / sectorsPerLine
    guard let held = lines[line] else { return false }
    use(line)
    guard held.valid.contains(sector) else { return false }
    if markDirty { lines[line]?.dirty.insert(sector) }
    return true
  }

  mutating func insert(_ sector: Int, dirty: Bool) -> Evicted? {
    let line = sector / sectorsPerLine
    var evicted: Evicted?
    if lines[line] == nil {
      let neighbours = age.filter { $0 % sets == line % sets }
      if neighbours.count == ways {
        evicted = Evicted(line: neighbours[0], dirty: lines[neighbours[0]]?.dirty.count ?? 0)
        lines[neighbours[0]] = nil
        age.removeAll { $0 == neighbours[0] }
      }
    }
    lines[line, default: Line()].valid.insert(sector)
    if dirty { lines[line]?.dirty.insert(sector) }
    use(line)
    return evicted
  }

  /// Lines with dirty sectors and how many they have; all are clean afterwards.
  mutating func flush() -> Set<Evicted> {
    let written = lines.filter { !$0.value.dirty.isEmpty }.map {
      Evicted(line: $0.key, dirty: $0.value.dirty.count)
    }
    for line in lines.keys { lines[line]?.dirty = [] }
    return Set(written)
  }
}
