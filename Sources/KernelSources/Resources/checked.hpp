// Check mode: what each access to shared and global memory must hold.
//
// A cell stands for a word of shared memory, or for one of its bytes where elements are narrower. An earlier access is
// ordered before this one if the block has met since, or if it was of this thread, or of this warp and the warp has met
// since (`__syncwarp` counts for the whole warp, whatever its mask).
#pragma once

namespace emu {

__attribute__((always_inline)) inline bool is_ordered(uint32_t time, uint16_t who) {
  return time < now.block_met || who == now.me ||
         (who < lanes_of_warp && who / warp_lanes == now.my_warp && time < now.warp_met);
}

__attribute__((noinline)) inline void check_read_slowly(Cell& cell, Place place, int window, int64_t index) {
  if (cell.written == on_its_way) {
    found(fuselab_copy_not_awaited, place, window_name(window), index, cell.write_line, cell.writer);
  } else if (cell.written < now.block_began || cell.written == 0) {
    found(fuselab_uninitialised_shared, place, window_name(window), index);
  } else if (!is_ordered(cell.written, cell.writer)) {
    found(fuselab_read_after_write, place, window_name(window), index, cell.write_line, cell.writer);
  }
  const uint16_t warp = uint16_t(lanes_of_warp | now.my_warp);
  const bool of_warp = cell.reader == warp || (cell.reader < lanes_of_warp && cell.reader / warp_lanes == now.my_warp);
  if (cell.read < now.block_met || cell.reader == now.me || (of_warp && cell.read < now.warp_met)) {
    cell.reader = now.me;
  } else if (of_warp) {
    cell.reader = warp;
  } else {
    cell.reader = lanes_of_many;
  }
  cell.read = now.warp_met;
  cell.read_line = uint16_t(place.line);
}

__attribute__((noinline)) inline void check_write_slowly(Cell& cell, Place place, int window, int64_t index) {
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

__attribute__((always_inline)) inline void check_read(Cell& cell, Place place, int window, int64_t index) {
  const bool is_written = cell.written - now.block_began < now.block_met - now.block_began;
  const bool is_known = cell.read >= now.warp_met &&
                        (cell.reader == (lanes_of_warp | now.my_warp) || cell.reader == now.me);
  const bool is_common = (cell.reader == lanes_of_many) & (cell.read >= now.block_met);
  if (__builtin_expect(!(is_written & (is_known | is_common)), 0)) check_read_slowly(cell, place, window, index);
}

__attribute__((always_inline)) inline void check_write(Cell& cell, Place place, int window, int64_t index) {
  if (__builtin_expect((cell.written >= now.block_met) | (cell.read >= now.block_met), 0)) {
    check_write_slowly(cell, place, window, index);
  }
  cell.written = now.warp_met;
  cell.writer = now.me;
  cell.write_line = uint16_t(place.line);
}

/// From here on each byte of the word has its own cell, a plane further on.
__attribute__((noinline)) inline void split(Cell* cell, uint32_t plane) {
  cell->is_split = 1;
  for (int byte = 1; byte < 4; ++byte) cell[byte * plane] = *cell;
}

/// `offset` is that of the access in the memory that `cells` stand for.
template <bool write, int size>
__attribute__((always_inline)) inline void check_shared(
    Cell* cells, uint32_t plane, uint32_t offset, Place place, int window, int64_t index) {
  if constexpr (size % 4 == 0) {
    for (int word = 0; word < size / 4; ++word) {
      Cell* const cell = cells + offset / 4 + word;
      const int parts = __builtin_expect(cell->is_split, 0) ? 4 : 1;
      for (int byte = 0; byte < parts; ++byte) {
        if (write) check_write(cell[byte * plane], place, window, index);
        else check_read(cell[byte * plane], place, window, index);
      }
    }
  } else {
    for (int byte = 0; byte < size; ++byte) {
      Cell* const cell = cells + (offset + byte) / 4;
      if (__builtin_expect(!cell->is_split, 0)) split(cell, plane);
      if (write) check_write(cell[(offset + byte) % 4 * plane], place, window, index);
      else check_read(cell[(offset + byte) % 4 * plane], place, window, index);
    }
  }
}

/// Calls `body` with each cell that stands for some of the `size` bytes from `offset`.
template <class Body>
inline void for_each_cell(Cell* cells, uint32_t plane, uint32_t offset, uint32_t size, Body body) {
  for (uint32_t byte = offset; byte < offset + size; ++byte) {
    Cell& word = cells[byte / 4];
    if (word.is_split) body(cells[byte / 4 + byte % 4 * plane]);
    else if (byte == offset || byte % 4 == 0) body(word);
  }
}

/// An asynchronous copy that its thread has not waited for.
struct Copy {
  Cell* cells;
  uint32_t plane, offset, size;
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
    for_each_cell(copy.cells, copy.plane, copy.offset, copy.size, [](Cell& cell) { cell.written = on_its_way; });
  }

  __attribute__((noinline)) void finish(uint32_t time) {
    for (int i = 0; i < count; ++i) {
      for_each_cell(list[i].cells, list[i].plane, list[i].offset, list[i].size, [&](Cell& cell) {
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
