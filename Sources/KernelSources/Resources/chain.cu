// Every kernel: dw, pw, dwpw, pwdw, pwdw_r, pwpw and longer chains, in FP32 and INT8.
//
// A block makes one tile of the last stage's output. It asks that stage for its channels; a stage that mixes channels
// takes its input chunk by chunk, any other takes the channels of its groups; the first stage's input comes from global
// memory, that of the others from the stage before. What a buffer holds is neither loaded nor made again.
#include "compute.cuh"

namespace fcm {

/// In how many chunks a stage takes its input.
__device__ constexpr int chunks_of(const Stage& k) {
  return k.mixes ? (k.input_channels + k.chunk - 1) / k.chunk : 1;
}

#ifdef FCM_CONSTANTS_AT_RUN_TIME
#define FCM_SUMS(s) maximum_sums
#define FCM_UNROLLED(s) 1
#else
#define FCM_SUMS(s) constants.stage[s].sums
#define FCM_UNROLLED(s) constants.stage[s].unrolled
#endif

/// `convolve` with the stage's register tile. On the CPU those that schedules mostly have are compiled, and one for
/// all others.
template <int S, class A, int T> __device__ __forceinline__ void convolve_tile(const Work<A, T>& w, typename A::Sum* sums) {
#ifdef FCM_CONSTANTS_AT_RUN_TIME
  switch (w.k().pixels * 256 + w.k().group) {
    case 1 * 256 + 1: return convolve<A, 1, 1, any_way, 0, 0, 0>(w, sums);
    case 1 * 256 + 2: return convolve<A, 1, 2, any_way, 0, 0, 0>(w, sums);
    case 2 * 256 + 1: return convolve<A, 2, 1, any_way, 0, 0, 0>(w, sums);
    case 4 * 256 + 1: return convolve<A, 4, 1, any_way, 0, 0, 0>(w, sums);
    case 1 * 256 + 4: return convolve<A, 1, 4, any_way, 0, 0, 0>(w, sums);
    case 2 * 256 + 4: return convolve<A, 2, 4, any_way, 0, 0, 0>(w, sums);
    case 4 * 256 + 4: return convolve<A, 4, 4, any_way, 0, 0, 0>(w, sums);
    case 8 * 256 + 4: return convolve<A, 8, 4, any_way, 0, 0, 0>(w, sums);
    case 16 * 256 + 4: return convolve<A, 16, 4, any_way, 0, 0, 0>(w, sums);
    default: return convolve<A, 0, 0, any_way, 0, 0, 0>(w, sums);
  }
#else
  constexpr const Stage& k = constants.stage[S];
  // Only a thread that keeps the sums of its items from chunk to chunk needs code of its own for each.
  constexpr int rounds = k.mixes && k.chunk < k.input_channels ? k.rounds : 0;
  constexpr Way way = k.path == matrix ? by_matrices
      : k.path == packs                ? by_packs
      : k.path == filter_packs         ? by_filters
      : k.slides                       ? sliding
      : !k.mixes && k.store_width > 1  ? by_channels
      : k.mixes && k.rows.window * k.columns.window == 1 ? one_tap
                                                         : many_taps;
  static_assert(
      !k.slides || k.rows.window * k.columns.window * k.store_width <= sliding_weights, "windows too large to slide");
  constexpr int size = k.path == packs || k.path == filter_packs ? k.pack : k.store_width;
  convolve<A, k.pixels, k.group, way, size, k.store_width, rounds>(w, sums);
#endif
}

/// The input channels that a stage takes to make output `channels`: all, or those of the groups.
__device__ __forceinline__ Range inputs_of(const Stage& k, Range channels) {
  if (k.mixes) return {0, k.input_channels};
  const int first = channels.low / k.filters_per_group, last = (channels.high - 1) / k.filters_per_group;
  return {first * k.channels_per_group, (last + 1) * k.channels_per_group};
}

/// The chunk of `all` that begins at `start`.
__device__ __forceinline__ Range chunk_of(const Stage& k, Range all, int start) {
  return k.mixes ? part_of(k.input_channels, k.chunk, start) : Range{start, all.high};
}

/// Loads what stage `S` and those before it need for the first compute of each, to reduce `chunk`. Ahead of its time
/// nothing is loaded for a stage that goes through chunks of its own meanwhile, since these take both copies.
template <int S, class A>
__device__ FCM_SHARED_CODE void fetch(Block<A>& b, Range channels, Range chunk, bool is_ahead) {
  if constexpr (S > 0) {
    const Stage& before = b.K->stage[S - 1];
    if (!(b.is_made[S - 1] && b.made[S - 1] == chunk.name()) && !(is_ahead && chunks_of(before) > 1)) {
      const Range all = inputs_of(before, chunk);
      fetch<S - 1>(b, chunk, chunk_of(before, all, all.low), is_ahead);
    }
  } else {
    load_ifm(b, 0, chunk, is_ahead);
    if (b.K->inputs == 2) load_ifm(b, 1, chunk, is_ahead);
  }
  load_constants<S>(b, channels, chunk, is_ahead);
}

/// Leaves output `channels` of stage `S` in its buffer, or, after the last stage, in global memory. An add after it has
/// no step of its own: what it adds goes to the results in registers.
template <int S, class A> __device__ FCM_SHARED_CODE void make(Block<A>& b, Range channels) {
  const Stage& k = b.K->stage[S];
  const bool is_last = k.target + 1 == b.K->stages;
  if (!is_last) {
    if (b.is_made[S] && b.made[S] == channels.name()) return;
    b.is_made[S] = true;
    b.made[S] = channels.name();
  }
  typename A::Sum sums[FCM_SUMS(S)];
#ifndef FCM_CONSTANTS_AT_RUN_TIME
  // Every first step begins them anew, but where nothing stands in them the compiler may keep them in local memory.
#pragma unroll
  for (int s = 0; s < FCM_SUMS(S); ++s) sums[s] = 0;
#endif
  const Range all = inputs_of(k, channels);
  const int chunks = chunks_of(k);
#pragma unroll(FCM_UNROLLED(S))
  for (int number = 0; number < chunks; ++number) {
    b.begin_step();
    const Range chunk = chunk_of(k, all, all.low + number * k.chunk);
    fetch<S>(b, channels, chunk, false);
    if (b.K->buffers == 2 && chunk.high < all.high) fetch<S>(b, channels, chunk_of(k, all, chunk.high), true);
    if constexpr (S > 0) make<S - 1>(b, chunk);
    if (S > 0 && k.operation == add) continue;

    const bool ends = chunk.high == all.high;
    unsigned reads = S > 0 ? 1u << buffer::intermediate(S - 1) : b.hazards.bit(buffer::ifm(0));
    if (S == 0 && b.K->inputs == 2) reads |= b.hazards.bit(buffer::ifm(1));
    if (k.operation == convolution) reads |= b.hazards.bit(buffer::weights(S));
    if (ends && k.has_bias) reads |= b.hazards.bit(buffer::bias(S));
    if (ends && k.multipliers.copies > 0) reads |= b.hazards.bit(buffer::multipliers(S));
    b.hazards.compute(reads, ends && !is_last ? 1u << buffer::intermediate(k.target) : 0u);

    const Work<A, FCM_STAGE(S)> w(b, S, {channels, chunk, chunk.low == all.low, ends});
    if (k.operation != convolution) {
      combine(w);
    } else {
      convolve_tile<S>(w, sums);
    }
  }
}

template <class A> __device__ __forceinline__ void run(Known K, const Operands<A>& g) {
  Block<A> b(K, g);
#ifdef FCM_CONSTANTS_AT_RUN_TIME
  switch (K->stages) {
    case 1: return make<0>(b, b.channels);
    case 2: return make<1>(b, b.channels);
    case 3: return make<2>(b, b.channels);
    default: return make<3>(b, b.channels);
  }
#else
  make<constants.stages - 1>(b, b.channels);
#endif
}

}  // namespace fcm

#ifndef FCM_CONSTANTS_AT_RUN_TIME
// What stands before this text defines `fcm::constants` and the names of the kernel and of its arithmetic.
#ifdef FCM_RECORD_PLACES
// The multiprocessor of each of so many blocks, for who asks where they run.
extern "C" {
__device__ unsigned fcm_places[FCM_RECORD_PLACES];
}
#endif

extern "C" __global__ void __launch_bounds__(fcm::constants.threads, fcm::constants.resident) FCM_KERNEL(
    const __grid_constant__ fcm::Operands<FCM_ARITHMETIC> g) {
#ifdef FCM_RECORD_PLACES
  if (threadIdx.x == 0) fcm_places[blockIdx.x] = fcm::multiprocessor();
#endif
  fcm::run(fcm::Known(), g);
}
#endif
