// Record mode: what the lanes of a warp access together, as requests.
//
// A lane runs alone until it must meet others, and logs the offset of each access, active or not. When all lanes of
// the warp have stopped, step `i` of each is one warp instruction. The log is short: a lane that fills it stops too.
#pragma once

namespace emu {

/// No access: the lane's predicate does not hold, or the lane has no such step.
constexpr uint32_t inactive = 0xffffffffu;
constexpr uint32_t log_steps = 1024;

/// What all lanes of a step share: line, array, space, direction, bytes a lane.
constexpr uint64_t step_key(int line, int array, bool is_shared, bool is_write, int size) {
  return uint64_t(size) << 48 | uint64_t(is_write) << 41 | uint64_t(is_shared) << 40 | uint64_t(array) << 32 |
         uint32_t(line);
}
constexpr int key_line(uint64_t key) { return int(uint32_t(key)); }
constexpr int key_array(uint64_t key) { return int(key >> 32 & 0xff); }
constexpr bool key_is_shared(uint64_t key) { return key >> 40 & 1; }
constexpr bool key_is_write(uint64_t key) { return key >> 41 & 1; }
constexpr uint32_t key_size(uint64_t key) { return uint32_t(key >> 48); }

struct Site {
  uint64_t key;
  fuselab_site totals;
};

/// Totals of a host thread by line, array and direction, in a hash table that is never full.
struct Sites {
  static constexpr int maximum = 4096;
  Site list[maximum];
  int count;
  uint16_t slots[4 * maximum];  // 1 + place in the list

