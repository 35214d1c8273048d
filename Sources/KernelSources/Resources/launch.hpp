// Spreads the blocks of a launch over host threads and puts the report together.
#pragma once

namespace emu {

inline const char* window_name(int window) {
  const fuselab_launch& l = *now.worker->launch->description;
  if (window == fuselab_static_window) return "static shared memory";
  return window >= 0 && window < l.window_count ? l.window_names[window] : "shared memory";
}

inline void Worker::report(
    int kind, Place place, int thread, int other_line, int other, const char* array, int64_t index) {
  const int32_t* size = launch->description->block;
  fuselab_finding f = {};
  f.kind = kind;
  f.file = place.file != nullptr ? place.file : "";
  f.line = place.line;
  f.array = array;
  f.index = index;
  f.other_line = other_line;
  f.count = 1;
  const unsigned at[3] = {now.block.x, now.block.y, now.block.z};
  const int apart[3] = {1, size[0], size[0] * size[1]};
  for (int axis = 0; axis < 3; ++axis) {
    f.block[axis] = f.other_block[axis] = int32_t(at[axis]);
    f.thread[axis] = thread / apart[axis] % size[axis];
    f.other_thread[axis] = other < 0 ? -1 : other / apart[axis] % size[axis];
  }
  findings.add(block, f);
}

inline void found(int kind, Place place, const char* array, int64_t index, int other_line, int other) {
  Worker& w = *now.worker;
  w.report(kind, place, w.running, other_line, other, array, index);
}

/// Workers are kept from one launch to the next, since their stacks take long to lay out.
struct Workers {
  pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
  Worker* idle = nullptr;

  Worker* take() {
    pthread_mutex_lock(&mutex);
    Worker* worker = idle;
    if (worker != nullptr) idle = worker->next;
    pthread_mutex_unlock(&mutex);
    if (worker == nullptr) {
      void* const memory = calloc(1, sizeof(Worker));
      if (memory != nullptr) worker = ::new (memory) Worker;
    }
    return worker;
  }

  void give_back(Worker* worker) {
    pthread_mutex_lock(&mutex);
    worker->next = idle;
    idle = worker;
    pthread_mutex_unlock(&mutex);
  }
};
inline Workers workers;

/// Memory for the launch's blocks; false where the machine has not enough.
inline bool Worker::reserve(const Launch& l) {
  launch = &l;
  block = barriers = warp_syncs = switches = 0;
  findings.count = findings.kept = 0;
  if (stacks == nullptr) {
    void* const memory = mmap(
        nullptr, StackLayout::slot * maximum_threads, PROT_READ | PROT_WRITE,
        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED) return false;
    stacks = static_cast<char*>(memory);
  }
  for (; guarded < l.threads; ++guarded) {
    // Where the system has no room for another guard page, the spare room must do.
    lacks_guards |= mprotect(stacks + size_t(guarded) * StackLayout::slot, StackLayout::page, PROT_NONE) != 0;
  }
  const size_t needed = (size_t(l.description->shared_bytes) + 127) / 128 * 128 + 128;
  // What an abandoned block has not waited for lies in memory that may go now.
  for (Thread& thread : threads) thread.copies.count = 0;
  const uint32_t latest = __atomic_load_n(&latest_time, __ATOMIC_RELAXED);
  if (clock < latest) clock = latest;
  if (needed > shared_room) {
    free(shared);
    free(cells);
    free(stamps);
    shared = static_cast<unsigned char*>(aligned_alloc(128, needed));
    const size_t count = needed / 4 * cells_of_word;
    cells = checks ? static_cast<Cell*>(calloc(count, sizeof(Cell))) : nullptr;
    stamps = checks ? static_cast<Stamp*>(calloc(count, sizeof(Stamp))) : nullptr;
    shared_room = shared != nullptr && ((cells != nullptr && stamps != nullptr) || !checks) ? needed : 0;
    if (shared_room == 0) return false;
  }
  if constexpr (records) {
    if (recorder == nullptr) recorder = static_cast<Recorder*>(calloc(1, sizeof(Recorder)));
    if (recorder == nullptr) return false;
    memset(&recorder->totals, 0, sizeof recorder->totals);
    // What an earlier launch left would be taken for steps whose line is known.
    memset(recorder->keys, 0, sizeof recorder->keys);
    recorder->longest = 0;
  }
  return true;
}

inline void* run_blocks(void* argument) {
  Worker& w = *static_cast<Worker*>(argument);
  Launch& l = *const_cast<Launch*>(w.launch);
  [[maybe_unused]] const FaultStack stack;
  const Running outer = now;
  const int32_t *grid = l.description->grid, *block = l.description->block;
  now = {};
  now.blocks = {unsigned(grid[0]), unsigned(grid[1]), unsigned(grid[2])};
  now.threads = {unsigned(block[0]), unsigned(block[1]), unsigned(block[2])};
  now.shared = w.shared;
  now.cells = w.cells;
  now.stamps = w.stamps;
  now.shared_bytes = uint32_t(l.description->shared_bytes);
  now.words = uint32_t(w.shared_room / 4);
  now.tensors = l.tensors;
  now.worker = &w;
  if constexpr (records) now.keys = w.recorder->keys;
  for (;;) {
    const int64_t number = __atomic_fetch_add(&l.next_block, 1, __ATOMIC_RELAXED);
    if (number >= l.blocks) break;
    w.begin_block(number);
    w.run_block();
  }
  now = outer;
  uint32_t latest = __atomic_load_n(&latest_time, __ATOMIC_RELAXED);
  while (latest < w.clock &&
         !__atomic_compare_exchange_n(&latest_time, &latest, w.clock, true, __ATOMIC_RELAXED, __ATOMIC_RELAXED)) {
  }
  return nullptr;
}

}  // namespace emu
