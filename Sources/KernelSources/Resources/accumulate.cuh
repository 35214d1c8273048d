// The sums of an item: what the step's input channels give.
#pragma once
#include "work.cuh"

namespace fcm {

/// Of how many packs of `V` input channels the reads are on their way together: fewer where an item has `sums` many; of bytes, whose
/// products come four at once, one where it has several; all of a chunk where that is short, whose places are then constants. On the CPU
/// it would be long code for nothing.
template <class A, int S, int V> __device__ constexpr int packs_together(int sums) {
#ifdef FUSELAB_EMULATED
  return 1;
#else
  constexpr const Stage& k = constants.stage[S];
  if (k.unrolls_chunk) return k.chunk / V;
  return sizeof(typename A::Element) > 1 ? (sums < 8 ? 4 : 2) : sums < 4 ? 4 : 1;
#endif
}

/// Adds to `sums` what the step's input channels give. `P` and `M` are the item's pixels and channels, or 0 where they
/// are not known when this is compiled.
template <class A, int P, int M, int S>
__device__ __forceinline__ void accumulate(const Work<A, S>& w, const Item& item, typename A::Sum* sums) {
  using Sum = typename A::Sum;
  const Stage& k = w.k();
  const int pixels = P ? P : k.pixels, group = M ? M : k.group;
  const int taps = k.rows.window * k.columns.window;
  Spot spot[P ? P : maximum_sums];
#pragma unroll
  for (int p = 0; p < pixels; ++p) spot[p] = item.spot_of(p);
  // Channels that are mixed share their inputs; others have each their own, one after the other.
  const int apart = k.mixes ? 1 : group, together = k.mixes ? group : 1;
#pragma unroll
  for (int a = 0; a < apart; ++a) {
    const int first_plane = w.plane_of(item.channel_of(a));
    for (int c = 0; c < w.reduced; ++c) {
      const int plane = first_plane + c * w.channel_step;
      for (int i = 0; i < k.rows.window; ++i) {
        int line[P ? P : maximum_sums];
#pragma unroll
        for (int p = 0; p < pixels; ++p) line[p] = line_of(w, spot[p].row, i);
        for (int j = 0; j < k.columns.window; ++j) {
          Sum value[P ? P : maximum_sums];
#pragma unroll
          for (int p = 0; p < pixels; ++p) {
            const int slot = line[p] + tap_slot(k.columns, spot[p].column, j, w.b.g.tables);
            value[p] = A::value(w.in[plane + slot * w.slot_step], k);
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
template <class A, int P, int M, int S>
__device__ __forceinline__ void accumulate_pointwise(const Work<A, S>& w, const Item& item, typename A::Sum* sums) {
  using Sum = typename A::Sum;
  int at[P], filter[M], zero[M];
  Sum sum[M * P];
#pragma unroll
  for (int p = 0; p < P; ++p) at[p] = slot_of(w, item.spot_of(p), 0, 0) * w.slot_step;
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
    for (int p = 0; p < P; ++p) value[p] = A::value(w.in[at[p] + c * w.channel_step], w.k());
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

/// The same for a pointwise stage in NCHW whose filters are read in packs of `V` input channels. `P` and `M` may be 0.
template <class A, int P, int M, int V, int S>
__device__ FCM_SHARED_CODE void accumulate_filters(const Work<A, S>& w, const Item& item, typename A::Sum* sums) {
  using Sum = typename A::Sum;
  const Stage& k = w.k();
  const int pixels = P ? P : k.pixels, group = M ? M : k.group;
  int at[P ? P : maximum_sums];
  Sum sum[P && M ? P * M : maximum_sums];
#pragma unroll
  for (int p = 0; p < pixels; ++p) at[p] = slot_of(w, item.spot_of(p), 0, 0);
  int filter[M ? M : maximum_sums], zero[M ? M : maximum_sums];
#pragma unroll
  for (int m = 0; m < group; ++m) {
    const int channel = item.channel_of(m);
    filter[m] = filter_place(k, channel);
    zero[m] = w.weight_zero(channel);
  }
#pragma unroll
  for (int s = 0; s < group * pixels; ++s) sum[s] = sums[s];
  const shared<typename A::Element> in = w.in, filters = w.weights;
  const int channel_step = w.channel_step;
#pragma unroll(packs_together<A, S, V>(P * M))
  for (int c = 0; c < w.reduced; c += V) {
    Sum value[V][P ? P : maximum_sums];
#pragma unroll
    for (int v = 0; v < V; ++v) {
#pragma unroll
      for (int p = 0; p < pixels; ++p) value[v][p] = A::value(in[at[p] + v * channel_step], k);
    }
#pragma unroll
    for (int p = 0; p < pixels; ++p) at[p] += V * channel_step;
#pragma unroll
    for (int m = 0; m < group; ++m) {
      const pack<typename A::Element, V> weights = ld_pack<V>(filters, filter[m]);
      filter[m] += V;
#pragma unroll
      for (int v = 0; v < V; ++v) {
        const Sum weight = A::weight(weights.d[v], zero[m]);
#pragma unroll
        for (int p = 0; p < pixels; ++p) {
          sum[m * pixels + p] = A::multiply_add(value[v][p], weight, sum[m * pixels + p]);
        }
      }
    }
  }
#pragma unroll
  for (int s = 0; s < group * pixels; ++s) sums[s] = sum[s];
}

/// The same for a pointwise stage in NHWC, or of one pixel, `V` input channels at once. `P` and `M` may be 0.
template <class A, int P, int M, int V, int S>
__device__ FCM_SHARED_CODE void accumulate_packs(const Work<A, S>& w, const Item& item, typename A::Sum* sums) {
  using Element = typename A::Element;
  const Stage& k = w.k();
  const int pixels = P ? P : k.pixels, group = M ? M : k.group;
  int at[P ? P : maximum_sums];
#pragma unroll
  for (int p = 0; p < pixels; ++p) at[p] = slot_of(w, item.spot_of(p), 0, 0) * w.slot_step;
  typename A::template Corrections<P ? P : maximum_sums, M ? M : maximum_sums> corrections;
  typename A::Sum sum[P && M ? P * M : maximum_sums];
#pragma unroll
  for (int s = 0; s < group * pixels; ++s) sum[s] = sums[s];
#pragma unroll(packs_together<A, S, V>(P * M))
  for (int c = 0; c < w.reduced; c += V) {
    pack<Element, V> value[P ? P : maximum_sums];
#pragma unroll
    for (int p = 0; p < pixels; ++p) {
      value[p] = ld_pack<V>(w.in, at[p] + c);
      corrections.see_value(p, value[p], k);
    }
#pragma unroll
    for (int m = 0; m < group; ++m) {
      const pack<Element, V> weight = ld_pack<V>(w.weights, filter_place(k, item.channel_of(m)) + c);
      corrections.see_weight(m, weight, k);
#pragma unroll
      for (int p = 0; p < pixels; ++p) {
        sum[m * pixels + p] = A::multiply_add_packs(value[p], weight, sum[m * pixels + p]);
      }
    }
  }
#pragma unroll
  for (int m = 0; m < group; ++m) {
    const int zero = w.weight_zero(item.channel_of(m));
#pragma unroll
    for (int p = 0; p < pixels; ++p) {
      sums[m * pixels + p] = corrections.applied(sum[m * pixels + p], m, p, zero, w.reduced, k);
    }
  }
}

/// The same for a depthwise stage in NHWC: `V` neighbouring channels, each with its own filter, of which a tap's weights lie
/// side by side.
template <class A, int P, int V, int S>
__device__ FCM_SHARED_CODE void accumulate_channels(const Work<A, S>& w, const Item& item, typename A::Sum* sums) {
  using Pack = pack<typename A::Element, V>;
  const Stage& k = w.k();
  const int pixels = P ? P : k.pixels, width = k.columns.window, taps = k.rows.window * width;
  Spot spot[P ? P : maximum_sums];
#pragma unroll
  for (int p = 0; p < pixels; ++p) spot[p] = item.spot_of(p);
  const int channel = item.channel_of(0), first = w.plane_of(channel);
  const auto value_of = [&](int p, int i, int j) {
    return ld_pack<V>(w.in, first + slot_of(w, spot[p], i, j) * w.slot_step);
  };
  const auto weights_of = [&](int tap) { return ld_pack<V>(w.weights, tap * k.tap_pitch + channel); };
  typename A::Sum of_weights[V] = {};
  const auto add_tap = [&](int i, int j) {
    Pack value[P ? P : maximum_sums];
#pragma unroll
    for (int p = 0; p < pixels; ++p) value[p] = value_of(p, i, j);
    const Pack weights = weights_of(i * width + j);
#pragma unroll
    for (int v = 0; v < V; ++v) {
      const typename A::Sum weight = A::one_weight(weights, v, w.weight_zero(item.channel_of(v)), k);
      of_weights[v] = A::with_weights(of_weights[v], weight, k);
#pragma unroll
      for (int p = 0; p < pixels; ++p) {
        sums[v * pixels + p] = A::multiply_add_one(value[p], weight, v, sums[v * pixels + p], k);
      }
    }
  };

  bool is_done = false;
  if constexpr (A::joins_taps && V == 4) {
    if (k.joins_taps && A::takes_words(k)) {
      // Four taps at once: a word holds those of a channel.
#pragma unroll
      for (int tap = 0; tap + 4 <= taps; tap += 4) {
        Pack four[4];
#pragma unroll
        for (int t = 0; t < 4; ++t) four[t] = weights_of(tap + t);
        const Words filters = transposed(four);
#pragma unroll
        for (int v = 0; v < V; ++v) of_weights[v] = A::with_weights(of_weights[v], filters.d[v], k);
#pragma unroll
        for (int p = 0; p < pixels; ++p) {
#pragma unroll
          for (int t = 0; t < 4; ++t) four[t] = value_of(p, (tap + t) / width, (tap + t) % width);
          const Words values = transposed(four);
#pragma unroll
          for (int v = 0; v < V; ++v) sums[v * pixels + p] = __dp4a(values.d[v], filters.d[v], sums[v * pixels + p]);
        }
      }
#pragma unroll
      for (int tap = taps / 4 * 4; tap < taps; ++tap) add_tap(tap / width, tap % width);
      is_done = true;
    }
  }
  for (int i = 0; i < k.rows.window && !is_done; ++i) {
    for (int j = 0; j < width; ++j) add_tap(i, j);
  }
#pragma unroll
  for (int v = 0; v < V; ++v) {
#pragma unroll
    for (int p = 0; p < pixels; ++p) {
      sums[v * pixels + p] = A::without_value_zero(sums[v * pixels + p], of_weights[v], k);
    }
  }
}

/// The same for a depthwise stage whose windows slide, `V` neighbouring channels at once: each value of the rows that the pixels'
/// windows have together is read once. Every output's products come in the order in which they always do.
template <class A, int P, int V, int S>
__device__ FCM_SHARED_CODE void accumulate_sliding(const Work<A, S>& w, const Item& item, typename A::Sum* sums) {
  using Sum = typename A::Sum;
  using Pack = pack<typename A::Element, V>;
  const Stage& k = w.k();
  const int pixels = P ? P : k.pixels, width = k.columns.window, height = k.rows.window, step = k.rows.slot_step;
  const int channel = item.channel_of(0), tap_step = V > 1 ? k.tap_pitch : 1;
  const Spot spot = item.spot_of(0);
  const int top = line_of(w, spot.row, 0);
  for (int c = 0; c < w.reduced; ++c) {
    const int plane = w.plane_of(channel) + c * w.channel_step;
    const int filter = V > 1 ? channel : (channel * w.reduced + c) * height * width;
    Sum weights[V][sliding_weights / V], of_weights[V] = {};
#pragma unroll
    for (int r = 0; r < (pixels - 1) * step + height; ++r) {
#pragma unroll
      for (int j = 0; j < width; ++j) {
        // The first pixel's window is the first to need them.
        if (r < height) {
          const Pack read = ld_pack<V>(w.weights, filter + (r * width + j) * tap_step);
#pragma unroll
          for (int v = 0; v < V; ++v) {
            weights[v][r * width + j] = A::one_weight(read, v, w.weight_zero(item.channel_of(v)), k);
            of_weights[v] = A::with_weights(of_weights[v], weights[v][r * width + j], k);
          }
        }
        const int slot = top + r * w.source.columns + tap_slot(k.columns, spot.column, j, w.b.g.tables);
        const Pack values = ld_pack<V>(w.in, plane + slot * w.slot_step);
#pragma unroll
        for (int p = 0; p < pixels; ++p) {
          const int i = r - p * step;
          if (i < 0 || i >= height) continue;
#pragma unroll
          for (int v = 0; v < V; ++v) {
            sums[v * pixels + p] =
                A::multiply_add_one(values, weights[v][i * width + j], v, sums[v * pixels + p], k);
          }
        }
      }
    }
#pragma unroll
    for (int v = 0; v < V; ++v) {
#pragma unroll
      for (int p = 0; p < pixels; ++p) {
        sums[v * pixels + p] = A::without_value_zero(sums[v * pixels + p], of_weights[v], k);
      }
    }
  }
}

/// The same for an INT8 pointwise stage in NHWC, by the warp's matrices of 16 pixels × 32 input channels × 8 filters. Of a
/// matrix's pixels a thread holds the rows that its own outputs have.
template <class A, int P, int M, int S>
__device__ FCM_SHARED_CODE void accumulate_matrices(const Work<A, S>& w, const Item& item, typename A::Sum* sums) {
  if constexpr (A::has_matrices) {
    const Stage& k = w.k();
    const int pixels = P ? P : k.pixels, group = M ? M : k.group, lane = w.b.thread & 31, word = 4 * (lane & 3);
    constexpr int ones = 0x01010101, size = P && M ? P * M : maximum_sums;
    int at[P ? P : maximum_sums], filter[M ? M / 2 : maximum_sums];
#pragma unroll
    for (int p = 0; p < pixels; ++p) at[p] = slot_of(w, item.spot_of(p), 0, 0) * w.slot_step + word;
    const int first = item.channel - 2 * (lane & 3) + lane / 4;
#pragma unroll
    for (int n = 0; n < group / 2; ++n) filter[n] = filter_place(k, min(first + 8 * n, item.channels - 1)) + word;
    // Products of what is stored. The zero points are taken off afterwards, by the sums of weights and of values.
    const bool has_weight_zero = k.q.weight_zeros >= 0 || k.q.weight_zero != 0;
    int product[size], of_weights[M ? 2 * M : 2 * maximum_sums], of_values[P ? 2 * P : 2 * maximum_sums];
#pragma unroll
    for (int s = 0; s < group * pixels; ++s) product[s] = 0;
#pragma unroll
    for (int s = 0; s < 2 * group; ++s) of_weights[s] = 0;
#pragma unroll
    for (int s = 0; s < 2 * pixels; ++s) of_values[s] = 0;
    for (int c = 0; c < w.reduced; c += 32) {
      int a[P ? 2 * P : maximum_sums];
#pragma unroll
      for (int p = 0; p < pixels; ++p) {
        // All rows of one pixel are the same.
        if (p > 0 && w.pixels == 1) {
          a[2 * p] = a[0], a[2 * p + 1] = a[1];
          continue;
        }
        a[2 * p] = ld_word(w.in, at[p] + c);
        a[2 * p + 1] = ld_word(w.in, at[p] + c + 16);
      }
#pragma unroll
      for (int n = 0; n < group / 2; ++n) {
        const int b0 = ld_word(w.weights, filter[n] + c), b1 = ld_word(w.weights, filter[n] + c + 16);
        if (k.q.value_zero != 0) multiply_matrix(of_weights + 4 * n, ones, ones, ones, ones, b0, b1);
#pragma unroll
        for (int p = 0; p < pixels; p += 2) {
          multiply_matrix(
              product + (n * (pixels / 2) + p / 2) * 4, a[2 * p], a[2 * p + 2], a[2 * p + 1], a[2 * p + 3], b0, b1);
        }
      }
      if (!has_weight_zero) continue;
#pragma unroll
      for (int p = 0; p < pixels; p += 2) {
        multiply_matrix(of_values + 2 * p, a[2 * p], a[2 * p + 2], a[2 * p + 1], a[2 * p + 3], ones, ones);
      }
    }
#pragma unroll
    for (int m = 0; m < group; ++m) {
      const int zero = w.weight_zero(item.channel_of(m));
#pragma unroll
      for (int p = 0; p < pixels; ++p) {
        // A matrix leaves a thread two rows of two columns.
        const int own = (m / 2 * (pixels / 2) + p / 2) * 4 + p % 2 * 2 + m % 2;
        sums[m * pixels + p] = without_zeros(
            sums[m * pixels + p] + product[own], of_values[p / 2 * 4 + p % 2 * 2], of_weights[m / 2 * 4 + m % 2],
            k.q.value_zero, zero, w.reduced);
      }
    }
  }
}
}  // namespace fcm
