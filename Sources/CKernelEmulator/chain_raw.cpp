#define FUSELAB_MODE 0
#define FUSELAB_ENTRY fuselab_run_chain_raw
#include "chain_kernel.hpp"
