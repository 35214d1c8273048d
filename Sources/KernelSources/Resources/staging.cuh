// Global memory to the staging buffers: item `i` of a step is moved by thread `i mod threads`, so each round of the
// block's threads is one request a warp. Copies are there after the next meeting.
#pragma once
#include "block.cuh"

// A load stands once in the machine code where copies are asynchronous, so that it can be counted; through registers
// several of them should be on their way.
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 800
#define FCM_LOADS_ONCE _Pragma("unroll 1")
#else
#define FCM_LOADS_ONCE
#endif

namespace fcm {

template <class T> __device__ __forceinline__ shared<T> staged(const Staging& s, int copy, int count, int buffer) {
  return shared_at<T>(s.offset + copy * s.stride, count, buffer);
}

/// Where filter `filter` of a step begins, where filters have rows of their own.
__device__ __forceinline__ int filter_place(const Stage& k, int filter) {
  return filter / k.filter_side * k.filter_group + filter % k.filter_side * k.filter_pitch;
}

/// Elements that `filters` of `length` take.
__device__ __forceinline__ int filter_room(const Stage& k, int filters, int length) {
  if (k.tap_pitch > 0) return length * k.tap_pitch;
  return k.path == elements ? filters * length : (filters + k.filter_side - 1) / k.filter_side * k.filter_group;
}

/// Where a thread stands among rows of `inner` items, whose step is the same from round to round: it goes on without
/// dividing anew.
struct Walk {
  int at, row;
  const int inner, step, rows;  // of a step: what is left over, and whole rows
  __device__ __forceinline__ Walk(int start, int inner, int step)
      : at(start % inner), row(start / inner), inner(inner), step(step % inner), rows(step / inner) {}
  /// A step, and one item more where `carry` is 1; returns 1 where it ends a row beyond the whole ones.
  __device__ __forceinline__ int advance(int carry = 0) {
    // Else the compiler does not see that it keeps its place.
    if (step == 0 && carry == 0) {
      row += rows;
      return 0;
    }
    at += step + carry;
    const int ends = at >= inner;
    at -= ends ? inner : 0;
    row += rows + ends;
    return ends;
  }
};

/// `runs` pieces of `length` elements, the first from `start`, each `apart` from the one before, to where `place` says.
template <class T, class Place>
__device__ __forceinline__ void load_runs(
    int thread, int threads, shared<T> to, gptr<const T> from, int start, int runs, int apart, int length, int width,
    Place place) {
  const int items_per_run = length / width, items = runs * items_per_run;
  Walk walk(thread, items_per_run, threads);
  // The warp's first item decides, so that a warp goes through a round with all its lanes or not at all.
  FCM_LOADS_ONCE
  for (int first = thread & ~31; first < items; first += threads) {
    const int run = walk.row, at = walk.at * width;
    copy_async_if(run < runs, true, to, place(run, at), from, start + run * apart + at, width, T());
    walk.advance();
  }
}

/// `length` elements side by side.
template <class T>
__device__ __forceinline__ void load_run(
    int thread, int threads, shared<T> to, gptr<const T> from, int start, int length, int width) {
  FCM_LOADS_ONCE
  for (int first = thread & ~31; first * width < length; first += threads) {
    const int at = (first + (thread & 31)) * width;
    copy_async_if(at < length, true, to, at, from, start + at, width, T());
  }
}

/// Rows of the tile, slot by slot. Slots that hold no element are filled. Of the block's threads so many take part that each may keep
/// its slot, or its column, from round to round.
template <class A>
__device__ __forceinline__ void load_rows(
    const Block<A>& b, shared<typename A::Element> to, gptr<const typename A::Element> from, Range channels,
    int threads, int width, typename A::Element fill) {
  const Box map = b.tensor(0), tile = b.tile(0);
  const int items_per_row = tile.columns / width;
  const int items = channels.count() * tile.rows * items_per_row;
  Walk columns(b.thread, items_per_row, threads);
  Walk rows(columns.row, tile.rows, columns.rows);
  const int plane = map.rows * map.columns;
  int start = (b.image * map.channels + channels.low) * plane;
  keep(start);
  Bounds row_bounds(b.rows[0]), column_bounds(b.columns[0]);
  row_bounds.keep(), column_bounds.keep();
  const bool has_part = b.thread < threads;
  FCM_LOADS_ONCE
  for (int first = (b.thread & ~31) < threads ? b.thread & ~31 : items; first < items; first += threads) {
    const int item = first + (b.thread & 31);
    const int channel = rows.row, row = rows.at, column = columns.at * width;
    const bool active = has_part && channel < channels.count();
    const Place y = b.row(0, row, row_bounds), x = b.column(0, column, column_bounds);
    const int at = start + channel * plane + y.at * map.columns + x.at;
    copy_async_if(active, y.holds && x.holds, to, item * width, from, at, width, fill);
    rows.advance(columns.advance());
  }
}

/// NHWC: the channels of each slot of the tile.
template <class A>
__device__ __forceinline__ void load_pixels(
    const Block<A>& b, shared<typename A::Element> to, gptr<const typename A::Element> from, Range channels,
    int width, typename A::Element fill) {
  const Box map = b.tensor(0), tile = b.tile(0);
  const int per_pixel = channels.count() / width;
  const int items = tile.rows * tile.columns * per_pixel;
  Walk pixels(b.thread, per_pixel, b.K->threads);
  Walk rows(pixels.row, tile.columns, pixels.rows);
  int start = b.image * map.rows * map.columns * map.channels + channels.low;
  keep(start);
  Bounds row_bounds(b.rows[0]), column_bounds(b.columns[0]);
  row_bounds.keep(), column_bounds.keep();
  FCM_LOADS_ONCE
  for (int first = b.thread & ~31; first < items; first += b.K->threads) {
    const int channel = pixels.at * width, pixel = pixels.row, row = rows.row, column = rows.at;
    const bool active = row < tile.rows;
    const Place y = b.row(0, row, row_bounds), x = b.column(0, column, column_bounds);
    const int at = start + (y.at * map.columns + x.at) * map.channels + channel;
    copy_async_if(active, y.holds && x.holds, to, pixel * b.K->pitch[0] + channel, from, at, width, fill);
    rows.advance(pixels.advance());
  }
}

template <class A>
__device__ __forceinline__ void load_ifm(Block<A>& b, int input, Range channels, bool is_ahead) {
  if (b.ifm[input].has(b.hazards, buffer::ifm(input), channels.name(), 0, is_ahead)) return;
  const Staging& s = b.K->ifm[input];
  const Box map = b.tensor(0), tile = b.tile(0);
  const int copy = b.hazards.load(buffer::ifm(input), s.copies, is_ahead);
  const int count = (b.K->is_hwc ? b.K->pitch[0] : channels.count()) * tile.rows * tile.columns;
  const auto to = staged<typename A::Element>(s, copy, count, buffer::ifm(input) + copy);
  if (b.K->is_hwc) {
    load_pixels(b, to, b.g.ifm[input], channels, s.width, A::fill(b.K->stage[0], input));
  } else if (s.whole) {
    const int plane = map.rows * map.columns;
    const int start = (b.image * map.channels + channels.low) * plane;
    load_run(b.thread, b.K->threads, to, b.g.ifm[input], start, channels.count() * plane, s.width);
  } else {
    load_rows(b, to, b.g.ifm[input], channels, s.threads, s.width, A::fill(b.K->stage[0], input));
  }
}

/// Filters `filters` of the input channels `reduced`: one piece where those are all that a filter has.
template <int S, class A>
__device__ __forceinline__ void load_weights(Block<A>& b, Range filters, Range reduced, bool is_ahead) {
  if (b.weights[S].has(b.hazards, buffer::weights(S), reduced.name(), filters.name(), is_ahead)) return;
  const Stage& k = b.K->stage[S];
  const int window = k.rows.window * k.columns.window, filter = k.channels_per_group * window;
  const int copy = b.hazards.load(buffer::weights(S), k.weights.copies, is_ahead);
  const int length = reduced.count() * window, width = k.weights.width;
  const auto to = staged<typename A::Element>(
      k.weights, copy, filter_room(k, filters.count(), length), buffer::weights(S) + copy);
  const int start = filters.low * filter + reduced.low * window, count = filters.count();
  const auto from = b.g.weights[S];
  if (k.tap_pitch > 0) {
    const int pitch = k.tap_pitch;
    load_runs(b.thread, b.K->threads, to, from, start, count, filter, length, width, [=](int channel, int tap) {
      return tap * pitch + channel;
    });
  } else if (k.path != elements) {
    load_runs(b.thread, b.K->threads, to, from, start, count, filter, length, width, [&](int run, int at) {
      return filter_place(k, run) + at;
    });
  } else if (length == filter) {
    load_run(b.thread, b.K->threads, to, from, start, count * length, width);
  } else {
    load_runs(b.thread, b.K->threads, to, from, start, count, filter, length, width, [=](int run, int at) {
      return run * length + at;
    });
  }
}

/// One number for each of `channels`.
template <class A, class T>
__device__ __forceinline__ void load_each(
    Block<A>& b, const Staging& s, int buffer, gptr<const T> from, Held& held, Range channels, bool is_ahead) {
  if (held.has(b.hazards, buffer, channels.name(), 0, is_ahead)) return;
  const int copy = b.hazards.load(buffer, s.copies, is_ahead);
  const auto to = staged<T>(s, copy, channels.count(), buffer + copy);
  load_run(b.thread, b.K->threads, to, from, channels.low, channels.count(), s.width);
}

template <int S, class A>
__device__ __forceinline__ void load_constants(Block<A>& b, Range channels, Range chunk, bool is_ahead) {
  const Stage& k = b.K->stage[S];
  if (k.operation != convolution) return;
  load_weights<S>(b, channels, k.mixes ? chunk : Range{0, k.channels_per_group}, is_ahead);
  if (k.has_bias) load_each(b, k.bias, buffer::bias(S), b.g.bias[S], b.bias[S], channels, is_ahead);
  if (k.multipliers.copies > 0) {
    load_each(
        b, k.multipliers, buffer::multipliers(S), b.g.multipliers[S], b.multipliers[S], channels,
        is_ahead);
  }
}

}  // namespace fcm
