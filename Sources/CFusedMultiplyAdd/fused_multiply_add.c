// The one loop of the FP32 reference that takes time. Where the processor has fused multiply-adds they are used several at
// once, and give the same bits as the library's `fmaf`: Swift calls that one for each, for it must run on any x86-64.
#include "fused_multiply_add.h"

#include <math.h>

static inline __attribute__((always_inline)) void multiply_add(
    float *sums, ptrdiff_t sums_pitch, const float *source, ptrdiff_t source_pitch, ptrdiff_t step, float weight,
    ptrdiff_t rows, ptrdiff_t columns) {
  for (ptrdiff_t row = 0; row < rows; ++row) {
    float *const sum = sums + row * sums_pitch;
    const float *const value = source + row * source_pitch;
    if (step == 1) {
      for (ptrdiff_t column = 0; column < columns; ++column) {
        sum[column] = __builtin_fmaf(weight, value[column], sum[column]);
      }
    } else {
      for (ptrdiff_t column = 0; column < columns; ++column) {
        sum[column] = __builtin_fmaf(weight, value[column * step], sum[column]);
      }
    }
  }
}

#if defined(__x86_64__)
__attribute__((target("avx2,fma"))) static void multiply_add_avx2(
    float *sums, ptrdiff_t sums_pitch, const float *source, ptrdiff_t source_pitch, ptrdiff_t step, float weight,
    ptrdiff_t rows, ptrdiff_t columns) {
  multiply_add(sums, sums_pitch, source, source_pitch, step, weight, rows, columns);
}
#endif

void fuselab_multiply_add(
    float *sums, ptrdiff_t sums_pitch, const float *source, ptrdiff_t source_pitch, ptrdiff_t step, float weight,
    ptrdiff_t rows, ptrdiff_t columns) {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
    multiply_add_avx2(sums, sums_pitch, source, source_pitch, step, weight, rows, columns);
    return;
  }
#endif
  multiply_add(sums, sums_pitch, source, source_pitch, step, weight, rows, columns);
}
