#define FUSELAB_MODE 1
#define FUSELAB_ENTRY fuselab_run_chain_check
#include "chain_kernel.hpp"
