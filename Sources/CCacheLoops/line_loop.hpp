// The loop for one set of instructions, `TARGET`, named by `FN`. A set is handled as a whole and without branches, for
// hits and misses follow no pattern that a processor could learn: all its entries are compared with the line, and those
// before the one that it had, or before the last, move up by one. `FN(use)` does this; the includer defines it.

template <int vectors, bool isForced, bool isPower>
TARGET static void FN(load)(
    const fuselab_line_sets &cache, const uint64_t *stream, size_t count, uint64_t forced, uint64_t *missed,
    fuselab_line_answers &answers) {
  const uint64_t first = cache.first, turn = cache.turn, magic = cache.magic, sets = cache.sets;
  const FN(Constants) constants(cache);
  uint32_t *const entries = cache.entries;
  uint64_t lines = 0;
  size_t next = 0, index = 0;
  while (index < count) {
    // A count of 8 sectors 31 times fits a byte, so that all causes fit a word.
    const size_t end = isForced || count - index < 31 ? count : index + 31;
    uint64_t asked = 0, lost = 0;
#pragma clang loop unroll_count(4)
    for (; index < end; index++) {
      const uint64_t access = stream[index];
      // Bits below the line's number do no harm.
      const uint64_t line = access - (first << 16);
      const uint32_t mask = (uint32_t)(access & 0xff);
      const uint64_t set =
          isPower ? access >> 16 & (sets - 1)
                  : (uint64_t)((unsigned __int128)(magic * ((line >> 16) + turn)) * sets >> 64);
      const uint32_t found =
          FN(use)<vectors>(entries + set * (vectors * fuselab_entries_per_vector), stream + index, constants);
      const uint32_t fresh = mask & ~found;
      const uint64_t cause = isForced ? forced : access & 0x700;
      const uint64_t place = isForced ? 0 : cause >> 5;
      if (!isForced) asked += (uint64_t)__builtin_popcount(mask) << place;
      lost += (uint64_t)__builtin_popcount(fresh) << place;
      // Written in any case, kept if it missed.
      missed[next] = (access & ~0xffffull) | cause | fresh;
      next += fresh != 0;
      lines |= line;
    }
    if (isForced) {
      answers.misses[forced >> 8] += lost;
    } else {
      for (int cause = 0; cause < fuselab_causes; cause++) {
        const uint64_t gone = lost >> (8 * cause) & 0xff;
        answers.hits[cause] += (asked >> (8 * cause) & 0xff) - gone;
        answers.misses[cause] += gone;
      }
    }
  }
  answers.missed = next;
  answers.lines = lines >> 16;
}

template <int vectors>
static void FN(choose)(
    const fuselab_line_sets &cache, const uint64_t *stream, size_t count, int32_t cause, uint64_t *missed,
    fuselab_line_answers &answers) {
  const bool isPower = (cache.sets & (cache.sets - 1)) == 0;
  const uint64_t forced = cause < 0 ? 0 : (uint64_t)cause << 8;
  const auto loop = cause < 0 ? isPower ? FN(load)<vectors, false, true> : FN(load)<vectors, false, false>
                              : isPower ? FN(load)<vectors, true, true> : FN(load)<vectors, true, false>;
  loop(cache, stream, count, forced, missed, answers);
}

static void FN(answer)(
    const fuselab_line_sets &cache, const uint64_t *stream, size_t count, int32_t cause, uint64_t *missed,
    fuselab_line_answers &answers) {
  const auto loop = cache.vectors == 1 ? FN(choose)<1> : cache.vectors == 2 ? FN(choose)<2> : FN(choose)<4>;
  loop(cache, stream, count, cause, missed, answers);
}
