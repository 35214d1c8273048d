// A driver and an NVRTC without a GPU, in one library: memory is the host's, "machine code" is a library for the CPU in
// which the emulator runs the kernel's threads. So a test takes the whole way that a GPU would: source, compiler, module,
// launch, results.
//
// FUSELAB_STUB_TEXTS names the folder of the emulator's headers, FUSELAB_STUB_CLANG the compiler; FUSELAB_STUB_FAULT plants
// one defect: "oom", "launch", "nodevice", "nothing" (no kernel runs), "bit" (a wrong bit in each result) or "outside" (a
// write beside it).
#include <dlfcn.h>
#include <link.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <map>
#include <string>
#include <vector>

#define EXPORT extern "C" __attribute__((visibility("default")))

namespace {

bool fault(const char *name) {
  const char *planted = getenv("FUSELAB_STUB_FAULT");
  return planted != nullptr && strcmp(planted, name) == 0;
}

std::string variable(const char *name, const char *otherwise) {
  const char *value = getenv(name);
  return value != nullptr ? value : otherwise;
}

/// The pattern of a new file or folder's name.
std::string temporary() { return variable("TMPDIR", "/tmp") + "/fuselab-stub-XXXXXX"; }

std::map<uint64_t, size_t> allocations;

bool holds(uint64_t address, size_t bytes) {
  auto after = allocations.upper_bound(address);
  if (after == allocations.begin()) return false;
  --after;
  return address + bytes <= after->first + after->second;
}

using Entry = void (*)(const void *parameters, int blocks, int threads, int shared_bytes);

struct Launch {
  Entry entry;
  int blocks, threads, shared_bytes;
  std::vector<uint64_t> parameters;

  void run() const {
    if (fault("nothing")) return;
    entry(parameters.data(), blocks, threads, shared_bytes);
    unsigned char *output = reinterpret_cast<unsigned char *>(parameters[18]);
    if (fault("bit")) output[3] ^= 1;
    if (fault("outside")) output[-1] ^= 1;
  }
};

struct Stream {
  bool captures = false;
  std::vector<Launch> captured;
};
using Graph = std::vector<Launch>;

struct Program {
  std::string source, log, code;
  std::vector<std::pair<std::string, std::string>> headers;
};

void write_file(const std::string &path, const std::string &text) {
  FILE *file = fopen(path.c_str(), "w");
  if (file == nullptr) return;
  fwrite(text.data(), 1, text.size(), file);
  fclose(file);
}

std::string read_file(const std::string &path) {
  std::string text;
  FILE *file = fopen(path.c_str(), "r");
  if (file == nullptr) return text;
  char piece[65536];
  for (size_t n; (n = fread(piece, 1, sizeof piece, file)) > 0;) text.append(piece, n);
  fclose(file);
  return text;
}

const char *wrapper =
    "#define FUSELAB_EMULATED\n"
    "#define FUSELAB_LOADED_AT_RUN_TIME\n"
    "#define FUSELAB_MODE 0\n"
    "#include \"emulator.hpp\"\n"
    "FUSELAB_KERNELS_BEGIN\n"
    "#include \"program.cu\"\n"
    "extern \"C\" __attribute__((visibility(\"default\"))) void stub_entry(\n"
    "    const void *parameters, int blocks, int threads, int shared_bytes) {\n"
    "  fuselab_launch launch = {};\n"
    "  launch.grid[0] = blocks;\n"
    "  launch.block[0] = threads;\n"
    "  launch.grid[1] = launch.grid[2] = launch.block[1] = launch.block[2] = 1;\n"
    "  launch.shared_bytes = shared_bytes;\n"
    "  launch.host_threads = 1;\n"
    "  static fuselab_report report;\n"
    "  const auto &g = *static_cast<const fcm::Operands<FCM_ARITHMETIC> *>(parameters);\n"
    "  emu::launch(launch, nullptr, 0, &report, [&] { FCM_KERNEL(g); });\n"
    "}\n"
    "FUSELAB_KERNELS_END\n";

}  // namespace

// NVRTC.

EXPORT int nvrtcVersion(int *major, int *minor) { return *major = 13, *minor = 0, 0; }
EXPORT int nvrtcGetNumSupportedArchs(int *count) { return *count = 2, 0; }
EXPORT int nvrtcGetSupportedArchs(int *numbers) { return numbers[0] = 75, numbers[1] = 90, 0; }

EXPORT int nvrtcCreateProgram(
    void **program, const char *source, const char *, int count, const char *const *texts, const char *const *names) {
  Program *made = new Program;
  made->source = source;
  for (int i = 0; i < count; ++i) made->headers.push_back({names[i], texts[i]});
  *program = made;
  return 0;
}

