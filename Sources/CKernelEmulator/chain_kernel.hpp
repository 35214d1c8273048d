// What the three modes of the chain kernel share: the kernel's text and the call that launches it. Each mode includes
// it once, under its own `FUSELAB_MODE` and name.
#define FUSELAB_EMULATED
#define FCM_CONSTANTS_AT_RUN_TIME
#include "../KernelSources/Resources/emulator.hpp"
#include "include/chain_kernel.h"

FUSELAB_KERNELS_BEGIN
#include "../KernelSources/Resources/chain.cu"
#include "../KernelSources/Resources/operands.hpp"

namespace {

template <class A> void run_chain(
    const fuselab_chain &chain, const fuselab_launch &launch, const fuselab_tensor *tensors, int count,
    fuselab_report *report) {
  fcm::Constants constants;
  static_assert(sizeof(fcm::Constants) % sizeof(int32_t) == 0);
  __builtin_memcpy(&constants, chain.constants, sizeof constants);
  emu::launch(launch, tensors, count, report, [&] { fcm::run(fcm::Known{&constants}, operands_of<A>(chain)); });
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
