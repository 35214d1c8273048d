// The inner loop of caches that are only read: a stream of line accesses against sets of packed entries.
#pragma once
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
  /// Entries of a vector. A set has whole vectors.
  fuselab_entries_per_vector = 16,
  /// The widest set that `fuselab_load_lines` knows.
  fuselab_most_vectors = 4,
  fuselab_causes = 8,
  /// Sets of instructions by number: any processor's, AVX2, AVX-512.
  fuselab_any_processor = 0,
  fuselab_avx2 = 1,
  fuselab_avx512 = 2,
};

/// A cache. An entry is a line's number, counted from `first`, plus one, times 2^sectors, and a bit for each sector
/// that is valid; 0 is an empty place. A set's lines stand most recent first, and places beyond `ways` stay empty.
typedef struct {
  uint32_t *entries;
  /// 1, 2 or 4.
  uint32_t vectors;
  uint32_t ways;
  /// Sectors of a line, at most 8.
  uint32_t sectors;
  uint64_t first;
  /// What is added to a line's number, counted from `first`, before the remainder by `sets` is taken.
  uint64_t turn;
  uint64_t sets;
  /// 2^64 / sets, rounded up; unused where `sets` is a power of two.
  uint64_t magic;
} fuselab_line_sets;

/// Accesses of a stream, or what is missing of them: line number times 2^16, cause times 2^8, a bit for each sector.
typedef struct {
  /// Sectors that were there, by cause, and that were not. With one cause for all no hits are counted: they are what the
  /// stream asks for and does not miss.
  uint64_t hits[fuselab_causes];
  uint64_t misses[fuselab_causes];
  /// The bits that any line's number has, counted from `first`.
  uint64_t lines;
  /// Accesses written to `missed`.
  size_t missed;
} fuselab_line_answers;

/// Loads every access in turn.
/// - cause: Of all of them; negative where each has its own.
/// - missed: Room for as many accesses as the stream has; gets the sectors that were not there, in the same order.
/// - instructions: At most `fuselab_best_instructions()`. No answer depends on it.
fuselab_line_answers fuselab_load_lines(
    const fuselab_line_sets *sets, const uint64_t *stream, size_t count, int32_t cause, uint64_t *missed,
    int32_t instructions);

/// The best set of instructions that this processor has.
int32_t fuselab_best_instructions(void);

#ifdef __cplusplus
}
#endif
