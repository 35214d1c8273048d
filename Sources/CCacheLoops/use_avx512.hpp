// `FN(use)` in AVX-512. What limits it is the one port that moves entries between lanes, so a line's number and mask come from memory
// to all lanes at once, which does not need it, and never pass through the other registers.

/// What all accesses have in common.
struct FN(Constants) {
  /// Bits of the sectors; what a line's number times 2^sectors lacks of its entry; an entry of no line; the bits of a mask.
  __m512i shift, addend, limit, mask;
  /// All bits of the ways.
  __m512i places[fuselab_most_vectors];

  TARGET inline __attribute__((always_inline)) FN(Constants)(const fuselab_line_sets &cache)
      : shift(_mm512_set1_epi32((int)cache.sectors)),
        addend(_mm512_set1_epi32((int)((1 - (uint32_t)cache.first) << cache.sectors))),
        limit(_mm512_set1_epi32((int)(1u << cache.sectors))), mask(_mm512_set1_epi32(0xff)) {
    const uint64_t ways = cache.ways == 64 ? ~0ull : (1ull << cache.ways) - 1;
    for (int v = 0; v < fuselab_most_vectors; v++) places[v] = _mm512_movm_epi32((__mmask16)(ways >> (16 * v)));
  }
};

/// Four bytes of memory in every lane. Written out, for the compiler would take them from a register that has them.
TARGET static inline __attribute__((always_inline)) __m512i FN(everywhere)(const char *from) {
  __m512i lanes;
  asm("vpbroadcastd %1, %0" : "=v"(lanes) : "m"(*(const char(*)[4])from));
  return lanes;
}

/// Makes the line of `access` the first of its set, with the sectors that it asks for among the valid ones. Returns the entry that
/// it had, or 0.
template <int vectors>
TARGET static inline __attribute__((always_inline)) uint32_t FN(use)(
    uint32_t *set, const uint64_t *access, const FN(Constants) &constants) {
  // The number begins at the access's third byte; what a number of 32 bits lacks, an entry lacks as well.
  const __m512i number = FN(everywhere)((const char *)access + 2), low = FN(everywhere)((const char *)access);
  const __m512i tags = _mm512_add_epi32(_mm512_sllv_epi32(number, constants.shift), constants.addend);
  const __m512i made = _mm512_ternarylogic_epi32(tags, low, constants.mask, 0xf8);  // tags | low & mask
  __m512i before[vectors];
  __m512i had = _mm512_setzero_si512();
  __mmask64 found = 0;
  for (int v = 0; v < vectors; v++) {
    before[v] = _mm512_loadu_si512(set + v * fuselab_entries_per_vector);
    const __mmask16 isEqual = _mm512_cmplt_epu32_mask(_mm512_xor_si512(before[v], tags), constants.limit);
    had = _mm512_or_si512(had, _mm512_maskz_compress_epi32(isEqual, before[v]));
    found |= (uint64_t)isEqual << (16 * v);
  }
  // Up to the entry that it had, or all.
  const __mmask64 moved = vectors == 1
                              ? (__mmask64)_kxor_mask16((__mmask16)found, _kadd_mask16((__mmask16)found, 0xffff))
                              : found ^ (found - 1);
  __m512i carried = made;
  for (int v = 0; v < vectors; v++) {
    const __mmask16 moves = (__mmask16)(moved >> (16 * v));
    const __m512i after = _mm512_mask_alignr_epi32(before[v], moves, before[v], carried, 15);
    // Compressed, the entry stands in the first place and nothing in the others; places beyond the ways stay empty.
    const __m512i beside = v == 0 ? had : _mm512_setzero_si512();
    _mm512_storeu_si512(
        set + v * fuselab_entries_per_vector,
        _mm512_ternarylogic_epi32(after, beside, constants.places[v], 0xa8));  // (after | beside) & places
    carried = before[v];
  }
  return (uint32_t)_mm_cvtsi128_si32(_mm512_castsi512_si128(had));
}
