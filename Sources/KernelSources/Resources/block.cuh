// One thread block: where it stands, what its buffers hold, and when its threads must meet.
#pragma once
#include "fcm.cuh"
#include "arithmetic.cuh"

namespace fcm {

/// `low..<high`.
struct Range {
  int low, high;
  __device__ __forceinline__ int count() const { return high - low; }
  /// Tells the range from the others that one buffer holds in turn: of two of those the one that begins later does not end
  /// earlier, so the sums of their ends differ, and no tensor is so large that they differ in the highest bit alone. By
  /// that bit the compiler sees that it is not 0, and leaves out what cannot be.
  __device__ __forceinline__ unsigned name() const { return (unsigned(low) + unsigned(high)) | 1u << 31; }
};

/// The part of `whole` that begins at `start`: `size`, or what is left. Where all parts are equal the compiler knows their size.
__device__ __forceinline__ Range part_of(int whole, int size, int start) {
  return {start, whole % size == 0 ? start + size : min(start + size, whole)};
}

/// The tensors of a chain. A bias, multiplier or second input that a chain lacks is never touched.
template <class A> struct Operands {
  gptr<const typename A::Element> ifm[2];
  gptr<const typename A::Element> weights[maximum_stages];
  gptr<const typename A::Bias> bias[maximum_stages];
  gptr<const typename A::Multiplier> multipliers[maximum_stages];
  /// Of adds inside the chain.
  gptr<const typename A::Element> residual[maximum_stages];
  gptr<typename A::Element> ofm;
  /// Slots of axes whose steps are not even. No tensor of the chain: neither checked nor recorded.
  const int* tables;
};

/// Buffers by number: what a finding calls them, and their bit among the hazards. An operand has two, for its copies.
namespace buffer {
__device__ constexpr int ifm(int input) { return 2 * input; }
__device__ constexpr int weights(int stage) { return 4 + 7 * stage; }
__device__ constexpr int bias(int stage) { return 6 + 7 * stage; }
__device__ constexpr int multipliers(int stage) { return 8 + 7 * stage; }
__device__ constexpr int intermediate(int stage) { return 10 + 7 * stage; }
}  // namespace buffer

/// Which buffers were read and written since the block's threads last met. Accesses by different threads to one
/// buffer need a meeting between them unless both read. All threads keep the same books.
struct Hazards {
  unsigned read = 0, written = 0;
  /// For each operand's first buffer: whether its second one is the current.
  unsigned second = ~0u;

  /// What a thread has asked to be copied is there for all of them after the meeting.
  __device__ __forceinline__ void meet() {
    wait_for_copies();
    __syncthreads();
    read = written = 0;
  }

  /// Notes a load into the next copy of an operand's buffer, which becomes the current one unless the load is ahead of
  /// its time; returns which it is.
  __device__ __forceinline__ int load(int buffer, int copies, bool is_ahead) {
    const int copy = copies == 2 ? 1 - current(buffer) : 0;
    if (!is_ahead) select(buffer, copy);
    const unsigned bit = 1u << (buffer + copy);
    if ((read | written) & bit) meet();
    written |= bit;
    return copy;
  }

  __device__ __forceinline__ void select(int buffer, int copy) {
    second = (second & ~(1u << buffer)) | unsigned(copy) << buffer;
  }

  __device__ __forceinline__ int current(int buffer) const { return (second >> buffer) & 1; }
  __device__ __forceinline__ unsigned bit(int buffer) const { return 1u << (buffer + current(buffer)); }

  __device__ __forceinline__ void compute(unsigned reads, unsigned writes) {
    if ((reads & written) | (writes & (read | written))) meet();
    read |= reads;
    written |= writes;
  }
};

/// What an operand's buffers hold, by name: the current one, and the one that was loaded ahead. Filters are those of
/// weights. 0 is nothing.
struct Held {
  unsigned channels = 0, filters = 0, next_channels = 0, next_filters = 0;

