// One host thread and the block it runs: warp by warp, lane by lane, each as far as the next meeting.
#pragma once

namespace emu {

enum class State : uint8_t { ready, at_barrier, at_warp, log_full, ended };

/// What lanes of a warp do together.
enum class WarpOperation : uint8_t { sync, shuffle, ballot, matrix };

/// What a lane gives to a product of matrices: four words of rows, two of columns.
struct Fragments {
  int words[6];
};

struct Thread {
  Fiber fiber;
  State state;
  Place waits;  // where, at a meeting
  WarpOperation operation;
  uint32_t mask;
  int source;        // lane whose value a shuffle takes
  uint64_t value;    // given, and after the meeting taken
  Copies copies;
  Fragments fragments;
  int product[4];  // the lane's part of the matrices' product
};

/// What all host threads of a launch share.
struct Launch {
  const fuselab_launch* description;
  const Tensor* tensors;
  int tensor_count;
  void (*body)(void*);
  void* context;
  int64_t blocks, next_block;
  int threads;
};

/// The latest time of any launch that has ended. Clocks go on from there, for static arrays keep times from one launch to
/// the next, whichever worker runs it.
inline uint32_t latest_time = 0;

/// A block must not pass the end of the clock.
constexpr uint32_t last_safe_time = 0xf0000000u;

struct Worker {
  Thread threads[maximum_threads];
  char* stacks = nullptr;
  int guarded = 0;  // stacks whose guard page has been asked for
  bool lacks_guards = false;  // the system had no room for one of them
  Recorder* recorder = nullptr;
  unsigned char* shared = nullptr;
  Cell* cells = nullptr;
  Stamp* stamps = nullptr;
  size_t shared_room = 0;
  uint32_t clock = 0;
  Worker* next = nullptr;  // in the list of those that no launch uses

  const Launch* launch;
  int running;
  bool is_abandoned;  // a thread has broken off: the rest of the block would mean nothing
  bool is_inside = false;  // the kernel's own code runs
  int64_t block, barriers, warp_syncs, switches;
  Findings findings;

  bool reserve(const Launch& launch);
  void forget();
  void begin_block(int64_t number);
  void run_block();

