// The chain kernel, compiled for the CPU in each of the emulator's modes.
#pragma once
#include "../../KernelSources/Resources/chain_abi.h"

#ifdef __cplusplus
extern "C" {
#endif

/// Words that `constants` must have.
int32_t fuselab_chain_constant_count(void);

/// Whether this machine has the fused multiply-add that the kernels are compiled for.
int32_t fuselab_chain_is_supported(void);

typedef void fuselab_run_chain(
    const fuselab_chain *chain, const fuselab_launch *launch, const fuselab_tensor *tensors, int32_t count,
    fuselab_report *report);
fuselab_run_chain fuselab_run_chain_raw, fuselab_run_chain_check, fuselab_run_chain_record;
/// Raw, its threads switched by ucontext.
fuselab_run_chain fuselab_run_chain_portable;

#ifdef __cplusplus
}
#endif
