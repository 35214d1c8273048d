// The chain kernel, compiled for the CPU in each of the emulator's modes.
#pragma once
#include <stdint.h>

#include "kernel_emulator.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { fuselab_maximum_stages = 4 };

/// Which tensor of the launch is which operand; −1 for those that the chain lacks.
typedef struct {
  int32_t ifm[2], weights[fuselab_maximum_stages], bias[fuselab_maximum_stages];
  int32_t multipliers[fuselab_maximum_stages], ofm;
} fuselab_chain_operands;

enum { fuselab_fp32 = 0, fuselab_int8_onnx = 1, fuselab_int8_tflite = 2 };

/// `constants` are the words of `fcm::Constants`, `tables` what its table fields point into.
typedef struct {
  const int32_t *constants;
  int32_t constant_count;
  const int32_t *tables;
  int32_t arithmetic;
  fuselab_chain_operands operands;
} fuselab_chain;

/// Words that `constants` must have.
int32_t fuselab_chain_constant_count(void);

/// Whether this machine has the fused multiply-add that the kernels are compiled for.
int32_t fuselab_chain_is_supported(void);

typedef void fuselab_run_chain(
    const fuselab_chain *chain, const fuselab_launch *launch, const fuselab_tensor *tensors, int32_t count,
    fuselab_report *report);
fuselab_run_chain fuselab_run_chain_raw, fuselab_run_chain_check, fuselab_run_chain_record;

#ifdef __cplusplus
}
#endif