EXPORT int nvrtcCompileProgram(void *program, int, const char *const *) {
  Program &p = *static_cast<Program *>(program);
  std::string base = temporary();
  if (mkdtemp(base.data()) == nullptr) return 1;
  for (auto &header : p.headers) write_file(base + "/" + header.first, header.second);
  write_file(base + "/program.cu", p.source);
  write_file(base + "/main.cpp", wrapper);
  const std::string command = variable("FUSELAB_STUB_CLANG", "clang++") + " -std=c++20 -O1 -shared -fPIC -I " + base +
                              " -I '" + variable("FUSELAB_STUB_TEXTS", ".") + "' -o " + base + "/code " + base +
                              "/main.cpp -lm 2> " + base + "/log";
  const int status = system(command.c_str());
  p.log = read_file(base + "/log");
  p.code = read_file(base + "/code");
  const std::string remove = "rm -rf " + base;
  if (system(remove.c_str()) != 0) return 1;
  return status == 0 ? 0 : 6;
}

EXPORT int nvrtcGetProgramLogSize(void *p, size_t *size) { return *size = static_cast<Program *>(p)->log.size() + 1, 0; }
EXPORT int nvrtcGetProgramLog(void *p, char *log) { return memcpy(log, static_cast<Program *>(p)->log.c_str(), static_cast<Program *>(p)->log.size() + 1), 0; }
EXPORT int nvrtcGetCUBINSize(void *p, size_t *size) { return *size = static_cast<Program *>(p)->code.size() + 8, 0; }
EXPORT int nvrtcGetCUBIN(void *p, char *code) {
  // The driver is told no size, so the stub's code begins with it.
  const std::string &text = static_cast<Program *>(p)->code;
  const uint64_t size = text.size();
  memcpy(code, &size, 8);
  memcpy(code + 8, text.data(), text.size());
  return 0;
}
EXPORT int nvrtcGetPTXSize(void *p, size_t *size) { return nvrtcGetCUBINSize(p, size); }
EXPORT int nvrtcGetPTX(void *p, char *code) { return nvrtcGetCUBIN(p, code); }
EXPORT int nvrtcDestroyProgram(void **program) {
  delete static_cast<Program *>(*program);
  return *program = nullptr, 0;
}

// The driver.

EXPORT int cuInit(unsigned) { return 0; }
EXPORT int cuDriverGetVersion(int *version) { return *version = 13000, 0; }
EXPORT int cuGetErrorName(int error, const char **name) {
  return *name = error == 2 ? "CUDA_ERROR_OUT_OF_MEMORY" : error == 700 ? "CUDA_ERROR_ILLEGAL_ADDRESS" : "CUDA_ERROR_UNKNOWN", 0;
}
EXPORT int cuGetErrorString(int error, const char **text) { return *text = error == 2 ? "out of memory" : "an error of the stub", 0; }
EXPORT int cuDeviceGetCount(int *count) { return *count = fault("nodevice") ? 0 : 1, 0; }
EXPORT int cuDeviceGet(int *device, int ordinal) { return *device = ordinal, 0; }
EXPORT int cuDeviceGetName(char *name, int capacity, int) { return snprintf(name, size_t(capacity), "stub GPU"), 0; }
EXPORT int cuDeviceGetAttribute(int *value, int attribute, int) {
  static const std::map<int, int> values = {
      {13, 1000000}, {16, 2}, {36, 2000000}, {37, 256}, {38, 65536}, {75, 9}, {76, 0}, {97, 232448}};
  const auto found = values.find(attribute);
  if (found == values.end()) return 1;
  return *value = found->second, 0;
}
EXPORT int cuDevicePrimaryCtxRetain(void **context, int) { return *context = context, 0; }
EXPORT int cuDevicePrimaryCtxRelease_v2(int) { return 0; }
EXPORT int cuCtxSetCurrent(void *) { return 0; }
EXPORT int cuCtxSynchronize() { return 0; }

EXPORT int cuMemAlloc_v2(uint64_t *memory, size_t bytes) {
  if (fault("oom")) return 2;
  void *const made = aligned_alloc(256, (bytes + 255) / 256 * 256);
  if (made == nullptr) return 2;
  *memory = reinterpret_cast<uint64_t>(made);
  allocations[*memory] = bytes;
  return 0;
}
EXPORT int cuMemFree_v2(uint64_t memory) {
  if (allocations.erase(memory) == 0) return 1;
  free(reinterpret_cast<void *>(memory));
  return 0;
}
EXPORT int cuMemcpyHtoD_v2(uint64_t to, const void *from, size_t bytes) {
  return holds(to, bytes) ? memcpy(reinterpret_cast<void *>(to), from, bytes), 0 : 1;
}
EXPORT int cuMemcpyDtoH_v2(void *to, uint64_t from, size_t bytes) {
  return holds(from, bytes) ? memcpy(to, reinterpret_cast<void *>(from), bytes), 0 : 1;
}
EXPORT int cuMemsetD8_v2(uint64_t to, unsigned char value, size_t bytes) {
  return holds(to, bytes) ? memset(reinterpret_cast<void *>(to), value, bytes), 0 : 1;
}

