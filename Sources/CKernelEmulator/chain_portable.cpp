#define FUSELAB_MODE 0
#define FUSELAB_UCONTEXT
#define FUSELAB_ENTRY fuselab_run_chain_portable
#include "chain_kernel.hpp"
