// What the running CUDA thread, its warp and its block are, as far as accesses need to know: one such state a host
// thread, refreshed at each switch.
#pragma once

namespace emu {

constexpr bool checks = (FUSELAB_MODE & 1) != 0, records = (FUSELAB_MODE & 2) != 0;
constexpr int warp_lanes = 32, maximum_threads = 1024;

struct Place {
  const char* file;
  int line;
};

/// Who last wrote and read a word of shared memory, or one of its bytes, and when. Times are those of a clock that
/// counts barriers, warp-level meetings, and warps that go on after a barrier.
struct Cell {
  uint32_t written, read;
  uint16_t writer, reader;
  uint16_t write_line : 15;
  /// Set in the cell of a word whose bytes have cells of their own. Its own time of writing is then `on_its_way`, so
  /// that no access takes it for a word's.
  uint16_t is_split : 1;
  uint16_t read_line;
};

/// When lanes were last found free to read a word or byte, as a time of the block or the warp: as long as it is still the
/// last one, any lane of that block or warp may, for a write takes the stamp away. Most reads look at nothing else.
using Stamp = uint32_t;

/// Cells, and stamps, of a word: its own and its bytes'.
constexpr int cells_of_word = 5;

/// Readers beyond one: some of a warp, and some of several warps.
constexpr uint16_t lanes_of_warp = 0x8000, lanes_of_many = 0xffff;

/// The time of a write that is still on its way: an asynchronous copy that its thread has not waited for.
constexpr uint32_t on_its_way = 0xffffffffu;

/// Who wrote an output element, first and last in the order of blocks. 0: nobody.
struct Mark {
  uint64_t first, last;
};

struct Tensor {
  const fuselab_tensor* description;
  Mark* marks;
};

struct Worker;

struct Running {
  uint3 thread, block;
  dim3 threads, blocks;
  unsigned char* shared;
  Cell* cells;
  Stamp* stamps;
  uint32_t shared_bytes;
  uint32_t words;  // of shared memory: cells from a word's own to that of its first byte, and from byte to byte
  /// Times: when the block began, when it last met, when the warp last met.
  uint32_t block_began, block_met, warp_met;
  uint16_t me, my_warp;
  /// The lane's log.
  uint32_t step;
  uint32_t* log;
  uint64_t* keys;
  const Tensor* tensors;
  Worker* worker;
};

// The fastest model; a library that is loaded at run time may find no room for it.
#ifdef FUSELAB_LOADED_AT_RUN_TIME
#define FUSELAB_TLS
#else
#define FUSELAB_TLS __attribute__((tls_model("initial-exec")))
#endif

/// Fibers stay on their host thread, so an address taken before a switch still holds after it.
FUSELAB_TLS inline thread_local constinit Running now{};

/// Notes a defect at the running thread's access. `other` < 0: no other thread.
__attribute__((cold, noinline)) void found(
    int kind, Place place, const char* array, int64_t index, int other_line = 0, int other = -1);

const char* window_name(int window);

}  // namespace emu
