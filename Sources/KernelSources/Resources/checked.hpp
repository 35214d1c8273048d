// Check mode: what each access to shared and global memory must hold.
//
// A cell stands for a word of shared memory, or for one of its bytes once an access is narrower. An earlier access is
// ordered before this one if the block has met since, or if it was of this thread, or of this warp and the warp has met
// since (`__syncwarp` counts for the whole warp, whatever its mask).
#pragma once

namespace emu {

__attribute__((always_inline)) inline bool is_ordered(uint32_t time, uint16_t who) {
  return time < now.block_met || who == now.me ||
         (who < lanes_of_warp && who / warp_lanes == now.my_warp && time < now.warp_met);
}

/// Whether a read breaks no rule; else what it breaks is noted.
inline bool may_read(const Cell& cell, Place place, int window, int64_t index) {
  if (cell.written == on_its_way) {
    found(fuselab_copy_not_awaited, place, window_name(window), index, cell.write_line, cell.writer);
  } else if (cell.written < now.block_began || cell.written == 0) {
    found(fuselab_uninitialised_shared, place, window_name(window), index);
  } else if (!is_ordered(cell.written, cell.writer)) {
    found(fuselab_read_after_write, place, window_name(window), index, cell.write_line, cell.writer);
  } else {
    return true;
  }
  return false;
}

/// Whether the stamp allows any lane, or any of this warp, to read.
__attribute__((always_inline)) inline bool is_current(Stamp stamp) {
  return __builtin_expect(stamp == now.block_met, 1) || stamp == now.warp_met;
}

/// Notes that a lane reads, and whether from now on any lane, or any of its warp, may.
__attribute__((always_inline)) inline void note_read(Cell& cell, Stamp& stamp, int line, bool is_sound) {
  const uint16_t warp = uint16_t(lanes_of_warp | now.my_warp);
  const bool of_warp = cell.reader == warp || (cell.reader < lanes_of_warp && cell.reader / warp_lanes == now.my_warp);
  if (cell.read < now.block_met || cell.reader == now.me || (of_warp && cell.read < now.warp_met)) {
    cell.reader = now.me;
  } else if (of_warp) {
    cell.reader = warp;
    if (is_sound) stamp = now.warp_met;
  } else {
    cell.reader = lanes_of_many;
    if (is_sound) stamp = now.block_met;
  }
  cell.read = now.warp_met;
  cell.read_line = uint16_t(line);
}

/// Notes a read of what was written before the block last met, as most are. False of any other, of which nothing is
/// noted. A call that takes little, since it stands at every read.
__attribute__((noinline)) inline bool note_if_old(Cell& cell, Stamp& stamp, int line) {
  if (cell.written < now.block_began || cell.written >= now.block_met) return false;
  note_read(cell, stamp, line, true);
  return true;
}

__attribute__((noinline)) inline void check_read_slowly(
    Cell& cell, Stamp& stamp, Place place, int window, int64_t index) {
  const bool is_sound = may_read(cell, place, window, index) && cell.written < now.block_met;
  note_read(cell, stamp, place.line, is_sound);
}

__attribute__((noinline)) inline void check_write_slowly(
    Cell& cell, Stamp& stamp, Place place, int window, int64_t index) {
  stamp = 0;
  if (cell.written == on_its_way) {
    found(fuselab_copy_not_awaited, place, window_name(window), index, cell.write_line, cell.writer);
  } else if (!is_ordered(cell.written, cell.writer)) {
    found(fuselab_write_after_write, place, window_name(window), index, cell.write_line, cell.writer);
  }
  if (cell.read >= now.block_met) {
    const bool mine = (lanes_of_warp | now.my_warp) == cell.reader;
    const bool ordered = mine ? cell.read < now.warp_met : is_ordered(cell.read, cell.reader);
    if (!ordered) {
      const int other = cell.reader < lanes_of_warp ? cell.reader : mine ? now.my_warp * warp_lanes : -1;
      found(fuselab_write_after_read, place, window_name(window), index, cell.read_line, other);
    }
  }
}

__attribute__((always_inline)) inline void note_write(Cell& cell, Place place) {
  cell.written = now.warp_met;
  cell.writer = now.me;
  cell.write_line = uint16_t(place.line) & 0x7fff;
}

/// Whether nobody has touched what the cell stands for since the block last met.
__attribute__((always_inline)) inline bool is_fresh(const Cell& cell) {
  return (cell.written < now.block_met) & (cell.read < now.block_met);
}

/// A word's cell and stamp, and its bytes' a plane further on each. Words go by value: an address taken on the rare way
/// would keep them in memory on the common one.
struct Word {
  Cell* cell;
  Stamp* stamp;
  uint32_t plane;

