// A kernel that is compiled at run time may touch what is no memory of the program's, or divide by zero, which a GPU takes
// in its stride. The processor's signal then ends the block with a finding, and not the program. Kernels that are compiled
// into a program have no pointers but tensors', and no such care is taken.
#pragma once

#ifdef FUSELAB_LOADED_AT_RUN_TIME
namespace emu {

struct Faults {
  /// On a stack of its own, for the thread's may be what is used up.
  static void handle(int signal, siginfo_t* info, void*) {
    Worker* const w = now.worker;
    if (w == nullptr || !w->is_inside) {
      // Not the kernel's: once this returns, the same again ends the program.
      struct sigaction otherwise = {};
      otherwise.sa_handler = SIG_DFL;
      sigaction(signal, &otherwise, nullptr);
      return;
    }
    Thread& thread = w->threads[w->running];
    const bool is_stack = thread.fiber.guards(info->si_addr);
    w->report(
        is_stack ? fuselab_stack_overflow : fuselab_fault, {nullptr, 0}, w->running, 0, -1, nullptr,
        is_stack ? int64_t(StackLayout::stack) : signal);
    w->is_abandoned = true;
    thread.state = State::ended;
    thread.waits = {nullptr, 0};
    thread.fiber.leave();
  }
};

/// While one lives, faults of a kernel are findings.
class FaultHandlers {
  static constexpr int signals[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL}, count = 4;
  struct sigaction before[count];

 public:
  FaultHandlers() {
    struct sigaction action = {};
    action.sa_sigaction = Faults::handle;
    // The handler does not return, so its signal must not stay blocked.
    action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER;
    for (int i = 0; i < count; ++i) sigaction(signals[i], &action, &before[i]);
  }
  ~FaultHandlers() {
    for (int i = 0; i < count; ++i) sigaction(signals[i], &before[i], nullptr);
  }
};

/// The host thread's stack for the handler.
class FaultStack {
  static constexpr size_t size = 1 << 16;
  stack_t before = {};
  void* memory = malloc(size);

 public:
  FaultStack() {
    stack_t own = {};
    own.ss_sp = memory;
    own.ss_size = size;
    if (memory == nullptr || sigaltstack(&own, &before) != 0) before.ss_flags = SS_DISABLE;
  }
  ~FaultStack() {
    sigaltstack(&before, nullptr);
    free(memory);
  }
};

}  // namespace emu
#else
namespace emu {
struct FaultHandlers {};
struct FaultStack {};
}  // namespace emu
#endif
