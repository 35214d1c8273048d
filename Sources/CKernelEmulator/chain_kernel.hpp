// What the three modes of the chain kernel share: the kernel's text and the call that launches it. Each mode includes
// it once, under its own `FUSELAB_MODE` and name.
#define FUSELAB_EMULATED
#include "../KernelSources/Resources/emulator.hpp"
#include "include/chain_kernel.h"

FUSELAB_KERNELS_BEGIN
#include "../KernelSources/Resources/chain.cu"

namespace {

template <class A> fcm::Operands<A> operands_of(const fuselab_chain &chain) {
  const fuselab_chain_operands &o = chain.operands;
  fcm::Operands<A> g{};
  for (int i = 0; i < 2; ++i) {
    if (o.ifm[i] >= 0) g.ifm[i] = emu::tensor<const typename A::Element>(o.ifm[i]);
  }
  for (int i = 0; i < fcm::maximum_stages; ++i) {
    if (o.weights[i] >= 0) g.weights[i] = emu::tensor<const typename A::Element>(o.weights[i]);
    if (o.bias[i] >= 0) g.bias[i] = emu::tensor<const typename A::Bias>(o.bias[i]);
    if (o.multipliers[i] >= 0) g.multipliers[i] = emu::tensor<const typename A::Multiplier>(o.multipliers[i]);
  }
  g.ofm = emu::tensor<typename A::Element>(o.ofm);
  g.tables = chain.tables;
  return g;
}

template <class A> void run_chain(
    const fuselab_chain &chain, const fuselab_launch &launch, const fuselab_tensor *tensors, int count,
    fuselab_report *report) {
  fcm::Constants constants;
  static_assert(sizeof(fcm::Constants) % sizeof(int32_t) == 0);
  __builtin_memcpy(&constants, chain.constants, sizeof constants);
  emu::launch(launch, tensors, count, report, [&] { fcm::run(constants, operands_of<A>(chain)); });
}

}  // namespace

extern "C" void FUSELAB_ENTRY(
    const fuselab_chain *chain, const fuselab_launch *launch, const fuselab_tensor *tensors, int32_t count,
    fuselab_report *report) {
  switch (chain->arithmetic) {
    case fuselab_fp32: return run_chain<fcm::FP32>(*chain, *launch, tensors, count, report);
    case fuselab_int8_onnx: return run_chain<fcm::INT8<float>>(*chain, *launch, tensors, count, report);
    default: return run_chain<fcm::INT8<fcm::FixedPoint>>(*chain, *launch, tensors, count, report);
  }
}

FUSELAB_KERNELS_END
