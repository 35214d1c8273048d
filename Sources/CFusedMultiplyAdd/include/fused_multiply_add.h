#pragma once
#include <stddef.h>

/// `sums[r][c] = fma(weight, source[r][c], sums[r][c])`, each product and sum rounded once (IEEE 754 `fusedMultiplyAdd`).
///
/// Rows of `sums` lie `sums_pitch` elements apart and columns side by side; those of `source` lie `source_pitch` and `step`
/// elements apart.
void fuselab_multiply_add(
    float *sums, ptrdiff_t sums_pitch, const float *source, ptrdiff_t source_pitch, ptrdiff_t step, float weight,
    ptrdiff_t rows, ptrdiff_t columns);