EXPORT int cuModuleLoadData(void **module, const void *image) {
  uint64_t size;
  memcpy(&size, image, 8);
  std::string path = temporary();
  const int descriptor = mkstemp(path.data());
  if (descriptor < 0) return 1;
  const bool whole = write(descriptor, static_cast<const char *>(image) + 8, size) == ssize_t(size);
  close(descriptor);
  *module = whole ? dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL) : nullptr;
  unlink(path.c_str());
  return *module != nullptr ? 0 : 200;
}
// A kernel's threads leave memory of theirs behind, so its code stays.
EXPORT int cuModuleUnload(void *) { return 0; }
EXPORT int cuModuleGetFunction(void **function, void *module, const char *name) {
  if (dlsym(module, name) == nullptr) return 500;
  return (*function = dlsym(module, "stub_entry")) != nullptr ? 0 : 500;
}
EXPORT int cuModuleGetGlobal_v2(uint64_t *memory, size_t *bytes, void *module, const char *name) {
  void *const found = dlsym(module, name);
  Dl_info info;
  const ElfW(Sym) *symbol = nullptr;
  if (found == nullptr || dladdr1(found, &info, (void **)&symbol, RTLD_DL_SYMENT) == 0 || symbol == nullptr) return 500;
  *memory = reinterpret_cast<uint64_t>(found);
  *bytes = symbol->st_size;
  allocations[*memory] = *bytes;
  return 0;
}
EXPORT int cuFuncGetAttribute(int *value, int, void *) { return *value = 0, 0; }
EXPORT int cuFuncSetAttribute(void *, int, int) { return 0; }

EXPORT int cuLaunchKernel(
    void *function, unsigned blocks, unsigned y, unsigned z, unsigned threads, unsigned ty, unsigned tz,
    unsigned shared_bytes, void *stream, void **parameters, void **) {
  if (fault("launch")) return 700;
  if (y * z * ty * tz != 1) return 1;
  const uint64_t *words = static_cast<const uint64_t *>(parameters[0]);
  Launch launch = {
      reinterpret_cast<Entry>(function), int(blocks), int(threads), int(shared_bytes),
      std::vector<uint64_t>(words, words + 20)};
  for (uint64_t word : launch.parameters) {
    if (word != 0 && !holds(word, 1)) return 700;
  }
  Stream *const s = static_cast<Stream *>(stream);
  if (s != nullptr && s->captures) {
    s->captured.push_back(launch);
  } else {
    launch.run();
  }
  return 0;
}

EXPORT int cuStreamCreate(void **stream, unsigned) { return *stream = new Stream, 0; }
EXPORT int cuStreamDestroy_v2(void *stream) { return delete static_cast<Stream *>(stream), 0; }
EXPORT int cuStreamSynchronize(void *) { return 0; }
EXPORT int cuStreamBeginCapture_v2(void *stream, int) { return static_cast<Stream *>(stream)->captures = true, 0; }
EXPORT int cuStreamEndCapture(void *stream, void **graph) {
  Stream &s = *static_cast<Stream *>(stream);
  *graph = new Graph(s.captured);
  s.captured.clear();
  return s.captures = false, 0;
}
EXPORT int cuGraphInstantiateWithFlags(void **executable, void *graph, unsigned long long) {
  return *executable = new Graph(*static_cast<Graph *>(graph)), 0;
}
EXPORT int cuGraphLaunch(void *executable, void *) {
  for (const Launch &launch : *static_cast<Graph *>(executable)) launch.run();
  return 0;
}
EXPORT int cuGraphExecDestroy(void *executable) { return delete static_cast<Graph *>(executable), 0; }
EXPORT int cuGraphDestroy(void *graph) { return delete static_cast<Graph *>(graph), 0; }
EXPORT int cuEventCreate(void **event, unsigned) { return *event = new timespec{}, 0; }
EXPORT int cuEventRecord(void *event, void *) { return clock_gettime(CLOCK_MONOTONIC, static_cast<timespec *>(event)); }
EXPORT int cuEventSynchronize(void *) { return 0; }
EXPORT int cuEventElapsedTime(float *milliseconds, void *start, void *end) {
  const timespec &a = *static_cast<timespec *>(start), &b = *static_cast<timespec *>(end);
  return *milliseconds = float(b.tv_sec - a.tv_sec) * 1e3f + float(b.tv_nsec - a.tv_nsec) * 1e-6f, 0;
}
EXPORT int cuEventDestroy_v2(void *event) { return delete static_cast<timespec *>(event), 0; }