  int find(uint64_t key, const char* file) {
    const uint64_t mixed = (key ^ reinterpret_cast<uintptr_t>(file)) * 0x9e3779b97f4a7c15ull;
    for (uint32_t slot = uint32_t(mixed >> 32);; ++slot) {
      uint16_t& entry = slots[slot % (4 * maximum)];
      if (entry != 0 && list[entry - 1].key == key && list[entry - 1].totals.file == file) return entry - 1;
      if (entry != 0) continue;
      // Lines beyond the maximum are counted as the last one's; the totals of arrays stay right only up to there.
      if (count == maximum) return maximum - 1;
      entry = uint16_t(++count);
      Site& site = list[count - 1];
      memset(&site, 0, sizeof site);
      site.key = key;
      site.totals.file = file;
      site.totals.line = key_line(key);
      site.totals.is_shared = key_is_shared(key);
      site.totals.is_write = key_is_write(key);
      site.totals.array = key_array(key);
      return count - 1;
    }
  }
};

/// One warp's log, and whose turn its lanes are at.
struct Recorder {
  uint32_t offsets[warp_lanes][log_steps];
  uint64_t keys[log_steps];
  uint16_t sites[log_steps];
  /// Steps of the lanes that have run since the last requests were counted; later keys are of no meaning.
  uint32_t longest;
  uint32_t steps[warp_lanes];
  bool disagrees[warp_lanes];
  Sites totals;
};

/// A step whose key is not what the log has: the first lane to get here names it, any later one disagrees.
/// Returns whether the access is to be logged.
bool begin_step(uint64_t key, Place place);

/// The lane's log is full: waits until the warp's is counted.
void flush_log();

__attribute__((always_inline)) inline void record(uint64_t key, uint32_t offset, Place place) {
  if (__builtin_expect(now.step == log_steps, 0)) flush_log();
  const uint32_t step = now.step;
  if (__builtin_expect(now.keys[step] != key, 0) && !begin_step(key, place)) offset = inactive;
  now.log[step] = offset;
  now.step = step + 1;
}

/// Sectors, lines and bytes of one request: a sweep over the lanes' addresses in ascending order.
inline void count_global(uint64_t* addresses, int count, uint32_t size, fuselab_site& totals) {
  for (int i = 1; i < count; ++i) {
    const uint64_t address = addresses[i];
    int at = i;
    for (; at > 0 && addresses[at - 1] > address; --at) addresses[at] = addresses[at - 1];
    addresses[at] = address;
  }
  uint64_t end = 0, next_sector = 0, next_line = 0;
  int64_t bytes = 0, sectors = 0, lines = 0;
  for (int i = 0; i < count; ++i) {
    const uint64_t first = addresses[i] > end ? addresses[i] : end, last = addresses[i] + size;
    if (first >= last) continue;
    bytes += int64_t(last - first);
    end = last;
    const uint64_t sector = first / 32 > next_sector ? first / 32 : next_sector, sectors_end = (last + 31) / 32;
    if (sectors_end > sector) sectors += int64_t(sectors_end - sector), next_sector = sectors_end;
    const uint64_t line = first / 128 > next_line ? first / 128 : next_line, lines_end = (last + 127) / 128;
    if (lines_end > line) lines += int64_t(lines_end - line), next_line = lines_end;
  }
  totals.bytes += bytes;
  totals.sectors += sectors;
  totals.lines += lines;
}

/// Whether the lanes of a range have each the offset of the lane `apart` from it, as far as both take part.
inline bool shares_offsets(const uint32_t* offsets, uint32_t apart) {
  for (uint32_t lane = 0; lane < warp_lanes; ++lane) {
    const uint32_t own = offsets[lane], other = offsets[lane ^ apart];
    if (own != other && own != inactive && other != inactive) return false;
  }
  return true;
}

/// Wavefronts of one access to 32 banks of 4 bytes. 8 and 16 bytes a lane go by halves and quarters of the warp; of a read whose
/// lanes share offsets with their neighbours, or all with the lanes two apart, two of these together; each goes through the banks as
/// often as some bank has different words to give.
inline void count_shared(const uint32_t* offsets, uint32_t size, bool is_write, fuselab_site& totals) {
  const uint32_t words = size > 4 ? size / 4 : 1;
  const bool is_joined = !is_write && words > 1 && (shares_offsets(offsets, 1) || shares_offsets(offsets, 2));
  const uint32_t lanes = (is_joined ? 2 : 1) * warp_lanes / words;
  for (uint32_t begin = 0; begin < warp_lanes; begin += lanes) {
    uint32_t wanted[32][32], passes = 0;
    uint8_t counts[32] = {};
    for (uint32_t lane = begin; lane < begin + lanes; ++lane) {
      if (offsets[lane] == inactive) continue;
      for (uint32_t part = 0; part < words; ++part) {
        const uint32_t word = offsets[lane] / 4 + part, bank = word % 32;
        uint32_t seen = 0;
        while (seen < counts[bank] && wanted[bank][seen] != word) ++seen;
        if (seen < counts[bank]) continue;
        wanted[bank][seen] = word;
        counts[bank] = uint8_t(seen + 1);
        if (seen + 1 > passes) passes = seen + 1;
      }
    }
    totals.wavefronts += passes;
    if (passes > 1) totals.conflicts += passes - 1;
  }
}

/// Whether all lanes have the same offset, or each the one that follows its neighbour's. Goes over the steps in the
/// inner loop, so that a vector holds steps, not lanes.
inline void find_patterns(
    const Recorder& r, uint32_t from, uint32_t steps, uint32_t* is_uniform, uint32_t* is_consecutive) {
  uint32_t expected[32], size[32];
  for (uint32_t i = 0; i < steps; ++i) {
    is_uniform[i] = ~0u;
    is_consecutive[i] = r.offsets[0][from + i] == inactive ? 0 : ~0u;
    expected[i] = r.offsets[0][from + i];
    size[i] = key_size(r.keys[from + i]);
  }
  for (int lane = 1; lane < warp_lanes; ++lane) {
    const uint32_t *own = r.offsets[lane] + from, *first = r.offsets[0] + from;
    for (uint32_t i = 0; i < steps; ++i) {
      expected[i] += size[i];
      is_uniform[i] &= own[i] == first[i] ? ~0u : 0;
      is_consecutive[i] &= own[i] == expected[i] ? ~0u : 0;
    }
  }
}

inline void count_step(Recorder& r, uint32_t step, bool is_uniform, bool is_consecutive, const Tensor* tensors) {
  const uint64_t key = r.keys[step];
  fuselab_site& totals = r.totals.list[r.sites[step]].totals;
  const uint32_t size = key_size(key);
  ++totals.instructions;
  if (is_uniform && r.offsets[0][step] == inactive) return;
  if (key_is_shared(key) && (is_uniform || is_consecutive)) {
    // No two words of a phase in one bank. Lanes that read one place read it in pairs, which halves the phases.
    const uint32_t words = size > 4 ? size / 4 : 1;
    ++totals.requests;
    totals.wavefronts += is_uniform && !key_is_write(key) && words > 1 ? words / 2 : words;
    return;
  }
  uint32_t offsets[warp_lanes];
  for (int lane = 0; lane < warp_lanes; ++lane) offsets[lane] = r.offsets[lane][step];
  if (key_is_shared(key)) {
    ++totals.requests;
    return count_shared(offsets, size, key_is_write(key), totals);
  }
  uint64_t addresses[warp_lanes];
  const uint64_t base = tensors[key_array(key)].description->address;
  if (is_uniform || is_consecutive) {
    addresses[0] = base + offsets[0];
    ++totals.requests;
    return count_global(addresses, 1, is_uniform ? size : size * warp_lanes, totals);
  }
  int active = 0;
  for (int lane = 0; lane < warp_lanes; ++lane) {
    if (offsets[lane] != inactive) addresses[active++] = base + offsets[lane];
  }
  if (active == 0) return;
  ++totals.requests;
  count_global(addresses, active, size, totals);
}

/// Counts the requests of all lanes that have run.
__attribute__((noinline)) inline void count_requests(Recorder& r, const Tensor* tensors) {
  for (int lane = 0; lane < warp_lanes; ++lane) {
    for (uint32_t step = r.steps[lane]; step < r.longest; ++step) r.offsets[lane][step] = inactive;
    r.steps[lane] = 0;
    r.disagrees[lane] = false;
  }
  for (uint32_t from = 0; from < r.longest; from += 32) {
    const uint32_t steps = r.longest - from < 32 ? r.longest - from : 32;
    uint32_t is_uniform[32], is_consecutive[32];
    find_patterns(r, from, steps, is_uniform, is_consecutive);
    for (uint32_t i = 0; i < steps; ++i) {
      count_step(r, from + i, is_uniform[i] != 0, is_consecutive[i] != 0, tensors);
    }
  }
  r.longest = 0;
}

}  // namespace emu
