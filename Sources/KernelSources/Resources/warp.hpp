// CUDA's functions for threads that meet, and its arithmetic.
#pragma once

#define FCM_PLACE_LAST , const char *file = __builtin_FILE(), int line = __builtin_LINE()

inline void __syncthreads(const char* file = __builtin_FILE(), int line = __builtin_LINE()) {
  emu::wait(emu::State::at_barrier, {file, line});
}

inline void __syncwarp(uint32_t mask = ~0u FCM_PLACE_LAST) {
  emu::meet(emu::WarpOperation::sync, mask, 0, 0, {file, line});
}

// A shuffle stays in its segment of `width` lanes; a lane whose source lies outside keeps its own value.
template <class T> inline T __shfl_sync(uint32_t mask, T value, int source, int width = 32 FCM_PLACE_LAST) {
  const int lane = emu::now.me % 32, begin = lane / width * width;
  return emu::shuffle(mask, value, begin + (source & (width - 1)), {file, line});
}
template <class T> inline T __shfl_up_sync(uint32_t mask, T value, unsigned delta, int width = 32 FCM_PLACE_LAST) {
  const int lane = emu::now.me % 32, begin = lane / width * width, source = lane - int(delta);
  return emu::shuffle(mask, value, source < begin ? lane : source, {file, line});
}
template <class T> inline T __shfl_down_sync(uint32_t mask, T value, unsigned delta, int width = 32 FCM_PLACE_LAST) {
  const int lane = emu::now.me % 32, end = lane / width * width + width, source = lane + int(delta);
  return emu::shuffle(mask, value, source >= end ? lane : source, {file, line});
}
template <class T> inline T __shfl_xor_sync(uint32_t mask, T value, int bits, int width = 32 FCM_PLACE_LAST) {
  const int lane = emu::now.me % 32, end = lane / width * width + width, source = lane ^ bits;
  return emu::shuffle(mask, value, source >= end ? lane : source, {file, line});
}

inline unsigned __ballot_sync(uint32_t mask, int vote FCM_PLACE_LAST) {
  return unsigned(emu::meet(emu::WarpOperation::ballot, mask, vote != 0, 0, {file, line}));
}
inline int __any_sync(uint32_t mask, int vote FCM_PLACE_LAST) { return __ballot_sync(mask, vote, file, line) != 0; }
inline int __all_sync(uint32_t mask, int vote FCM_PLACE_LAST) { return __ballot_sync(mask, !vote, file, line) == 0; }

/// Lanes that have not ended: which of them run together is not known here.
inline unsigned __activemask() {
  const emu::Thread* lanes = emu::now.worker->threads + emu::now.my_warp * emu::warp_lanes;
  unsigned mask = 0;
  for (int i = 0; i < emu::warp_lanes; ++i) {
    if (emu::own_lanes() >> i & 1 && lanes[i].state != emu::State::ended) mask |= 1u << i;
  }
  return mask;
}

inline int __dp4a(int a, int b, int sum) {
  int product = 0;
  for (int byte = 0; byte < 32; byte += 8) product += int((signed char)(a >> byte)) * int((signed char)(b >> byte));
  return int(unsigned(sum) + unsigned(product));
}

/// Of the eight bytes of `a` and `b` those that the four digits of `chosen` number.
inline int __byte_perm(int a, int b, int chosen) {
  const uint64_t bytes = uint64_t(uint32_t(b)) << 32 | uint32_t(a);
  uint32_t word = 0;
  for (int k = 0; k < 4; ++k) word |= uint32_t(bytes >> 8 * (chosen >> 4 * k & 7) & 0xff) << 8 * k;
  return int(word);
}

template <class To, class From> __attribute__((always_inline)) inline To emu_bits(From from) {
  To to;
  static_assert(sizeof to == sizeof from);
  memcpy(&to, &from, sizeof to);
  return to;
}
inline int __float_as_int(float x) { return emu_bits<int>(x); }
inline float __int_as_float(int x) { return emu_bits<float>(x); }
inline unsigned __float_as_uint(float x) { return emu_bits<unsigned>(x); }
inline float __uint_as_float(unsigned x) { return emu_bits<float>(x); }
inline int __popc(unsigned x) { return __builtin_popcount(x); }
inline int __ffs(int x) { return __builtin_ffs(x); }
inline int __clz(int x) { return x == 0 ? 32 : __builtin_clz(unsigned(x)); }

#define FCM_MINIMUM_MAXIMUM(T)                                                                  \
  __attribute__((always_inline)) inline T min(T a, T b) { return b < a ? b : a; }               \
  __attribute__((always_inline)) inline T max(T a, T b) { return a < b ? b : a; }
FCM_MINIMUM_MAXIMUM(int)
FCM_MINIMUM_MAXIMUM(unsigned)
FCM_MINIMUM_MAXIMUM(long long)
FCM_MINIMUM_MAXIMUM(unsigned long long)
__attribute__((always_inline)) inline float min(float a, float b) { return __builtin_fminf(a, b); }
__attribute__((always_inline)) inline float max(float a, float b) { return __builtin_fmaxf(a, b); }
#undef FCM_MINIMUM_MAXIMUM
#undef FCM_PLACE_LAST
