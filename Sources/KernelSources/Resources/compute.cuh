// One stage of a tile, from staged data to results.
//
// An item is `group` output channels × `pixels` pixels, the pixels a whole row of items apart, so that lanes stay on
// neighbouring ones. Item `i` belongs to thread `i mod threads`. A member beyond the tile works the last one again and
// drops the result, so the inner loops have no predicates.
#pragma once
#include "staging.cuh"

// Inlined on a GPU, so that a stage's constants fold; on the CPU, where they do not, compiled once for all stages.
#ifdef FUSELAB_EMULATED
#define FCM_SHARED_CODE __attribute__((noinline))
#else
#define FCM_SHARED_CODE __forceinline__
#endif

namespace fcm {

/// One compute step: output channels made, input channels reduced, and whether the sums begin or end with it.
struct Step {
  Range channels, reducing;
  bool begins, ends;
};

/// The items of a stage's step and the buffers they read.
template <class A> struct Work {
  using Element = typename A::Element;

  const Block<A>& b;
  const Stage& k;
  const int stage;
  const Step step;
  shared<Element> in, second, weights, out;
  shared<typename A::Bias> bias;
  shared<typename A::Multiplier> multipliers;
  Box source, target;  // slots of the tile
  int pixels, pixel_groups, items, reduced;
  /// The first channel staged of the input, for stages that do not mix channels.
  int first_input;

  __device__ __forceinline__ Work(const Block<A>& b, int stage, Step step)
      : b(b), k(b.K.stage[stage]), stage(stage), step(step), source(b.tile(stage)), target(b.tile(stage + 1)) {
    const Range inputs = stage == 0 ? b.ifm[0].channels : b.made[stage - 1 < 0 ? 0 : stage - 1];
    const int values = inputs.count() * source.rows * source.columns;
    if (stage == 0) {
      in = staged<Element>(b.K.ifm[0], b.hazards.current(buffer::ifm(0)), values, current(buffer::ifm(0)));
      if (b.K.inputs == 2) {
        second = staged<Element>(b.K.ifm[1], b.hazards.current(buffer::ifm(1)), values, current(buffer::ifm(1)));
      }
    } else {
      in = shared_at<Element>(b.K.stage[stage - 1].intermediate, values, buffer::intermediate(stage - 1));
    }
    pixels = target.rows * target.columns;
    const int channels = step.channels.count();
    if (stage + 1 < b.K.stages) {
      out = shared_at<Element>(k.intermediate, channels * pixels, buffer::intermediate(stage));
    }
    reduced = k.mixes ? step.reducing.count() : k.channels_per_group;
    if (k.operation == convolution) {
      const int filters = channels * reduced * k.rows.window * k.columns.window;
      weights = staged<Element>(
          k.weights, b.hazards.current(buffer::weights(stage)), filters, current(buffer::weights(stage)));
      if (k.has_bias) {
        bias = staged<typename A::Bias>(
            k.bias, b.hazards.current(buffer::bias(stage)), channels, current(buffer::bias(stage)));
      }
      if (k.multipliers.copies > 0) {
        multipliers = staged<typename A::Multiplier>(
            k.multipliers, b.hazards.current(buffer::multipliers(stage)), channels,
            current(buffer::multipliers(stage)));
      }
    }
    pixel_groups = (pixels + k.pixels - 1) / k.pixels;
    items = (channels + k.group - 1) / k.group * pixel_groups;
    first_input = k.mixes ? 0 : inputs.low;
  }

  __device__ __forceinline__ int current(int buffer) const { return buffer + b.hazards.current(buffer); }

  /// Where the staged plane of the channel stands that output channel `channel` of the step reads first.
  __device__ __forceinline__ int plane_of(int channel) const {
    const int output = step.channels.low + channel;
    const int input = k.mixes ? 0 : output / k.filters_per_group * k.channels_per_group - first_input;
    return input * source.rows * source.columns;
  }

  /// The zero point of the weights of output channel `channel` of the step.
  __device__ __forceinline__ int weight_zero(int channel) const {
    const int table = k.q.weight_zeros;
    return table < 0 ? k.q.weight_zero : b.g.tables[table + step.channels.low + channel];
  }

  /// Puts a result where the next stage, or the next kernel, reads it.
  __device__ __forceinline__ void emit(bool is_real, int channel, int row, int column, Element value) const {
    const int y = b.row(stage + 1, row), x = b.column(stage + 1, column);
    const bool exists = y >= 0 && x >= 0;
    if (stage + 1 < b.K.stages) {
      const Element kept = exists ? value : A::fill(b.K.stage[stage + 1], 0);
      st_if(is_real, out, (channel * target.rows + row) * target.columns + column, kept);
    } else {
      const Box map = b.tensor(stage + 1);
      const int at =
          ((b.image * map.channels + step.channels.low + channel) * map.rows + y) * map.columns + x;
      st_if(is_real && exists, b.g.ofm, at, value);
    }
  }
};

/// One item: its channels and pixels, the last of each where a member lies beyond the tile.
struct Item {
  int channel, pixel;  // of the first member
  int pixel_groups, channels, pixels, columns;