  __attribute__((always_inline)) Word byte(uint32_t b) const {
    return {cell + (1 + b) * plane, stamp + (1 + b) * plane, plane};
  }
};

/// From here on each byte has its own cell.
inline void split(Word word) {
  for (uint32_t b = 0; b < 4; ++b) *word.byte(b).cell = *word.cell;
  word.cell->is_split = 1;
  word.cell->written = on_its_way;
}

inline void write_byte(Word word, uint32_t b, Place place, int window, int64_t index) {
  const Word byte = word.byte(b);
  *word.stamp = 0;
  if (!is_fresh(*byte.cell)) check_write_slowly(*byte.cell, *byte.stamp, place, window, index);
  note_write(*byte.cell, place);
}

__attribute__((noinline)) inline void read_slowly(Word word, Place place, int window, int64_t index, int element_bytes) {
  if (!word.cell->is_split) return check_read_slowly(*word.cell, *word.stamp, place, window, index);
  bool is_anyones = true;
  for (uint32_t b = 0; b < 4; ++b) {
    const Word byte = word.byte(b);
    if (!is_current(*byte.stamp)) check_read_slowly(*byte.cell, *byte.stamp, place, window, index + b / element_bytes);
    is_anyones &= *byte.stamp == now.block_met;
  }
  if (is_anyones) *word.stamp = now.block_met;
}

__attribute__((noinline)) inline void write_slowly(Word word, Place place, int window, int64_t index, int element_bytes) {
  if (!word.cell->is_split) {
    check_write_slowly(*word.cell, *word.stamp, place, window, index);
    return note_write(*word.cell, place);
  }
  for (uint32_t b = 0; b < 4; ++b) write_byte(word, b, place, window, index + b / element_bytes);
}

__attribute__((noinline)) inline void read_byte_slowly(Word word, uint32_t b, Place place, int window, int64_t index) {
  if (!word.cell->is_split) split(word);
  const Word byte = word.byte(b);
  check_read_slowly(*byte.cell, *byte.stamp, place, window, index);
}

__attribute__((noinline)) inline void write_byte_slowly(Word word, uint32_t b, Place place, int window, int64_t index) {
  if (!word.cell->is_split) split(word);
  write_byte(word, b, place, window, index);
}

/// An access to a whole word; `index` is its first element's.
template <bool write>
__attribute__((always_inline)) inline void check_word(Word word, Place place, int window, int64_t index, int element_bytes) {
  if constexpr (write) {
    if (__builtin_expect(!is_fresh(*word.cell), 0)) return write_slowly(word, place, window, index, element_bytes);
    note_write(*word.cell, place);
  } else if (!is_current(*word.stamp) && !note_if_old(*word.cell, *word.stamp, place.line)) {
    read_slowly(word, place, window, index, element_bytes);
  }
}

/// To a byte; a word that any lane may read is not split by a read.
template <bool write>
__attribute__((always_inline)) inline void check_byte(Word word, uint32_t b, Place place, int window, int64_t index) {
  const Word byte = word.byte(b);
  if constexpr (write) {
    // The cells of a word that was never split are blank.
    const bool is_fast = word.cell->is_split & (*word.stamp != now.block_met) & is_fresh(*byte.cell);
    if (__builtin_expect(!is_fast, 0)) return write_byte_slowly(word, b, place, window, index);
    note_write(*byte.cell, place);
  } else if (__builtin_expect(*byte.stamp != now.block_met, 0) && !is_current(*word.stamp) && !is_current(*byte.stamp)) {
    read_byte_slowly(word, b, place, window, index);
  }
}

/// Whether anybody may read all of `words` words, 2 or 4 of them.
__attribute__((always_inline)) inline bool are_anyones(const Stamp* stamps, int words) {
  static_assert(sizeof(Stamp) == 4);
  const uint64_t wanted = now.block_met * 0x1'0000'0001ull;
  uint64_t pairs[2] = {wanted, wanted};
  memcpy(pairs, stamps, 8);
  if (words == 4) memcpy(pairs + 1, stamps + 2, 8);
  return ((pairs[0] ^ wanted) | (pairs[1] ^ wanted)) == 0;
}

/// An access of `size` bytes, `offset` bytes from the word that `first` is; `index` is the first element's.
template <bool write>
__attribute__((always_inline)) inline void check_shared(
    Word first, uint32_t offset, int size, int element_bytes, Place place, int window, int64_t index) {
  if (size % 4 == 0) {
    if (!write && (size == 8 || size == 16) && __builtin_expect(are_anyones(first.stamp + offset / 4, size / 4), 1)) return;
    for (int at = 0; at < size; at += 4) {
      const uint32_t word = (offset + at) / 4;
      check_word<write>(
          {first.cell + word, first.stamp + word, first.plane}, place, window, index + at / element_bytes, element_bytes);
    }
  } else {
    for (int at = 0; at < size; ++at) {
      const uint32_t word = (offset + at) / 4, byte = (offset + at) % 4;
      check_byte<write>(
          {first.cell + word, first.stamp + word, first.plane}, byte, place, window, index + at / element_bytes);
    }
  }
}

/// Calls `body` with each cell that stands for some of the `size` bytes from `offset`.
template <class Body> inline void for_each_cell(Word first, uint32_t offset, uint32_t size, Body body) {
  for (uint32_t byte = offset, end = offset + size; byte < end;) {
    const Word word = {first.cell + byte / 4, first.stamp + byte / 4, first.plane};
    const uint32_t next = byte / 4 * 4 + 4 < end ? byte / 4 * 4 + 4 : end;
    if (!word.cell->is_split) body(*word.cell);
    else
      for (uint32_t b = byte; b < next; ++b) body(*word.byte(b % 4).cell);
    byte = next;
  }
}

/// An asynchronous copy that its thread has not waited for.
struct Copy {
  Word word;
  uint32_t offset, size;
};

/// Those of one thread.
struct Copies {
  Copy* list;
  int count, room;

