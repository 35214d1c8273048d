// CUDA kernels on the CPU. Each CUDA thread is a fiber; blocks spread over host threads. FUSELAB_MODE says what is
// found out beside the values: 0 nothing, 1 defects, 2 requests to memory, 3 both.
//
//   #define FUSELAB_EMULATED
//   #define FUSELAB_MODE 1
//   #include "emulator.hpp"
//   FUSELAB_KERNELS_BEGIN
//   #include "kernel.cu"                      // with `fcm.cuh` in its first line
//   …functions that call emu::launch(…, [] { kernel(emu::tensor<const float>(0), …); });
//   FUSELAB_KERNELS_END
//
// One file of a program has one mode; other files may have others.
#pragma once

#ifndef FUSELAB_MODE
#define FUSELAB_MODE 0
#endif

#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <new>

#include "emulator_abi.h"

// Modes give the same names other meanings; as different namespaces they can be linked into one program.
#if FUSELAB_MODE == 0 && defined(FUSELAB_UCONTEXT)
#define emu emu_portable
#define fcm fcm_portable
#elif FUSELAB_MODE == 0
#define emu emu_raw
#define fcm fcm_raw
#elif FUSELAB_MODE == 1
#define emu emu_check
#define fcm fcm_check
#elif FUSELAB_MODE == 2
#define emu emu_record
#define fcm fcm_record
#else
#define emu emu_check_record
#define fcm fcm_check_record
#endif

// Kernels use fused multiply-adds: as instructions, which the caller makes sure of, never by contraction.
#if defined(__x86_64__)
#define FUSELAB_KERNELS_BEGIN                                                                           \
  _Pragma("clang attribute push(__attribute__((target(\"avx2,fma\"))), apply_to = function)")            \
  _Pragma("clang fp contract(off)")
#define FUSELAB_KERNELS_END _Pragma("clang attribute pop")
#else
#define FUSELAB_KERNELS_BEGIN _Pragma("clang fp contract(off)")
#define FUSELAB_KERNELS_END
#endif

#define __global__
#define __device__
#define __host__
#define __forceinline__ inline __attribute__((always_inline))
#define __noinline__ __attribute__((noinline))
#define __launch_bounds__(...)
#define __grid_constant__
#define __align__(n) __attribute__((aligned(n)))
#define __shared__ static thread_local

struct uint3 { unsigned x, y, z; };
struct dim3 {
  unsigned x = 1, y = 1, z = 1;
};
struct int2 { int x, y; };
struct alignas(16) int4 { int x, y, z, w; };
struct alignas(8) float2 { float x, y; };
struct alignas(16) float4 { float x, y, z, w; };

// Kernels ask to unroll loops whose length a GPU's compiler knows and this one does not.
#pragma clang diagnostic ignored "-Wpass-failed"

// A kernel compiled at run time brings its own copy of all this: hidden, so that no two are taken for one.
#pragma GCC visibility push(hidden)
#include "fiber.hpp"
#include "findings.hpp"
#include "running.hpp"
#include "checked.hpp"
#include "recorded.hpp"
#include "worker.hpp"
#include "fault.hpp"
#include "launch.hpp"
#include "report.hpp"
#include "meeting.hpp"
#if FUSELAB_MODE == 0
#include "memory_raw.hpp"
#else
#include "memory.hpp"
#endif
#include "warp.hpp"
#pragma GCC visibility pop

#define threadIdx (emu::now.thread)
#define blockIdx (emu::now.block)
#define blockDim (emu::now.threads)
#define gridDim (emu::now.blocks)
constexpr int warpSize = 32;

namespace fcm {
/// Blocks go to two of them in turn.
inline unsigned multiprocessor() { return unsigned(blockIdx.x) % 2; }
}  // namespace fcm