  /// Whether `wanted` of `of` is there or on its way; otherwise it is to be loaded, and is noted so.
  __device__ __forceinline__ bool has(Hazards& hazards, int buffer, unsigned wanted, unsigned of, bool is_ahead) {
    if (channels == wanted && filters == of) return true;
    const bool is_next = next_channels == wanted && next_filters == of;
    if (is_ahead) {
      next_channels = wanted, next_filters = of;
      return is_next;
    }
    channels = wanted, filters = of;
    if (is_next) {
      next_channels = next_filters = 0;
      hazards.select(buffer, 1 - hazards.current(buffer));
    }
    return is_next;
  }
};

/// A tile's slots of one axis of one map: from index `first` on, those from `low` to `high` hold what outputs of the
/// tile need.
struct Slots {
  int first, low, high;
};

/// Worked out once before a loop: else the compiler does it anew each time round.
__device__ __forceinline__ void keep(int& value) {
#ifdef __CUDA_ARCH__
  asm volatile("" : "+r"(value));
#endif
}

/// What tells the place of a slot: the index of the first one, and which indices hold something.
struct Bounds {
  int first, low, count;
  __device__ __forceinline__ explicit Bounds(const Slots& s)
      : first(s.first), low(s.low), count(max(s.high - s.low + 1, 0)) {}
  __device__ __forceinline__ void keep() { fcm::keep(first), fcm::keep(low), fcm::keep(count); }
};

/// The index of a slot along its axis, and whether the slot holds the element that is there.
struct Place {
  int at;
  bool holds;
};

/// Elements of a map, in a tensor or in the tile's buffer.
struct Box {
  int channels, rows, columns;
};

/// The kernel's constants. On a GPU they are named where they are used, so that nothing stands between the compiler and
/// their values: NVRTC 13.0 leaves some in memory that it must first find through a pointer.
struct Known {
#ifdef FCM_CONSTANTS_AT_RUN_TIME
  const Constants* held;
  __device__ __forceinline__ const Constants* operator->() const { return held; }
#else
  __device__ __forceinline__ const Constants* operator->() const { return &constants; }
#endif
};

template <class A> struct Block {
  using Element = typename A::Element;

  const Known K;
  const Operands<A>& g;
  int thread;
  int image, row_tile, column_tile;
  Range channels;
  Slots rows[maximum_stages + 1], columns[maximum_stages + 1];
  Hazards hazards;
  Held ifm[2], weights[maximum_stages], bias[maximum_stages], multipliers[maximum_stages];
  /// The channels that the buffers of intermediates hold, by name, and whether they hold any: false as a constant where
  /// one is first asked for.
  unsigned made[maximum_stages];
  bool is_made[maximum_stages] = {};

  __device__ __forceinline__ Block(Known K, const Operands<A>& g) : K(K), g(g) {
    thread = threadIdx.x;
    int rest = blockIdx.x, channel_tile;
    if (K->order == channel_fastest) channel_tile = take(rest, K->channel_tiles);
    if (K->order == swizzled) {
      int in_band = take(rest, K->row_tiles * K->column_tiles);
      const int top = in_band / (band_rows * K->column_tiles) * band_rows;
      in_band -= top * K->column_tiles;
      const int height = min(band_rows, K->row_tiles - top);
      row_tile = top + take(in_band, height);
      column_tile = in_band;
    } else {
      if (K->order == row_fastest) row_tile = take(rest, K->row_tiles);
      column_tile = take(rest, K->column_tiles);
      if (K->order != row_fastest) row_tile = take(rest, K->row_tiles);
    }
    if (K->order != channel_fastest) channel_tile = take(rest, K->channel_tiles);
    image = rest;
    channels = part_of(K->stage[K->stages - 1].output_channels, K->tile_channels, channel_tile * K->tile_channels);
    place<maximum_stages>(rows, K->rows, row_tile, K->tile_rows, &Stage::rows);
    place<maximum_stages>(columns, K->columns, column_tile, K->tile_columns, &Stage::columns);
  }

  /// Hides from the compiler that the thread's number is that of the step before, or it keeps in registers what follows
  /// from it for every item at once.
  __device__ __forceinline__ void begin_step() {
#ifdef __CUDA_ARCH__
    asm volatile("" : "+r"(thread));
    __builtin_assume(thread >= 0 && thread < K->threads);
#endif
  }

  static __device__ __forceinline__ int take(int& rest, int extent) {
    const int whole = rest / extent, part = rest - whole * extent;
    rest = whole;
    return part;
  }

  /// From the outputs of the tile that exist back to what they need of the input, map by map.
  template <int map> __device__ __forceinline__ void place(
      Slots (&slots)[maximum_stages + 1], const MapAxis (&maps)[maximum_stages + 1], int tile, int size,
      const WindowAxis Stage::*axis) const {
    const MapAxis& m = maps[map];
    slots[map].first = m.origin + tile * m.tile_step;
    if (map == K->stages) {
      slots[map].low = tile * size;
      slots[map].high = min((tile + 1) * size, m.extent) - 1;
    }
    if constexpr (map < maximum_stages) {
      if (map < K->stages) {
        const WindowAxis& w = K->stage[map].*axis;
        slots[map].low = max(slots[map + 1].low * w.stride - w.padding, 0);
        slots[map].high =
            min(slots[map + 1].high * w.stride - w.padding + (w.window - 1) * w.dilation, m.extent - 1);
      }
    }
    if constexpr (map > 0) place<map - 1>(slots, maps, tile, size, axis);
  }

  /// What a slot holds. The bounds are one comparison: what lies below them is large without a sign.
  static __device__ __forceinline__ Place place_of(
      const MapAxis& m, const Bounds& b, int tile, int slot, const int* tables) {
    if (m.table >= 0) {
      // A round of loads may end beyond the tile.
      const int at = tables[m.table + tile * m.slots + min(slot, m.slots - 1)];
      // Where nothing is an address may be taken, so it is aligned.
      return {max(at, 0), at >= 0};
    }
    const int at = b.first + slot * m.slot_step;
    return {at, m.is_full || unsigned(at - b.low) < unsigned(b.count)};
  }
  __device__ __forceinline__ Place row(int map, int slot, const Bounds& b) const {
    return place_of(K->rows[map], b, row_tile, slot, g.tables);
  }
  __device__ __forceinline__ Place column(int map, int slot, const Bounds& b) const {
    return place_of(K->columns[map], b, column_tile, slot, g.tables);
  }
  __device__ __forceinline__ Place row(int map, int slot) const { return row(map, slot, Bounds(rows[map])); }
  __device__ __forceinline__ Place column(int map, int slot) const { return column(map, slot, Bounds(columns[map])); }
  __device__ __forceinline__ Box tensor(int map) const {
    const int channels = map == 0 ? K->stage[0].input_channels : K->stage[map - 1].output_channels;
    return {channels, K->rows[map].extent, K->columns[map].extent};
  }
  /// Slots of a tile; the channels are those of the step.
  __device__ __forceinline__ Box tile(int map) const { return {0, K->rows[map].slots, K->columns[map].slots}; }
};

/// The input slot that output slot `slot` reads through `tap`.
__device__ __forceinline__ int tap_slot(const WindowAxis& w, int slot, int tap, const int* tables) {
  if (w.table >= 0) return tables[w.table + slot * w.window + tap];
  return slot * w.slot_step + tap * w.tap_step;
}

}  // namespace fcm