  /// Notes one whose cells have been checked as written. Where the machine has no memory for it, it counts as done.
  __attribute__((noinline)) void add(const Copy& copy) {
    if (count == room) {
      void* const memory = realloc(list, size_t(room + 64) * 2 * sizeof(Copy));
      if (memory == nullptr) return;
      list = static_cast<Copy*>(memory);
      room = (room + 64) * 2;
    }
    list[count++] = copy;
    for_each_cell(copy.word, copy.offset, copy.size, [](Cell& cell) { cell.written = on_its_way; });
  }

  __attribute__((noinline)) void finish(uint32_t time) {
    for (int i = 0; i < count; ++i) {
      for_each_cell(list[i].word, list[i].offset, list[i].size, [&](Cell& cell) {
        if (cell.written == on_its_way) cell.written = time;
      });
    }
    count = 0;
  }
};

/// A writer: block (from 1), thread, line.
inline uint64_t writer_mark(Place place) {
  const uint64_t block = (uint64_t(now.block.z) * now.blocks.y + now.block.y) * now.blocks.x + now.block.x + 1;
  return block << 32 | uint64_t(now.me) << 22 | uint64_t(place.line & 0x3fffff);
}

/// Keeps the first write of the first and of the last block that write an element; atomic, since blocks run at once.
__attribute__((noinline)) inline void mark_write(Mark& mark, Place place) {
  const uint64_t own = writer_mark(place);
  uint64_t seen = __atomic_load_n(&mark.first, __ATOMIC_RELAXED);
  while ((seen == 0 || own >> 32 < seen >> 32) &&
         !__atomic_compare_exchange_n(&mark.first, &seen, own, true, __ATOMIC_RELAXED, __ATOMIC_RELAXED)) {
  }
  seen = __atomic_load_n(&mark.last, __ATOMIC_RELAXED);
  while (own >> 32 > seen >> 32 &&
         !__atomic_compare_exchange_n(&mark.last, &seen, own, true, __ATOMIC_RELAXED, __ATOMIC_RELAXED)) {
  }
}

/// A block may read of the output what it has written itself.
__attribute__((noinline)) inline void check_marked_read(const Mark& mark, Place place, const char* name, int64_t index) {
  const uint64_t own = writer_mark(place) >> 32;
  if (__atomic_load_n(&mark.first, __ATOMIC_RELAXED) >> 32 != own &&
      __atomic_load_n(&mark.last, __ATOMIC_RELAXED) >> 32 != own) {
    found(fuselab_uninitialised_output, place, name, index);
  }
}

}  // namespace emu
