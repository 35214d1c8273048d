// Defects found in a kernel, gathered by each host thread and merged so that the report does not depend on how many.
#pragma once

namespace emu {

/// Findings of one host thread. It takes blocks in ascending order, so what it keeps, the first of each sort, holds all
/// of its share of the first ones of the launch.
struct Findings {
  int64_t count = 0;
  int kept = 0;
  struct Kept {
    int64_t block, number;
    fuselab_finding finding;
  } list[fuselab_maximum_findings];

  static bool is_same_sort(const fuselab_finding& a, const fuselab_finding& b) {
    return a.kind == b.kind && a.line == b.line && a.other_line == b.other_line && a.array == b.array &&
           (a.file == b.file || strcmp(a.file, b.file) == 0);
  }

  void add(int64_t block, const fuselab_finding& finding) {
    ++count;
    for (int i = 0; i < kept; ++i) {
      if (!is_same_sort(list[i].finding, finding)) continue;
      list[i].finding.count += finding.count;
      return;
    }
    if (kept < fuselab_maximum_findings) list[kept] = {block, kept, finding}, ++kept;
  }

  /// Takes in those of another host thread; the earliest of each sort stays.
  void merge(const Findings& other) {
    count += other.count;
    for (int i = 0; i < other.kept; ++i) {
      const Kept& theirs = other.list[i];
      int at = 0;
      while (at < kept && !is_same_sort(list[at].finding, theirs.finding)) ++at;
      if (at < kept) {
        const int64_t both = list[at].finding.count + theirs.finding.count;
        const bool is_earlier = theirs.block < list[at].block;
        Kept first = is_earlier ? theirs : list[at];
        first.finding.count = both;
        remove(at);
        insert(first);
      } else if (kept < fuselab_maximum_findings || comes_before(theirs, list[kept - 1])) {
        if (kept == fuselab_maximum_findings) --kept;
        insert(theirs);
      }
    }
  }

 private:
  static bool comes_before(const Kept& a, const Kept& b) {
    return a.block != b.block ? a.block < b.block : a.number < b.number;
  }

  void remove(int at) {
    --kept;
    for (int i = at; i < kept; ++i) list[i] = list[i + 1];
  }

  void insert(const Kept& item) {
    int at = kept++;
    for (; at > 0 && comes_before(item, list[at - 1]); --at) list[at] = list[at - 1];
    list[at] = item;
  }
};

}  // namespace emu
