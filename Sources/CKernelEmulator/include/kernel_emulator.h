// The types lie beside the kernels, where a kernel that is compiled at run time finds them too.
#pragma once
#include "../../KernelSources/Resources/emulator_abi.h"
