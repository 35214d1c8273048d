// What a stage of a tile works on: buffers, and the items that its threads share out.
//
// An item is `group` output channels × `pixels` pixels, the pixels a whole row of items apart, so that lanes stay on
// neighbouring ones; where windows slide, they are those of one column, straight below one another. Item `i` belongs to thread
// `i mod threads`. A member beyond the tile works the last one again and drops the result, so the inner loops have no
// predicates; of a column the last items begin so much higher.
#pragma once
#include "staging.cuh"

// Inlined on a GPU, so that a stage's constants fold; on the CPU, where they do not, compiled once for all stages.
#ifdef FUSELAB_EMULATED
#define FCM_SHARED_CODE __attribute__((noinline))
#else
#define FCM_SHARED_CODE __forceinline__
#endif

// The stage of a work: part of its type on a GPU, so that its constants fold; in the emulator a number.
#ifdef FCM_CONSTANTS_AT_RUN_TIME
#define FCM_STAGE(s) fcm::any_stage
#else
#define FCM_STAGE(s) s
#endif

namespace fcm {

/// One compute step: output channels made, input channels reduced, and whether the sums begin or end with it.
struct Step {
  Range channels, reducing;
  bool begins, ends;
};

/// A stage that only the run tells.
constexpr int any_stage = -1;

/// Which stage a work is of, and its constants.
template <int S> struct WorkStage {
  __device__ __forceinline__ WorkStage(Known, int) {}
  __device__ __forceinline__ int stage() const { return S; }
  __device__ __forceinline__ const Stage& k() const { return Known()->stage[S]; }
};
template <> struct WorkStage<any_stage> {
  const int number;
  const Stage& constants;
  __device__ __forceinline__ WorkStage(Known K, int stage) : number(stage), constants(K->stage[stage]) {}
  __device__ __forceinline__ int stage() const { return number; }
  __device__ __forceinline__ const Stage& k() const { return constants; }
};

/// Where an output stands in its tile, in slots.
struct Spot {
  int row, column;
};

/// The items of a stage's step and the buffers they read.
template <class A, int S> struct Work : WorkStage<S> {
  using Element = typename A::Element;
  using WorkStage<S>::stage;
  using WorkStage<S>::k;

  const Block<A>& b;
  const Step step;
  shared<Element> in, second, weights, out;
  shared<typename A::Bias> bias;
  shared<typename A::Multiplier> multipliers;
  Box source, target;  // slots of the tile
  int pixels, pixel_groups, channel_groups, items, reduced;
  /// Elements from input channel to input channel, and from slot to slot; the same of the output's buffer.
  int channel_step, slot_step, out_channel_step, out_slot_step;
  /// The first channel staged of the input, for stages that do not mix channels.
  int first_input;

  __device__ __forceinline__ Work(const Block<A>& b, int number, Step step)
      : WorkStage<S>(b.K, number), b(b), step(step), source(b.tile(stage())), target(b.tile(stage() + 1)) {
    const int stage = this->stage();
    const Stage& k = this->k();
    const bool is_hwc = b.K->is_hwc;
    const int plane = source.rows * source.columns, pitch = b.K->pitch[stage];
    const int values = (is_hwc ? pitch : step.reducing.count()) * plane;
    channel_step = is_hwc ? 1 : plane;
    slot_step = is_hwc ? pitch : 1;
    if (stage == 0) {
      in = staged<Element>(b.K->ifm[0], b.hazards.current(buffer::ifm(0)), values, current(buffer::ifm(0)));
      if (b.K->inputs == 2) {
        second = staged<Element>(b.K->ifm[1], b.hazards.current(buffer::ifm(1)), values, current(buffer::ifm(1)));
      }
    } else {
      in = shared_at<Element>(b.K->stage[stage - 1].intermediate, values, buffer::intermediate(stage - 1));
    }
    pixels = target.rows * target.columns;
    const int channels = step.channels.count();
    if (k.target + 1 < b.K->stages) {
      const int room = (is_hwc ? b.K->pitch[k.target + 1] : channels) * pixels;
      out = shared_at<Element>(b.K->stage[k.target].intermediate, room, buffer::intermediate(k.target));
    }
    reduced = k.mixes ? step.reducing.count() : k.channels_per_group;
    if (k.operation == convolution) {
      const int filters = filter_room(k, channels, reduced * k.rows.window * k.columns.window);
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
    out_channel_step = is_hwc ? 1 : pixels;
    out_slot_step = is_hwc ? b.K->pitch[k.target + 1] : 1;
    // What an item, or with matrices a warp, takes.
    const int wide = k.path == matrix ? 4 * k.group : k.group, high = k.path == matrix ? 8 * k.pixels : k.pixels;
    pixel_groups = k.slides ? (target.rows + high - 1) / high * target.columns : (pixels + high - 1) / high;
    channel_groups = (channels + wide - 1) / wide;
    items = channel_groups * pixel_groups;
    first_input = k.mixes ? 0 : step.reducing.low;
  }

  __device__ __forceinline__ int current(int buffer) const { return buffer + b.hazards.current(buffer); }

  /// Where the staged channel stands that output channel `channel` of the step reads first.
  __device__ __forceinline__ int plane_of(int channel) const {
    const int output = step.channels.low + channel;
    const int input = k().mixes ? 0 : output / k().filters_per_group * k().channels_per_group - first_input;
    return input * channel_step;
  }

  /// The zero point of the weights of output channel `channel` of the step.
  __device__ __forceinline__ int weight_zero(int channel) const {
    const int table = k().q.weight_zeros;
    return table < 0 ? k().q.weight_zero : b.g.tables[table + step.channels.low + channel];
  }

  /// `values` with the residuals of the adds that follow; these lie where the outputs from place `at` on do.
  template <int V>
  __device__ FCM_SHARED_CODE pack<Element, V> summed(bool active, int at, pack<Element, V> values) const {
    for (int sum = stage() + 1; sum <= k().target; ++sum) {
      const Stage& add = b.K->stage[sum];
      const pack<Element, V> residuals = ld_pack_if<V>(active, b.g.residual[sum], at);
#pragma unroll
      for (int v = 0; v < V; ++v) {
        const Element made = values.d[v], residual = residuals.d[v];
        values.d[v] = add.joined == 0 ? A::sum_of(made, residual, add) : A::sum_of(residual, made, add);
      }
    }
    return values;
  }

  /// Adds the residuals to the results of `V` neighbouring channels, and puts these where the next stage, or the next
  /// kernel, reads them.
  template <int V>
  __device__ __forceinline__ void emit(bool is_real, int channel, Spot spot, pack<Element, V> values) const {
    const Place y = b.row(stage() + 1, spot.row), x = b.column(stage() + 1, spot.column);
    const bool exists = y.holds && x.holds;
    const Box map = b.tensor(stage() + 1);
    const int plane = map.rows * map.columns, c = step.channels.low + channel, pixel = y.at * map.columns + x.at;
    const int at = b.K->is_hwc ? (b.image * plane + pixel) * map.channels + c
                              : (b.image * map.channels + c) * plane + pixel;
    if (k().target > stage()) values = summed(is_real && exists, at, values);
    if (k().target + 1 < b.K->stages) {
      if (!exists) {
#pragma unroll
        for (int v = 0; v < V; ++v) values.d[v] = A::fill(b.K->stage[k().target + 1], 0);
      }
      const int slot = spot.row * target.columns + spot.column;
      st_pack_if(is_real, out, channel * out_channel_step + slot * out_slot_step, values);
    } else {
      st_pack_if(is_real && exists, b.g.ofm, at, values);
    }
  }
};

/// One item: its channels and pixels, the last of each where a member lies beyond the tile.
struct Item {
  int channel, pixel;  // of the first member
  int own;             // the first pixel of the rows that no item above has
  /// Channels that lie side by side, from there to the next, and from pixel to pixel.
  int side, channel_step, pixel_step;
  int channels, pixels, columns;
  bool slides;

  /// NCHW: neighbouring items have neighbouring pixels; NHWC: neighbouring channels. Channels that are mixed lie apart, so
  /// that lanes of neighbouring groups read neighbouring filters. Matrices: of a warp's lanes four have
  /// neighbouring pairs of channels, eight neighbouring pixels.
  template <class A, int S>
  __device__ __forceinline__ Item(const Work<A, S>& w, int number)
      : own(0), channels(w.step.channels.count()), pixels(w.pixels), columns(w.target.columns) {
    const Stage& k = w.k();
    if (k.path == matrix) {
      const int lane = w.b.thread & 31, across = number / w.channel_groups;
      side = 2, channel_step = pixel_step = 8;
      channel = (number - across * w.channel_groups) * 4 * k.group + 2 * (lane & 3);
      pixel = across * 8 * k.pixels + lane / 4;
    } else if (w.b.K->is_hwc) {
      const int across = number / w.channel_groups;
      side = k.mixes ? k.store_width : k.group, channel_step = side * w.channel_groups, pixel_step = w.pixel_groups;
      channel = (number - across * w.channel_groups) * side;
      pixel = across;
    } else {
      const int group = number / w.pixel_groups;
      side = k.mixes ? k.store_width : k.group, channel_step = side * w.channel_groups, pixel_step = w.pixel_groups;
      channel = group * side;
      pixel = number - group * w.pixel_groups;
    }
    slides = k.slides;
    if (slides) {
      const int line = pixel / columns, column = pixel - line * columns;
      own = line * k.pixels * columns;
      pixel = min(line * k.pixels, w.target.rows - k.pixels) * columns + column;
      pixel_step = columns;
    }
  }
  __device__ __forceinline__ int wanted_channel(int m) const { return channel + m / side * channel_step + m % side; }
  __device__ __forceinline__ bool has(int m, int p) const {
    const int wanted = pixel + p * pixel_step;
    return wanted_channel(m) < channels && (slides ? wanted >= own : wanted < pixels);
  }
  __device__ __forceinline__ int channel_of(int m) const { return min(wanted_channel(m), channels - 1); }
  /// The first of `width` channels that lie side by side, all of them of the tile, which has a multiple of so many.
  __device__ __forceinline__ int run_of(int m, int width) const { return min(wanted_channel(m), channels - width); }
  __device__ __forceinline__ Spot spot_of(int p) const {
    const int first = slides ? pixel : min(pixel + p * pixel_step, pixels - 1), row = first / columns;
    return {row + (slides ? p : 0), first - row * columns};
  }
};

/// The first slot of the source's row that outputs of `row` read through the taps of the window's row `i`.
template <class A, int S> __device__ __forceinline__ int line_of(const Work<A, S>& w, int row, int i) {
  return tap_slot(w.k().rows, row, i, w.b.g.tables) * w.source.columns;
}

/// The slot of the source that an output reads through a tap.
template <class A, int S> __device__ __forceinline__ int slot_of(const Work<A, S>& w, Spot spot, int i, int j) {
  return line_of(w, spot.row, i) + tap_slot(w.k().columns, spot.column, j, w.b.g.tables);
}
}  // namespace fcm
