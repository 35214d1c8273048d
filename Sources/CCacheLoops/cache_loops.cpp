// The loop, compiled for each set of instructions. No templates of the standard library here: they are shared with files
// that must run on any processor.
#include "cache_loops.h"

#ifdef __x86_64__
#include <immintrin.h>
#endif

typedef uint32_t Entries __attribute__((ext_vector_type(16), aligned(4)));
typedef bool Flags __attribute__((ext_vector_type(16)));

namespace {

#define FN(name) name##_any
#define TARGET
#include "use_vectors.hpp"

#include "line_loop.hpp"
#undef FN
#undef TARGET

#ifdef __x86_64__
#define FN(name) name##_avx2
#define TARGET __attribute__((target("avx2,bmi,bmi2,popcnt,lzcnt")))
#include "use_vectors.hpp"

#include "line_loop.hpp"
#undef FN
#undef TARGET

#define FN(name) name##_avx512
#define TARGET __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx2,bmi,bmi2,popcnt,lzcnt")))
#include "use_avx512.hpp"

#include "line_loop.hpp"
#undef FN
#undef TARGET
#endif

}  // namespace

int32_t fuselab_best_instructions(void) {
#ifdef __x86_64__
  const bool hasBits = __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2")
                       && __builtin_cpu_supports("popcnt") && __builtin_cpu_supports("lzcnt");
  if (!hasBits || !__builtin_cpu_supports("avx2")) return fuselab_any_processor;
  const bool isWide = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw")
                      && __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq");
  return isWide ? fuselab_avx512 : fuselab_avx2;
#else
  return fuselab_any_processor;
#endif
}

fuselab_line_answers fuselab_load_lines(
    const fuselab_line_sets *sets, const uint64_t *stream, size_t count, int32_t cause, uint64_t *missed,
    int32_t instructions) {
  fuselab_line_answers answers = {};
#ifdef __x86_64__
  if (instructions == fuselab_avx512) {
    answer_avx512(*sets, stream, count, cause, missed, answers);
    return answers;
  }
  if (instructions == fuselab_avx2) {
    answer_avx2(*sets, stream, count, cause, missed, answers);
    return answers;
  }
#endif
  answer_any(*sets, stream, count, cause, missed, answers);
  return answers;
}