  template <class A>
  __device__ __forceinline__ Item(const Work<A>& w, int number)
      : pixel_groups(w.pixel_groups), channels(w.step.channels.count()), pixels(w.pixels), columns(w.target.columns) {
    const int group = number / w.pixel_groups;
    channel = group * w.k.group;
    pixel = number - group * w.pixel_groups;
  }
  __device__ __forceinline__ bool has(int m, int p) const {
    return channel + m < channels && pixel + p * pixel_groups < pixels;
  }
  __device__ __forceinline__ int channel_of(int m) const { return min(channel + m, channels - 1); }
  __device__ __forceinline__ int pixel_of(int p) const { return min(pixel + p * pixel_groups, pixels - 1); }
};

/// Adds to `sums` what the step's input channels give. `P` and `M` are the item's pixels and channels, or 0 where they
/// are not known when this is compiled.
template <class A, int P, int M>
__device__ __forceinline__ void accumulate(const Work<A>& w, const Item& item, typename A::Sum* sums) {
  using Sum = typename A::Sum;
  const Stage& k = w.k;
  const int pixels = P ? P : k.pixels, group = M ? M : k.group;
  const int plane = w.source.rows * w.source.columns;
  const int taps = k.rows.window * k.columns.window;
  int row[P ? P : maximum_sums], column[P ? P : maximum_sums];
#pragma unroll
  for (int p = 0; p < pixels; ++p) {
    const int pixel = item.pixel_of(p);
    row[p] = pixel / item.columns;
    column[p] = pixel - row[p] * item.columns;
  }
  // Channels that are mixed share their inputs; others have each their own, one after the other.
  const int apart = k.mixes ? 1 : group, together = k.mixes ? group : 1;
#pragma unroll
  for (int a = 0; a < apart; ++a) {
    const int first_plane = w.plane_of(item.channel_of(a));
    for (int c = 0; c < w.reduced; ++c) {
      for (int i = 0; i < k.rows.window; ++i) {
        for (int j = 0; j < k.columns.window; ++j) {
          Sum value[P ? P : maximum_sums];
#pragma unroll
          for (int p = 0; p < pixels; ++p) {
            const int y = tap_slot(k.rows, row[p], i, w.b.g.tables), x = tap_slot(k.columns, column[p], j, w.b.g.tables);
            value[p] = A::value(w.in[first_plane + c * plane + y * w.source.columns + x], k);
          }
#pragma unroll
          for (int t = 0; t < (M ? M : together); ++t) {
            if (t >= together) break;
            const int m = a + t;
            const int filter = item.channel_of(m) * w.reduced + c;
            const Sum weight =
                A::weight(w.weights[filter * taps + i * k.columns.window + j], w.weight_zero(item.channel_of(m)));
#pragma unroll
            for (int p = 0; p < pixels; ++p) {
              sums[m * pixels + p] = A::multiply_add(value[p], weight, sums[m * pixels + p]);
            }
          }
        }
      }
    }
  }
}

/// The same for a pointwise stage.
template <class A, int P, int M>
__device__ __forceinline__ void accumulate_pointwise(const Work<A>& w, const Item& item, typename A::Sum* sums) {
  using Sum = typename A::Sum;
  const int plane = w.source.rows * w.source.columns;
  int at[P], filter[M], zero[M];
  Sum sum[M * P];
#pragma unroll
  for (int p = 0; p < P; ++p) {
    const int pixel = item.pixel_of(p), row = pixel / item.columns, column = pixel - row * item.columns;
    const int y = tap_slot(w.k.rows, row, 0, w.b.g.tables), x = tap_slot(w.k.columns, column, 0, w.b.g.tables);
    at[p] = y * w.source.columns + x;
  }
#pragma unroll
  for (int m = 0; m < M; ++m) {
    filter[m] = item.channel_of(m) * w.reduced;
    zero[m] = w.weight_zero(item.channel_of(m));
  }
#pragma unroll
  for (int s = 0; s < M * P; ++s) sum[s] = sums[s];
#pragma unroll 4
  for (int c = 0; c < w.reduced; ++c) {
    Sum value[P], weight[M];
#pragma unroll
    for (int p = 0; p < P; ++p) value[p] = A::value(w.in[at[p] + c * plane], w.k);
#pragma unroll
    for (int m = 0; m < M; ++m) weight[m] = A::weight(w.weights[filter[m] + c], zero[m]);
#pragma unroll
    for (int m = 0; m < M; ++m) {
#pragma unroll
      for (int p = 0; p < P; ++p) sum[m * P + p] = A::multiply_add(value[p], weight[m], sum[m * P + p]);
    }
  }
#pragma unroll
  for (int s = 0; s < M * P; ++s) sums[s] = sum[s];
}

/// What is known of a stage's window when this is compiled.
enum Window { any_window = 0, one_tap = 1, many_taps = 2 };

/// What a convolution's step asks of one item of the thread, ended where the reduction does. The item's sums lie at `own`.
template <class A, int P, int M, int W>
__device__ __forceinline__ void convolve_item(const Work<A>& w, int round, typename A::Sum* own) {
  const Stage& k = w.k;
  const int pixels = P ? P : k.pixels, group = M ? M : k.group;
  const int number = round * w.b.K.threads + w.b.thread;
  if (number >= w.items) return;
  const Item item(w, number);
  if (w.step.begins) {
#pragma unroll
    for (int s = 0; s < group * pixels; ++s) own[s] = 0;
  }
  if constexpr (W == many_taps || P == 0 || M == 0) {
    accumulate<A, P, M>(w, item, own);
  } else if (W == one_tap || (k.mixes && k.rows.window * k.columns.window == 1)) {
    accumulate_pointwise<A, P, M>(w, item, own);
  } else {
    accumulate<A, P, M>(w, item, own);
  }
  if (!w.step.ends) return;
#pragma unroll
  for (int m = 0; m < group; ++m) {
    const int channel = item.channel_of(m);
    typename A::Bias bias = 0;
    typename A::Multiplier multiplier{};
    if (k.has_bias) bias = w.bias[channel];
    if (k.multipliers.copies > 0) multiplier = w.multipliers[channel];
#pragma unroll
    for (int p = 0; p < pixels; ++p) {
      const int pixel = item.pixel_of(p), row = pixel / item.columns;
      w.emit(
          item.has(m, p), channel, row, pixel - row * item.columns,
          A::finish(own[m * pixels + p], bias, multiplier, k));
    }
  }
}

/// Rounds `I…R − 1`. Each is code of its own, however long, so that every sum has a register of its own.
template <class A, int P, int M, int W, int I, int R>
__device__ __forceinline__ void convolve_rounds(const Work<A>& w, int apart, typename A::Sum* sums) {
  if constexpr (I < R) {
    convolve_item<A, P, M, W>(w, I, sums + I * apart);
    convolve_rounds<A, P, M, W, I + 1, R>(w, apart, sums);
  }
}

/// A convolution's step: all items of the thread. `R` is how many those are where each has sums of its own, or 0.
template <class A, int P, int M, int W, int R>
__device__ FCM_SHARED_CODE void convolve(const Work<A>& w, typename A::Sum* sums) {
  const Stage& k = w.k;
  // A stage that reduces at once needs its sums no longer than for one item.
  const int one = (M ? M : k.group) * (P ? P : k.pixels), apart = k.sums > one ? one : 0;
  if constexpr (R > 0) {
    convolve_rounds<A, P, M, W, 0, R>(w, apart, sums);
  } else {
    for (int round = 0; round < k.rounds; ++round) convolve_item<A, P, M, W>(w, round, sums + round * apart);
  }
  // The last round may not have an item for every lane.
  __syncwarp();
}

/// A layer without weights: each output from the taps of its own channel that lie inside the map.
template <class A> __device__ FCM_SHARED_CODE void combine(const Work<A>& w) {
  const Stage& k = w.k;
  const int plane = w.source.rows * w.source.columns;
  const Box map = w.b.tensor(w.stage);
  for (int number = w.b.thread; number < w.items; number += w.b.K.threads) {
    const Item item(w, number);
#pragma unroll 1
    for (int m = 0; m < k.group; ++m) {
      const int channel = item.channel_of(m), first = w.plane_of(channel);
#pragma unroll 1
      for (int p = 0; p < k.pixels; ++p) {
        const int pixel = item.pixel_of(p), row = pixel / item.columns, column = pixel - row * item.columns;
        const int y0 = w.b.row(w.stage + 1, row) * k.rows.stride - k.rows.padding;
        const int x0 = w.b.column(w.stage + 1, column) * k.columns.stride - k.columns.padding;
        typename A::Element largest = 0, other = 0;
        typename A::Sum sum = 0;
        int count = 0;
        for (int i = 0; i < k.rows.window; ++i) {
          for (int j = 0; j < k.columns.window; ++j) {
            const int slot = tap_slot(k.rows, row, i, w.b.g.tables) * w.source.columns
                + tap_slot(k.columns, column, j, w.b.g.tables);
            const typename A::Element value = w.in[first + slot];
            if (k.operation == add) other = w.second[first + slot];
            const int y = y0 + i * k.rows.dilation, x = x0 + j * k.columns.dilation;
            if (y < 0 || y >= map.rows || x < 0 || x >= map.columns) continue;
            largest = count == 0 ? value : A::larger(largest, value);
            sum += A::value(value, k);
            ++count;
          }
        }
        typename A::Element result;
        switch (k.operation) {
          case average_pool: result = A::mean(sum, count > 0 ? count : 1, k); break;
          case add: result = A::sum_of(largest, other, k); break;
          default: result = A::moved(largest, k);
        }
        w.emit(item.has(m, p), channel, row, column, result);
      }
    }
  }
  __syncwarp();
}
}  // namespace fcm
