// The few words that the kernels are written in. On a GPU they vanish into plain CUDA; under FUSELAB_EMULATED each
// access is a call that the emulator can check and record.
//
//   gptr<T>            a tensor in global memory; T is const for inputs
//   shared<T>          a window of the block's dynamic shared memory
//   array<T, N>        a static array in shared memory
//   ld_if, st_if       an access of the lanes whose predicate holds: one warp request, whatever the predicates
//   pack<T, N>         neighbouring elements, aligned to their size, that one access moves: ld_pack, ld_pack_if, st_pack_if
//   copy_if            global to shared memory, up to 16 bytes a lane
//   copy_async_if      the same, but what is copied is there only after wait_for_copies(), for other threads after the
//                      barrier that follows it
//   multiply_matrix    16 × 32 by 32 × 8 bytes, by a whole warp
//   multiprocessor     the number of the one that runs the block
#pragma once

#ifdef FUSELAB_EMULATED
#include "emulator.hpp"
#else

namespace fcm {
template <class T> struct remove_const { using type = T; };
template <class T> struct remove_const<const T> { using type = T; };
template <class T> using value_of = typename remove_const<T>::type;

template <class T> using gptr = T*;

__device__ __forceinline__ unsigned multiprocessor() {
  unsigned number;
  asm("mov.u32 %0, %%smid;" : "=r"(number));
  return number;
}

template <class T> struct shared {
  T* p;
  __device__ __forceinline__ T& operator[](int i) const { return p[i]; }
};

template <class T, int N> struct array {
  T d[N];
  __device__ __forceinline__ T& operator[](int i) { return d[i]; }
};

extern __shared__ __align__(128) unsigned char dynamic_shared[];

/// `count` elements from byte `offset` of the block's dynamic shared memory. `name` is for findings alone.
template <class T> __device__ __forceinline__ shared<T> shared_at(int offset, int count, int name) {
  (void)count;
  (void)name;
  return {reinterpret_cast<T*>(dynamic_shared + offset)};
}

template <class T> __device__ __forceinline__ T ld_if(bool active, const T* from, int i, T otherwise) {
  return active ? __ldg(from + i) : otherwise;
}
template <class T> __device__ __forceinline__ T ld_if(bool active, shared<T> from, int i, T otherwise) {
  return active ? from.p[i] : otherwise;
}
template <class T> __device__ __forceinline__ void st_if(bool active, T* to, int i, T value) {
  // Else the compiler takes a pointer out of a structure for one to any kind of memory.
  __builtin_assume(__isGlobal(to));
  if (active) to[i] = value;
}
template <class T> __device__ __forceinline__ void st_if(bool active, shared<T> to, int i, T value) {
  if (active) to.p[i] = value;
}

template <class T, int N> struct alignas(N * sizeof(T)) pack {
  T d[N];
};
/// As words, whatever the elements: bytes that are read one by one NVRTC puts together again, one by one, before they are multiplied.
template <int N, class T> __device__ __forceinline__ pack<T, N> ld_pack(shared<T> from, int i) {
  pack<T, N> values;
  if constexpr (N * sizeof(T) == 16) *reinterpret_cast<int4*>(values.d) = *reinterpret_cast<const int4*>(from.p + i);
  else if constexpr (N * sizeof(T) == 8) *reinterpret_cast<int2*>(values.d) = *reinterpret_cast<const int2*>(from.p + i);
  else if constexpr (N * sizeof(T) == 4) *reinterpret_cast<int*>(values.d) = *reinterpret_cast<const int*>(from.p + i);
  else values = *reinterpret_cast<const pack<T, N>*>(from.p + i);
  return values;
}
/// Zeros where not `active`.
template <int N, class T> __device__ __forceinline__ pack<T, N> ld_pack_if(bool active, const T* from, int i) {
  union { int4 v16; int2 v8; int v4; short v2; signed char v1; pack<T, N> values; } item;
  item.values = {};
  if (active) {
    if constexpr (N * sizeof(T) == 16) item.v16 = __ldg(reinterpret_cast<const int4*>(from + i));
    if constexpr (N * sizeof(T) == 8) item.v8 = __ldg(reinterpret_cast<const int2*>(from + i));
    if constexpr (N * sizeof(T) == 4) item.v4 = __ldg(reinterpret_cast<const int*>(from + i));
    if constexpr (N * sizeof(T) == 2) item.v2 = __ldg(reinterpret_cast<const short*>(from + i));
    if constexpr (N * sizeof(T) == 1) item.v1 = __ldg(reinterpret_cast<const signed char*>(from + i));
  }
  return item.values;
}
template <class T, int N> __device__ __forceinline__ void st_pack_if(bool active, T* to, int i, pack<T, N> values) {
  // Else the compiler takes a pointer out of a structure for one to any kind of memory.
  __builtin_assume(__isGlobal(to));
  if (active) *reinterpret_cast<pack<T, N>*>(to + i) = values;
}
template <class T, int N>
__device__ __forceinline__ void st_pack_if(bool active, shared<T> to, int i, pack<T, N> values) {
  if (active) *reinterpret_cast<pack<T, N>*>(to.p + i) = values;
}
/// Four bytes that begin at element `i`.
__device__ __forceinline__ int ld_word(shared<signed char> from, int i) {
  return *reinterpret_cast<const int*>(from.p + i);
}
/// The first four bytes, or one or two and zeros.
template <int N> __device__ __forceinline__ int low_word_of(const pack<signed char, N>& bytes) {
  if constexpr (N == 1) return static_cast<unsigned char>(bytes.d[0]);
  else if constexpr (N == 2) return *reinterpret_cast<const unsigned short*>(bytes.d);
  else return *reinterpret_cast<const int*>(bytes.d);
}
template <int N> __device__ __forceinline__ int word_of(const pack<signed char, N>& bytes, int i) {
  return reinterpret_cast<const int*>(bytes.d)[i];
}

/// Adds to `d` the product of rows `a` and columns `b`, of which the lane holds the words that `mma.m16n8k32` says.
__device__ __forceinline__ void multiply_matrix(int* d, int a0, int a1, int a2, int a3, int b0, int b1) {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 800
  asm("mma.sync.aligned.m16n8k32.row.col.s32.s8.s8.s32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
      : "+r"(d[0]), "+r"(d[1]), "+r"(d[2]), "+r"(d[3])
      : "r"(a0), "r"(a1), "r"(a2), "r"(a3), "r"(b0), "r"(b1));
#else
  // Older tensor cores take a quarter of it at once: 8 rows and 16 of the 32 in between.
#define FCM_QUARTER(i, a, b)                                                                                  \
  asm("mma.sync.aligned.m8n8k16.row.col.s32.s8.s8.s32 {%0,%1}, {%2}, {%3}, {%0,%1};" : "+r"(d[i]), "+r"(d[i + 1]) \
      : "r"(a), "r"(b))
  FCM_QUARTER(0, a0, b0);
  FCM_QUARTER(0, a2, b1);
  FCM_QUARTER(2, a1, b0);
  FCM_QUARTER(2, a3, b1);
#undef FCM_QUARTER
#endif
}

/// `fill` in each byte of a word, for elements of 1 and of 4 bytes; others are always copied.
__device__ __forceinline__ int filled(signed char fill) { return int(unsigned(fill & 0xff) * 0x01010101u); }
__device__ __forceinline__ int filled(float fill) { return __float_as_int(fill); }
template <class T> __device__ __forceinline__ int filled(T) { return 0; }
/// An item of such words.
__device__ __forceinline__ void repeat(int word, int4& item) { item = make_int4(word, word, word, word); }
__device__ __forceinline__ void repeat(int word, int2& item) { item = make_int2(word, word); }
template <class V> __device__ __forceinline__ void repeat(int word, V& item) { item = V(word); }

template <class V, class T> __device__ __forceinline__ void copy_as(bool inside, T* to, const T* from, T fill) {
  // An item holds at least one element; smaller ones are never asked for.
  if constexpr (sizeof(V) >= sizeof(T)) {
    V item;
    repeat(filled(fill), item);
    if (inside) item = __ldg(reinterpret_cast<const V*>(from));
    *reinterpret_cast<V*>(to) = item;
  }
}

/// Where `active`, writes `width` elements to `to[j…]`: those from `from[i…]` where `inside`, else `fill`. Both
/// places are aligned to the size of the item, at most 16 bytes.
template <class T>
__device__ __forceinline__ void copy_if(
    bool active, bool inside, shared<T> to, int j, const T* from, int i, int width, T fill) {
  if (!active) return;
  switch (width * int(sizeof(T))) {
    case 16: copy_as<int4>(inside, to.p + j, from + i, fill); break;
    case 8: copy_as<int2>(inside, to.p + j, from + i, fill); break;
    case 4: copy_as<int>(inside, to.p + j, from + i, fill); break;
    case 2: copy_as<short>(inside, to.p + j, from + i, fill); break;
    default: copy_as<char>(inside, to.p + j, from + i, fill);
  }
}

// Architectures with asynchronous copies take no registers and no waiting for items of 4, 8 and 16 bytes.
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 800
/// Zeros where not `inside`.
template <int size> __device__ __forceinline__ void copy_async(bool inside, void* to, const void* from) {
  // Through the L1, as any other load.
  asm volatile(
      "cp.async.ca.shared.global [%0], [%1], %2, %3;" ::"r"(unsigned(__cvta_generic_to_shared(to))), "l"(from),
      "n"(size), "r"(inside ? size : 0));
}
__device__ __forceinline__ void wait_for_copies() { asm volatile("cp.async.wait_all;" ::: "memory"); }

template <class T>
__device__ __forceinline__ void copy_async_if(
    bool active, bool inside, shared<T> to, int j, const T* from, int i, int width, T fill) {
  const int size = width * int(sizeof(T));
  if (size < 4) return copy_if(active, inside, to, j, from, i, width, fill);
  // What lies outside the map is a constant and needs no load; but zeros are the copy's own.
  if (!inside && filled(fill) != 0) return copy_if(active, false, to, j, from, i, width, fill);
  if (!active) return;
  // Of nothing no address is read, wherever it is.
  switch (size) {
    case 16: return copy_async<16>(inside, to.p + j, from + i);
    case 8: return copy_async<8>(inside, to.p + j, from + i);
    default: copy_async<4>(inside, to.p + j, from + i);
  }
}
#else
__device__ __forceinline__ void wait_for_copies() {}

template <class T>
__device__ __forceinline__ void copy_async_if(
    bool active, bool inside, shared<T> to, int j, const T* from, int i, int width, T fill) {
  copy_if(active, inside, to, j, from, i, width, fill);
}
#endif
}  // namespace fcm

#endif
