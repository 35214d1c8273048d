// One stage of a tile, from staged data to results.
#pragma once
#include "accumulate.cuh"

namespace fcm {

/// What is known of a stage when this is compiled.
enum Way {
  any_way = 0, one_tap = 1, many_taps = 2, by_packs = 3, by_matrices = 4, by_channels = 5, by_filters = 6, sliding = 7
};

/// What a convolution's step adds to one item's sums.
template <class A, int P, int M, int W, int V, int S>
__device__ __forceinline__ void accumulate_item(const Work<A, S>& w, const Item& item, typename A::Sum* own) {
  if constexpr (W == many_taps) {
    accumulate<A, P, M>(w, item, own);
  } else if constexpr (W == one_tap) {
    accumulate_pointwise<A, P, M>(w, item, own);
  } else if constexpr (W == by_packs) {
    accumulate_packs<A, P, M, V>(w, item, own);
  } else if constexpr (W == by_matrices) {
    accumulate_matrices<A, P, M>(w, item, own);
  } else if constexpr (W == by_filters) {
    accumulate_filters<A, P, M, V>(w, item, own);
  } else if constexpr (W == by_channels) {
    accumulate_channels<A, P, V>(w, item, own);
  } else if constexpr (W == sliding) {
    accumulate_sliding<A, P, V>(w, item, own);
  } else {
    const Stage& k = w.k();
    if (k.path == matrix) return accumulate_matrices<A, 0, 0>(w, item, own);
    if (k.path == filter_packs) {
      return k.pack == 4 ? accumulate_filters<A, P, M, 4>(w, item, own) : accumulate_filters<A, 0, 0, 2>(w, item, own);
    }
    if (k.slides) {
      switch (k.store_width) {
        case 2: return accumulate_sliding<A, 0, 2>(w, item, own);
        case 4: return accumulate_sliding<A, 0, 4>(w, item, own);
        default: return accumulate_sliding<A, P, 1>(w, item, own);
      }
    }
    switch (k.path == packs ? k.pack : k.mixes ? 1 : -k.store_width) {
      case 2: return accumulate_packs<A, 0, 0, 2>(w, item, own);
      case 4: return accumulate_packs<A, 0, 0, 4>(w, item, own);
      case 8: return accumulate_packs<A, 0, 0, 8>(w, item, own);
      case 16: return accumulate_packs<A, 0, 0, 16>(w, item, own);
      case -2: return accumulate_channels<A, 0, 2>(w, item, own);
      case -4: return accumulate_channels<A, 0, 4>(w, item, own);
    }
    if constexpr (P > 0 && M > 0) {
      if (k.mixes && k.rows.window * k.columns.window == 1) return accumulate_pointwise<A, P, M>(w, item, own);
    }
    accumulate<A, P, M>(w, item, own);
  }
}

/// Constants of `V` neighbouring channels, in as few reads as they take.
template <int V, class T> __device__ __forceinline__ void ld_run(T (&values)[V], shared<T> from, int first) {
  constexpr int most = 16 / int(sizeof(T)), size = V < most ? V : most;
#pragma unroll
  for (int v = 0; v < V; v += size) {
    const pack<T, size> read = ld_pack<size>(from, first + v);
#pragma unroll
    for (int i = 0; i < size; ++i) values[v + i] = read.d[i];
  }
}

/// Bias, requantization and activation of the item's sums, `V` neighbouring channels at once.
template <class A, int P, int M, int V, int S>
__device__ __forceinline__ void finish_item(const Work<A, S>& w, Item item, typename A::Sum* own) {
  const Stage& k = w.k();
#ifdef __CUDA_ARCH__
  // Anew, or the compiler keeps through the sums what follows from it for every pixel.
  if constexpr (P * M >= 32) asm volatile("" : "+r"(item.pixel));
  // Nor multipliers of two words where a thread has the same channels in every round: they would be spilled.
  if constexpr (sizeof(typename A::Multiplier) > 4) asm volatile("" : "+r"(item.channel));
#endif
  const int pixels = P ? P : k.pixels, group = M ? M : k.group;
#pragma unroll
  for (int m = 0; m < group; m += V) {
    if (m >= k.kept) continue;
    typename A::Bias bias[V] = {};
    typename A::Multiplier multiplier[V] = {};
    const int first = item.run_of(m, V);
    if (k.has_bias) ld_run(bias, w.bias, first);
    if (k.multipliers.copies > 0) ld_run(multiplier, w.multipliers, first);
#pragma unroll
    for (int p = 0; p < pixels; ++p) {
      const Spot spot = item.spot_of(p);
      pack<typename A::Element, V> results;
#pragma unroll
      for (int v = 0; v < V; ++v) {
        results.d[v] = A::finish(own[(m + v) * pixels + p], bias[v], multiplier[v], k);
      }
      w.emit(item.has(m, p), item.channel_of(m), spot, results);
    }
  }
}

/// The same, compiled once on the CPU.
template <class A, int V, int S>
__device__ FCM_SHARED_CODE void finish_shared(const Work<A, S>& w, const Item& item, typename A::Sum* own) {
  finish_item<A, 0, 0, V>(w, item, own);
}

/// What a convolution's step asks of one item of the thread, ended where the reduction does. The item's sums lie at `own`.
template <class A, int P, int M, int W, int V, int N, int S>
__device__ __forceinline__ void convolve_item(const Work<A, S>& w, int round, typename A::Sum* own) {
  const Stage& k = w.k();
  const int pixels = P ? P : k.pixels, group = M ? M : k.group;
  // A warp has its matrices, a thread its item.
  const int shift = k.path == matrix ? 5 : 0;
  const int number = round * (w.b.K->threads >> shift) + (w.b.thread >> shift);
  if (number >= w.items) return;
  const Item item(w, number);
  if (w.step.begins) {
#pragma unroll
    for (int s = 0; s < group * pixels; ++s) own[s] = 0;
  }
  accumulate_item<A, P, M, W, V>(w, item, own);
  if (!w.step.ends) return;
#ifdef FCM_CONSTANTS_AT_RUN_TIME
  switch (k.store_width) {
    case 2: return finish_shared<A, 2>(w, item, own);
    case 4: return finish_shared<A, 4>(w, item, own);
    default: return finish_item<A, P, M, 1>(w, item, own);
  }
#else
  finish_item<A, P, M, N>(w, item, own);
#endif
}

/// Rounds `I…R − 1`. Each is code of its own, however long, so that every sum has a register of its own.
template <class A, int P, int M, int W, int V, int N, int I, int R, int S>
__device__ __forceinline__ void convolve_rounds(const Work<A, S>& w, typename A::Sum* sums) {
  if constexpr (I < R) {
    convolve_item<A, P, M, W, V, N>(w, I, sums + I * P * M);
    convolve_rounds<A, P, M, W, V, N, I + 1, R>(w, sums);
  }
}

/// A convolution's step: all items of the thread. `V` input channels are read and `N` output channels written at once.
/// `R` is how many items there are where their sums are kept from chunk to chunk;
/// 0 where the stage reduces at once, and on the CPU.
template <class A, int P, int M, int W, int V, int N, int R, int S>
__device__ FCM_SHARED_CODE void convolve(const Work<A, S>& w, typename A::Sum* sums) {
  const Stage& k = w.k();
  if constexpr (R > 0) {
    convolve_rounds<A, P, M, W, V, N, 0, R>(w, sums);
  } else {
    // Once in the machine code, however few the rounds: so its stores can be counted.
#pragma unroll 1
    for (int round = 0; round < k.rounds; ++round) {
#ifdef FCM_CONSTANTS_AT_RUN_TIME
      const int one = (M ? M : k.group) * (P ? P : k.pixels);
      convolve_item<A, P, M, W, V, N>(w, round, sums + (k.sums > one ? round * one : 0));
#else
      typename A::Sum own[P * M];
      convolve_item<A, P, M, W, V, N>(w, round, own);
#endif
    }
  }
  // The last round may not have an item for every lane.
  __syncwarp();
}

/// A layer without weights: each output from the taps of its own channel that lie inside the map.
template <class A, int S> __device__ FCM_SHARED_CODE void combine(const Work<A, S>& w) {
  const Stage& k = w.k();
  const Box map = w.b.tensor(w.stage());
#pragma unroll 1
  for (int number = w.b.thread; number < w.items; number += w.b.K->threads) {
    const Item item(w, number);
#pragma unroll 1
    for (int m = 0; m < k.group; ++m) {
      const int channel = item.channel_of(m), first = w.plane_of(channel);
#pragma unroll 1
      for (int p = 0; p < k.pixels; ++p) {
        const Spot spot = item.spot_of(p);
        const int y0 = w.b.row(w.stage() + 1, spot.row).at * k.rows.stride - k.rows.padding;
        const int x0 = w.b.column(w.stage() + 1, spot.column).at * k.columns.stride - k.columns.padding;
        typename A::Element largest = 0, other = 0;
        typename A::Sum sum = 0;
        int count = 0;
        for (int i = 0; i < k.rows.window; ++i) {
          for (int j = 0; j < k.columns.window; ++j) {
            const int slot = slot_of(w, spot, i, j) * w.slot_step;
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
        w.emit(item.has(m, p), channel, spot, pack<typename A::Element, 1>{{result}});
      }
    }
  }
  __syncwarp();
}
}  // namespace fcm
