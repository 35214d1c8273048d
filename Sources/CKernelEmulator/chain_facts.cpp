#define __device__
#define __forceinline__ inline
#include "../KernelSources/Resources/constants.cuh"
#include "include/chain_kernel.h"

extern "C" int32_t fuselab_chain_constant_count(void) { return sizeof(fcm::Constants) / sizeof(int32_t); }

extern "C" int32_t fuselab_chain_is_supported(void) {
#if defined(__x86_64__)
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
#else
  return 1;
#endif
}
