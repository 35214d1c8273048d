// `FN(use)` in vectors that the compiler splits as the target needs.

/// What all accesses have in common.
struct FN(Constants) {
  uint32_t first, sectors;
  uint64_t places;

  inline __attribute__((always_inline)) FN(Constants)(const fuselab_line_sets &cache)
      : first((uint32_t)cache.first), sectors(cache.sectors),
        places(cache.ways == 64 ? ~0ull : (1ull << cache.ways) - 1) {}
};

/// Makes the line of `access` the first of its set, with the sectors that it asks for among the valid ones. Returns the entry that
/// it had, or 0.
template <int vectors>
TARGET static inline __attribute__((always_inline)) uint32_t FN(use)(
    uint32_t *set, const uint64_t *access, const FN(Constants) &constants) {
  const uint32_t sectors = constants.sectors, mask = (uint32_t)(*access & 0xff);
  const uint32_t tag = ((uint32_t)(*access >> 16) - constants.first + 1) << sectors;
  Entries before[vectors];
  uint64_t found = 0;
  for (int v = 0; v < vectors; v++) {
    before[v] = *(const Entries *)(set + v * fuselab_entries_per_vector);
    const auto isEqual = (before[v] ^ ((Entries){} + tag)) < (Entries){} + (1u << sectors);
    found |= (uint64_t)__builtin_bit_cast(uint16_t, __builtin_convertvector(isEqual, Flags)) << (16 * v);
  }
  uint32_t had = set[__builtin_ctzll(found | 1ull << (16 * vectors - 1))];
  asm("" : "+r"(had));  // read in any case, so that no branch skips it
  had = found ? had : 0;
  const uint64_t moved = (found ^ (found - 1)) & constants.places;
  Entries carried = (Entries){} + (had | tag | mask);
  for (int v = 0; v < vectors; v++) {
    const Entries shifted = __builtin_shufflevector(
        carried, before[v], 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30);
    const auto moves =
        __builtin_convertvector(__builtin_bit_cast(Flags, (uint16_t)(moved >> (16 * v))), Entries) != 0;
    *(Entries *)(set + v * fuselab_entries_per_vector) = moves ? shifted : before[v];
    carried = before[v];
  }
  return had;
}
