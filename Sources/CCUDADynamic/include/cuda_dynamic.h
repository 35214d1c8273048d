// The CUDA driver and NVRTC, found when they are first needed: nothing of CUDA is needed to build or to link.
//
// A table holds the functions by their documented names and signatures (CUDA Driver API, NVRTC), each handle as a
// plain pointer, each enumeration as an int; 0 is success.
#pragma once
#include <stddef.h>
#include <stdint.h>

typedef uint64_t fuselab_device_pointer;
typedef void *fuselab_handle;

/// X(field, symbol, parameters)
#define FUSELAB_DRIVER_FUNCTIONS(X)                                                                                  \
  X(initialise, "cuInit", (unsigned flags))                                                                          \
  X(driver_version, "cuDriverGetVersion", (int *version))                                                            \
  X(error_name, "cuGetErrorName", (int error, const char **name))                                                    \
  X(error_string, "cuGetErrorString", (int error, const char **text))                                                \
  X(device_count, "cuDeviceGetCount", (int *count))                                                                  \
  X(device, "cuDeviceGet", (int *device, int ordinal))                                                               \
  X(device_name, "cuDeviceGetName", (char *name, int capacity, int device))                                          \
  X(device_attribute, "cuDeviceGetAttribute", (int *value, int attribute, int device))                               \
  X(retain_context, "cuDevicePrimaryCtxRetain", (fuselab_handle *context, int device))                               \
  X(release_context, "cuDevicePrimaryCtxRelease_v2", (int device))                                                   \
  X(set_context, "cuCtxSetCurrent", (fuselab_handle context))                                                        \
  X(synchronise, "cuCtxSynchronize", (void))                                                                         \
  X(allocate, "cuMemAlloc_v2", (fuselab_device_pointer *memory, size_t bytes))                                       \
  X(release, "cuMemFree_v2", (fuselab_device_pointer memory))                                                        \
  X(copy_in, "cuMemcpyHtoD_v2", (fuselab_device_pointer to, const void *from, size_t bytes))                         \
  X(copy_out, "cuMemcpyDtoH_v2", (void *to, fuselab_device_pointer from, size_t bytes))                              \
  X(fill, "cuMemsetD8_v2", (fuselab_device_pointer to, unsigned char value, size_t bytes))                           \
  X(load_module, "cuModuleLoadData", (fuselab_handle *module, const void *image))                                    \
  X(unload_module, "cuModuleUnload", (fuselab_handle module))                                                        \
  X(function, "cuModuleGetFunction", (fuselab_handle *function, fuselab_handle module, const char *name))            \
  X(global, "cuModuleGetGlobal_v2",                                                                                  \
    (fuselab_device_pointer *memory, size_t *bytes, fuselab_handle module, const char *name))                        \
  X(function_attribute, "cuFuncGetAttribute", (int *value, int attribute, fuselab_handle function))                  \
  X(set_function_attribute, "cuFuncSetAttribute", (fuselab_handle function, int attribute, int value))               \
  X(launch, "cuLaunchKernel",                                                                                        \
    (fuselab_handle function, unsigned grid_x, unsigned grid_y, unsigned grid_z, unsigned block_x, unsigned block_y, \
     unsigned block_z, unsigned shared_bytes, fuselab_handle stream, void **parameters, void **extra))               \
  X(create_stream, "cuStreamCreate", (fuselab_handle *stream, unsigned flags))                                       \
  X(destroy_stream, "cuStreamDestroy_v2", (fuselab_handle stream))                                                   \
  X(synchronise_stream, "cuStreamSynchronize", (fuselab_handle stream))                                              \
  X(begin_capture, "cuStreamBeginCapture_v2", (fuselab_handle stream, int mode))                                     \
  X(end_capture, "cuStreamEndCapture", (fuselab_handle stream, fuselab_handle *graph))                               \
  X(instantiate_graph, "cuGraphInstantiateWithFlags",                                                                \
    (fuselab_handle *executable, fuselab_handle graph, unsigned long long flags))                                    \
  X(launch_graph, "cuGraphLaunch", (fuselab_handle executable, fuselab_handle stream))                               \
  X(destroy_executable, "cuGraphExecDestroy", (fuselab_handle executable))                                           \
  X(destroy_graph, "cuGraphDestroy", (fuselab_handle graph))                                                         \
  X(create_event, "cuEventCreate", (fuselab_handle *event, unsigned flags))                                          \
  X(record_event, "cuEventRecord", (fuselab_handle event, fuselab_handle stream))                                    \
  X(synchronise_event, "cuEventSynchronize", (fuselab_handle event))                                                 \
  X(elapsed_time, "cuEventElapsedTime", (float *milliseconds, fuselab_handle start, fuselab_handle end))             \
  X(destroy_event, "cuEventDestroy_v2", (fuselab_handle event))

#define FUSELAB_COMPILER_FUNCTIONS(X)                                                                                \
  X(version, "nvrtcVersion", (int *major, int *minor))                                                               \
  X(architecture_count, "nvrtcGetNumSupportedArchs", (int *count))                                                   \
  X(architectures, "nvrtcGetSupportedArchs", (int *numbers))                                                         \
  X(create, "nvrtcCreateProgram",                                                                                    \
    (fuselab_handle *program, const char *source, const char *name, int header_count, const char *const *headers,    \
     const char *const *header_names))                                                                               \
  X(compile, "nvrtcCompileProgram", (fuselab_handle program, int option_count, const char *const *options))          \
  X(log_size, "nvrtcGetProgramLogSize", (fuselab_handle program, size_t *size))                                      \
  X(log, "nvrtcGetProgramLog", (fuselab_handle program, char *log))                                                  \
  X(machine_code_size, "nvrtcGetCUBINSize", (fuselab_handle program, size_t *size))                                  \
  X(machine_code, "nvrtcGetCUBIN", (fuselab_handle program, char *code))                                             \
  X(ptx_size, "nvrtcGetPTXSize", (fuselab_handle program, size_t *size))                                             \
  X(ptx, "nvrtcGetPTX", (fuselab_handle program, char *ptx))                                                         \
  X(destroy, "nvrtcDestroyProgram", (fuselab_handle *program))

#define FUSELAB_FIELD(field, symbol, parameters) int(*field) parameters;
typedef struct {
  FUSELAB_DRIVER_FUNCTIONS(FUSELAB_FIELD)
} fuselab_driver;
typedef struct {
  FUSELAB_COMPILER_FUNCTIONS(FUSELAB_FIELD)
} fuselab_compiler;
#undef FUSELAB_FIELD

/// Fills the table from the library at `path`, or, where that is null, from where the system finds it. Returns 0, or 1
/// with what is wrong in `message`.
int fuselab_open_driver(const char *path, fuselab_driver *driver, char *message, int capacity);
int fuselab_open_compiler(const char *path, fuselab_compiler *compiler, char *message, int capacity);
