// What a program hands the chain kernel, or one that stands in for it: plain C, beside the kernels, where a kernel
// that is compiled at run time finds it too.
#pragma once
#include "emulator_abi.h"

enum { fuselab_maximum_stages = 4 };

/// Which tensor of the launch is which operand; −1 for those that the chain lacks.
typedef struct {
  int32_t ifm[2], weights[fuselab_maximum_stages], bias[fuselab_maximum_stages];
  int32_t multipliers[fuselab_maximum_stages], residual[fuselab_maximum_stages], ofm;
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
