#include "include/cuda_dynamic.h"

#include <dlfcn.h>
#include <glob.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

static void *open_first(const char *path, const char *const *names, char *message, int capacity) {
  if (path != NULL) {
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (library == NULL) snprintf(message, capacity, "%s", dlerror());
    return library;
  }
  for (; *names != NULL; ++names) {
    void *library = dlopen(*names, RTLD_NOW | RTLD_LOCAL);
    if (library != NULL) return library;
    snprintf(message, capacity, "%s", dlerror());
  }
  return NULL;
}

#define FUSELAB_LOOK_UP(field, symbol, parameters)          \
  *(void **)&table->field = dlsym(library, symbol);         \
  if (table->field == NULL) {                               \
    snprintf(message, capacity, "it lacks %s", symbol);     \
    return 1;                                               \
  }

int fuselab_open_driver(const char *path, fuselab_driver *table, char *message, int capacity) {
  static const char *const names[] = {"libcuda.so.1", "libcuda.so", NULL};
  void *library = open_first(path, names, message, capacity);
  if (library == NULL) return 1;
  FUSELAB_DRIVER_FUNCTIONS(FUSELAB_LOOK_UP)
  return 0;
}

/// NVRTC opens its builtins by bare name, so those beside it must be there first.
static void open_builtins(const char *path) {
  const char *slash = strrchr(path, '/');
  if (slash == NULL) return;
  char pattern[PATH_MAX];
  if (snprintf(pattern, sizeof pattern, "%.*slibnvrtc-builtins.so*", (int)(slash - path + 1), path) >=
      (int)sizeof pattern) {
    return;
  }
  glob_t found;
  if (glob(pattern, 0, NULL, &found) != 0) return;
  for (size_t i = 0; i < found.gl_pathc; ++i) dlopen(found.gl_pathv[i], RTLD_NOW | RTLD_GLOBAL);
  globfree(&found);
}

int fuselab_open_compiler(const char *path, fuselab_compiler *table, char *message, int capacity) {
  static const char *const names[] = {
      "libnvrtc.so.13", "libnvrtc.so.12", "libnvrtc.so", "/usr/local/cuda/lib64/libnvrtc.so", NULL};
  if (path != NULL) open_builtins(path);
  void *library = open_first(path, names, message, capacity);
  if (library == NULL) return 1;
  FUSELAB_COMPILER_FUNCTIONS(FUSELAB_LOOK_UP)
  return 0;
}
