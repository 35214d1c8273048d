// `FN(use)` in AVX-512: entries and masks stay in vector and mask registers, which the way through the others would delay.

/// Makes the line of `tag` the first of its set, with the sectors of `mask` among the valid ones. Returns the entry that
/// it had, or 0.
template <int vectors>
TARGET static inline __attribute__((always_inline)) uint32_t FN(use)(
    uint32_t *set, uint32_t tag, uint32_t mask, uint32_t sectors, uint64_t places) {
  const __m512i tags = _mm512_set1_epi32((int)tag), limit = _mm512_set1_epi32((int)(1u << sectors));
  __m512i before[vectors];
  __m512i had = _mm512_setzero_si512();
  __mmask64 found = 0;
  for (int v = 0; v < vectors; v++) {
    before[v] = _mm512_loadu_si512(set + v * fuselab_entries_per_vector);
    const __mmask16 isEqual = _mm512_cmplt_epu32_mask(_mm512_xor_si512(before[v], tags), limit);
    had = _mm512_or_si512(had, _mm512_maskz_compress_epi32(isEqual, before[v]));
    found |= (uint64_t)isEqual << (16 * v);
  }
  // Up to the entry that it had, or all.
  const __mmask64 moved =
      vectors == 1 ? (__mmask64)_kand_mask16(
                         (__mmask16)places, _kxor_mask16((__mmask16)found, _kadd_mask16((__mmask16)found, 0xffff)))
                   : (found ^ (found - 1)) & places;
  const __m128i head = _mm_or_si128(_mm512_castsi512_si128(had), _mm_cvtsi32_si128((int)(tag | mask)));
  __m512i carried = _mm512_broadcastd_epi32(head);
  for (int v = 0; v < vectors; v++) {
    const __mmask16 moves = (__mmask16)(moved >> (16 * v));
    _mm512_storeu_si512(
        set + v * fuselab_entries_per_vector,
        _mm512_mask_alignr_epi32(before[v], moves, before[v], carried, 15));
    carried = before[v];
  }
  return (uint32_t)_mm_cvtsi128_si32(_mm512_castsi512_si128(had));
}
