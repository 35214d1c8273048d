// The way into a kernel that was compiled at run time with its constants.
#pragma once
#include "operands.hpp"

extern "C" __attribute__((visibility("default"))) void fuselab_run_kernel(
    const fuselab_chain* chain, const fuselab_launch* launch, const fuselab_tensor* tensors, int32_t count,
    fuselab_report* report) {
  emu::launch(*launch, tensors, count, report, [&] { FCM_KERNEL(operands_of<FCM_ARITHMETIC>(*chain)); });
}
