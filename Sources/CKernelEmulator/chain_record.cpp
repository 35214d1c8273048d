#define FUSELAB_MODE 2
#define FUSELAB_ENTRY fuselab_run_chain_record
#include "chain_kernel.hpp"
