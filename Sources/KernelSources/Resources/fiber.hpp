// CUDA threads as fibers: each has a stack and runs until it hands the host thread back.
//
// The switch saves what the calling convention asks for and ends in `pop; jmp`: a `ret` to an address that no call has
// pushed costs three times as much, because the processor predicts returns from the calls it saw. FUSELAB_UCONTEXT
// takes the portable switch instead, which saves the signal mask by a system call.
#pragma once

#if !defined(FUSELAB_UCONTEXT) && !defined(__x86_64__) && !defined(__aarch64__)
#define FUSELAB_UCONTEXT
#endif

namespace emu {

/// A slot, from its low end: guard page, room for overflows to do no harm in, canary, stack. Its length is an odd
/// number of pages, so that equal frames of different threads fall into different cache sets.
struct StackLayout {
  static constexpr size_t page = 4096, spare = 15 * page, stack = 65 * page;
  static constexpr size_t slot = page + spare + stack;
  static constexpr uint64_t canary = 0x5afec0de5afec0deull;
};

class Fiber {
 public:
  /// Readies the fiber to run `entry` from its start, on the stack slot at `slot`.
  void prepare(char* slot, int number, void (*entry)()) {
    canary_ = reinterpret_cast<uint64_t*>(slot + StackLayout::page + StackLayout::spare);
    *canary_ = StackLayout::canary;
    char* const low = reinterpret_cast<char*>(canary_ + 8);
    char* const high = slot + StackLayout::slot - size_t(number % 16) * 192;
#ifdef FUSELAB_UCONTEXT
    getcontext(&own_);
    own_.uc_stack.ss_sp = low;
    own_.uc_stack.ss_size = size_t(high - low);
    own_.uc_link = nullptr;
    makecontext(&own_, entry, 0);
#else
    (void)low;
    void** top = reinterpret_cast<void**>(high) - saved_words - 4;
    memset(top, 0, saved_words * sizeof(void*));
    top[entry_word] = reinterpret_cast<void*>(entry);
    own_ = top;
#endif
  }

  bool has_overflowed() const { return *canary_ != StackLayout::canary; }

  /// Whether an address lies in the guard page.
  bool guards(const void* address) const {
    const char* const end = reinterpret_cast<const char*>(canary_) - StackLayout::spare;
    return address >= end - StackLayout::page && address < end;
  }

  /// Runs the fiber until it leaves.
  void enter() {
#ifdef FUSELAB_UCONTEXT
    swapcontext(&host_, &own_);
#else
    swap(&host_, own_);
#endif
  }

  /// Back to who entered.
  void leave() {
#ifdef FUSELAB_UCONTEXT
    swapcontext(&own_, &host_);
#else
    swap(&own_, host_);
#endif
  }

 private:
  uint64_t* canary_;
#ifdef FUSELAB_UCONTEXT
  ucontext_t own_, host_;
#else
  void *own_, *host_;

#if defined(__x86_64__)
  static constexpr int saved_words = 8, entry_word = 6;

  __attribute__((naked, noinline)) static void swap(void** save, void* to) {
    asm volatile(
        "pushq %rbp; pushq %rbx; pushq %r12; pushq %r13; pushq %r14; pushq %r15\n"
        "movq %rsp, (%rdi)\n"
        "movq %rsi, %rsp\n"
        "popq %r15; popq %r14; popq %r13; popq %r12; popq %rbx; popq %rbp\n"
        "popq %rcx\n"
        "jmpq *%rcx\n");
  }
#else
  static constexpr int saved_words = 20, entry_word = 11;

  __attribute__((naked, noinline)) static void swap(void** save, void* to) {
    asm volatile(
        "sub sp, sp, #160\n"
        "stp x19, x20, [sp, #0]\n stp x21, x22, [sp, #16]\n stp x23, x24, [sp, #32]\n"
        "stp x25, x26, [sp, #48]\n stp x27, x28, [sp, #64]\n stp x29, x30, [sp, #80]\n"
        "stp d8, d9, [sp, #96]\n stp d10, d11, [sp, #112]\n stp d12, d13, [sp, #128]\n stp d14, d15, [sp, #144]\n"
        "mov x9, sp\n str x9, [x0]\n mov sp, x1\n"
        "ldp x19, x20, [sp, #0]\n ldp x21, x22, [sp, #16]\n ldp x23, x24, [sp, #32]\n"
        "ldp x25, x26, [sp, #48]\n ldp x27, x28, [sp, #64]\n ldp x29, x30, [sp, #80]\n"
        "ldp d8, d9, [sp, #96]\n ldp d10, d11, [sp, #112]\n ldp d12, d13, [sp, #128]\n ldp d14, d15, [sp, #144]\n"
        "add sp, sp, #160\n"
        "br x30\n");
  }
#endif
#endif
};

}  // namespace emu