 private:
  int warps() const { return (launch->threads + warp_lanes - 1) / warp_lanes; }
  int lanes(int warp) const {
    const int left = launch->threads - warp * warp_lanes;
    return left < warp_lanes ? left : warp_lanes;
  }
  void resume(int number);
  void run_warp(int warp);
  void meet_warp(int warp);
  bool meet_lanes(Thread* lanes, uint32_t waiting, uint32_t mask);
  void check_barrier();
  void report(int kind, Place place, int thread, int other_line, int other, const char* array, int64_t index);
  friend void found(int, Place, const char*, int64_t, int, int);
  friend struct Faults;
};

inline void enter_body() {
  Worker& w = *now.worker;
  w.launch->body(w.launch->context);
  Thread& thread = now.worker->threads[now.worker->running];
  if (checks && thread.copies.count > 0) {
    found(fuselab_copy_not_awaited, {nullptr, 0}, nullptr, thread.copies.count);
    thread.copies.finish(now.warp_met);
  }
  thread.state = State::ended;
  thread.waits = {nullptr, 0};
  for (;;) thread.fiber.leave();
}

/// Hands the host thread back until the meeting is over.
inline Thread& wait(State state, Place place) {
  Thread& thread = now.worker->threads[now.worker->running];
  thread.state = state;
  thread.waits = place;
  thread.fiber.leave();
  return thread;
}

inline void flush_log() { wait(State::log_full, {nullptr, 0}); }

inline bool begin_step(uint64_t key, Place place) {
  Recorder& r = *now.worker->recorder;
  if (now.step >= r.longest) {
    r.keys[now.step] = key;
    r.sites[now.step] = uint16_t(r.totals.find(key, place.file));
    return true;
  }
  bool& disagrees = r.disagrees[now.me % warp_lanes];
  if (!disagrees) {
    const int array = key_array(key);
    const char* name = key_is_shared(key) ? window_name(array) : now.tensors[array].description->name;
    found(fuselab_lane_disagreement, place, name, -1, key_line(r.keys[now.step]));
  }
  disagrees = true;
  return false;
}

/// Begins time anew.
inline void Worker::forget() {
  const size_t count = shared_room / 4 * cells_of_word;
  if (checks) memset(cells, 0, count * sizeof(Cell)), memset(stamps, 0, count * sizeof(Stamp));
  clock = 0;
  __atomic_store_n(&latest_time, 0, __ATOMIC_RELAXED);
}

inline void Worker::begin_block(int64_t number) {
  block = number;
  is_abandoned = false;
  const int32_t* grid = launch->description->grid;
  if (__builtin_expect(clock > last_safe_time, 0)) forget();
  now.block = {unsigned(number % grid[0]), unsigned(number / grid[0] % grid[1]), unsigned(number / grid[0] / grid[1])};
  now.block_began = now.block_met = now.warp_met = ++clock;
  // No kernel may rely on what stands here; the same garbage for every block keeps results reproducible.
  memset(shared, 0xff, now.shared_bytes);
  for (int i = 0; i < launch->threads; ++i) {
    threads[i].fiber.prepare(stacks + size_t(i) * StackLayout::slot, i, enter_body);
    threads[i].state = State::ready;
    threads[i].waits = {nullptr, 0};
    threads[i].copies.finish(0);
  }
}

inline void Worker::resume(int number) {
  const int32_t* size = launch->description->block;
  running = number;
  now.thread = {unsigned(number % size[0]), unsigned(number / size[0] % size[1]), unsigned(number / size[0] / size[1])};
  now.me = uint16_t(number);
  ++switches;
  Thread& thread = threads[number];
  thread.state = State::ready;
  if constexpr (records) {
    now.step = 0;
    now.log = recorder->offsets[number % warp_lanes];
  }
  is_inside = true;
  thread.fiber.enter();
  is_inside = false;
  if constexpr (records) {
    recorder->steps[number % warp_lanes] = now.step;
    if (now.step > recorder->longest) recorder->longest = now.step;
  }
  // Asked when the thread has ended, for its stack's far end is seldom in a cache: until then the spare room takes what is too
  // much, and the guard page what is far too much. Without guard pages no other thread may go on over a broken stack.
  const bool is_asked = !is_abandoned && (thread.state == State::ended || lacks_guards);
  if (is_asked && __builtin_expect(thread.fiber.has_overflowed(), 0)) {
    report(fuselab_stack_overflow, {nullptr, 0}, number, 0, -1, nullptr, int64_t(StackLayout::stack));
    is_abandoned = true;
  }
}

inline void Worker::run_warp(int warp) {
  const int first = warp * warp_lanes, end = first + lanes(warp);
  now.my_warp = uint16_t(warp);
  for (;;) {
    for (int i = first; i < end && !is_abandoned; ++i) {
      if (threads[i].state == State::ready) resume(i);
    }
    if (is_abandoned) return;
    if constexpr (records) count_requests(*recorder, launch->tensors);
    bool is_full = false, meets = false;
    for (int i = first; i < end; ++i) {
      meets |= threads[i].state == State::at_warp;
      if (threads[i].state != State::log_full) continue;
      threads[i].state = State::ready;
      is_full = true;
    }
    if (is_full) continue;
    if (!meets) return;
    meet_warp(warp);
  }
}

inline void Worker::run_block() {
  for (;;) {
    for (int warp = 0; warp < warps() && !is_abandoned; ++warp) {
      now.warp_met = ++clock;
      run_warp(warp);
    }
    bool waits = false;
    for (int i = 0; i < launch->threads; ++i) waits |= threads[i].state == State::at_barrier;
    if (!waits || is_abandoned) return;
    if constexpr (checks) check_barrier();
    ++barriers;
    now.block_met = ++clock;
    for (int i = 0; i < launch->threads; ++i) {
      if (threads[i].state == State::at_barrier) threads[i].state = State::ready;
    }
  }
}

/// Threads that have ended or that wait at other lines than the first that waits.
inline void Worker::check_barrier() {
  int first = 0;
  while (threads[first].state != State::at_barrier) ++first;
  for (int i = 0; i < launch->threads; ++i) {
    if (threads[i].waits.line == threads[first].waits.line && threads[i].waits.file == threads[first].waits.file) continue;
    return report(
        fuselab_divergent_barrier, threads[first].waits, first, threads[i].waits.line, i, nullptr, barriers);
  }
}

/// Lets those lanes go on that wait for nobody else.
inline void Worker::meet_warp(int warp) {
  Thread* const lane = threads + warp * warp_lanes;
  uint32_t waiting = 0, gone = 0;
  for (int i = 0; i < lanes(warp); ++i) {
    if (lane[i].state == State::at_warp) waiting |= 1u << i;
  }
  for (int i = 0; i < lanes(warp); ++i) {
    if ((waiting & ~gone) >> i & 1 && meet_lanes(lane, waiting & ~gone, lane[i].mask)) gone |= lane[i].mask;
  }
  if (gone != 0) return;
  // Nobody can go on: name the first lane that waits and the first that it waits for, and let those here pass.
  const int first = __builtin_ctz(waiting), number = warp * warp_lanes + first;
  int missing = first;
  for (int i = lanes(warp) - 1; i >= 0; --i) {
    if (i == first || !(lane[first].mask >> i & 1)) continue;
    const bool meets = lane[i].state == State::at_warp && lane[i].waits.line == lane[first].waits.line;
    if (!meets) missing = i;
  }
  report(
      fuselab_divergent_warp, lane[first].waits, number, lane[missing].waits.line, warp * warp_lanes + missing, nullptr,
      int64_t(lane[first].mask));
  for (int i = 0; i < lanes(warp); ++i) {
    if (waiting >> i & 1) lane[i].mask = 1u << i, meet_lanes(lane, waiting, 1u << i);
  }
}

/// 16 × 32 by 32 × 8 signed bytes, spread over the lanes as `mma.m16n8k32` has them: lane 4g + t gives the bytes 4t… and
/// 16 + 4t… of the rows g and g + 8 and of column g, and takes the columns 2t and 2t + 1 of the two rows.
inline void multiply_fragments(Thread* lane) {
  signed char rows[16][32], columns[8][32];
  for (int i = 0; i < warp_lanes; ++i) {
    const int* words = lane[i].fragments.words;
    const int g = i / 4, t = i % 4;
    memcpy(&rows[g][4 * t], &words[0], 4);
    memcpy(&rows[g + 8][4 * t], &words[1], 4);
    memcpy(&rows[g][16 + 4 * t], &words[2], 4);
    memcpy(&rows[g + 8][16 + 4 * t], &words[3], 4);
    memcpy(&columns[g][4 * t], &words[4], 4);
    memcpy(&columns[g][16 + 4 * t], &words[5], 4);
  }
  for (int i = 0; i < warp_lanes; ++i) {
    for (int part = 0; part < 4; ++part) {
      const signed char *row = rows[i / 4 + part / 2 * 8], *column = columns[i % 4 * 2 + part % 2];
      int sum = 0;
      for (int k = 0; k < 32; ++k) sum += int(row[k]) * int(column[k]);
      lane[i].product[part] = sum;
    }
  }
}

/// The operation of the lanes of `mask`, if all of them wait for the same one.
inline bool Worker::meet_lanes(Thread* lane, uint32_t waiting, uint32_t mask) {
  if (mask & ~waiting) return false;
  const Thread& first = lane[__builtin_ctz(mask)];
  uint64_t given[warp_lanes] = {}, votes = 0;
  for (int i = 0; i < warp_lanes; ++i) {
    if (!(mask >> i & 1)) continue;
    if (lane[i].mask != mask || lane[i].operation != first.operation || lane[i].waits.line != first.waits.line) return false;
    given[i] = lane[i].value;
    votes |= uint64_t(lane[i].value != 0) << i;
  }
  for (int i = 0; i < warp_lanes; ++i) {
    if (!(mask >> i & 1)) continue;
    if (first.operation == WarpOperation::ballot) lane[i].value = votes;
    if (first.operation == WarpOperation::shuffle && mask >> lane[i].source & 1) lane[i].value = given[lane[i].source];
    lane[i].state = State::ready;
  }
  ++warp_syncs;
  if (first.operation == WarpOperation::matrix) multiply_fragments(lane);
  if (first.operation == WarpOperation::sync) now.warp_met = ++clock;
  return true;
}

}  // namespace emu
