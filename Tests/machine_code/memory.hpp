// What machine code reads and writes: constants, buffers of global memory, a block's shared memory, a thread's own.
#pragma once
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

namespace sass {

constexpr int lanes = 32;

[[noreturn]] inline void fail(const std::string& what) {
  std::fprintf(stderr, "machine-code: %s\n", what.c_str());
  std::exit(2);
}

struct Buffer {
  uint64_t address = 0;
  std::string file;
  bool is_result = false;
  std::vector<uint8_t> bytes;
};

struct Memory {
  /// Bank after bank.
  std::vector<uint8_t> constants = std::vector<uint8_t>(5 * 0x10000);
  /// None where a kernel is run only to count: then all that is read is 0.
  std::vector<Buffer> buffers;
  uint32_t shared_begin = 0;
  std::vector<uint8_t> shared;
  /// Of spilled registers, for each thread of a block.
  static constexpr uint32_t own_bytes = 0x1000;
  std::vector<uint8_t> own;

  uint32_t constant(uint32_t offset) const {
    uint32_t word;
    if (offset + 4 > constants.size()) fail("a constant beyond the banks");
    std::memcpy(&word, constants.data() + offset, 4);
    return word;
  }

  /// Those of a kernel that only counts are not there.
  uint8_t* global(uint64_t address, uint32_t size, bool is_write) {
    if (buffers.empty()) return nullptr;
    for (Buffer& b : buffers) {
      if (address < b.address || address + size > b.address + b.bytes.size()) continue;
      if (is_write && !b.is_result) fail("a write to an operand");
      return b.bytes.data() + (address - b.address);
    }
    fail("global memory at " + std::to_string(address) + ", where no operand is");
  }

  uint8_t* of_block(uint32_t address, uint32_t size) {
    if (buffers.empty()) return nullptr;
    const uint64_t offset = uint64_t(address) - shared_begin;
    if (address < shared_begin || offset + size > shared.size()) fail("shared memory at " + std::to_string(address) + ", of which the block has none");
    return shared.data() + offset;
  }

  uint8_t* of_thread(int thread, uint32_t address, uint32_t size) {
    // The stack grows down from 0.
    const uint32_t offset = address % own_bytes;
    if (offset + size > own_bytes) fail("a thread's memory beyond its end");
    return own.data() + size_t(thread) * own_bytes + offset;
  }
};

/// What one request of a warp takes: how many 32 B sectors hold the bytes at these addresses.
inline int sectors_of(const uint64_t* addresses, int count, uint32_t size) {
  uint64_t found[2 * lanes];
  int n = 0;
  for (int i = 0; i < count; ++i) {
    found[n++] = addresses[i] / 32;
    // No access is wider than 16 bytes.
    if ((addresses[i] + size - 1) / 32 != found[n - 1]) found[n++] = (addresses[i] + size - 1) / 32;
  }
  std::sort(found, found + n);
  return int(std::unique(found, found + n) - found);
}

/// How often a warp's access goes through the 32 banks: accesses of 8 bytes by half warps, of 16 by quarters; of a read whose lanes have
/// all their neighbour's address, or all that of the lane two apart, two of these go together. `active` is a bit a lane.
inline int wavefronts_of(const uint32_t* addresses, uint32_t active, uint32_t size, bool is_write) {
  const int words = size < 4 ? 1 : int(size / 4);
  int together = lanes / words;
  if (words > 1 && !is_write) {
    for (int apart : {1, 2}) {
      bool is_shared = true;
      for (int l = 0; l < lanes; ++l) {
        const bool both = (active >> l & 1) && (active >> (l ^ apart) & 1);
        is_shared = is_shared && (!both || addresses[l] == addresses[l ^ apart]);
      }
      if (is_shared) {
        together *= 2;
        break;
      }
    }
  }
  int passes = 0;
  for (int first = 0; first < lanes; first += together) {
    // Words that each bank is asked for; hardly any is asked for more than one or two.
    uint32_t wanted[32][lanes];
    int of_bank[32] = {}, most = 0;
    for (int l = first; l < first + together; ++l) {
      for (int k = 0; (active >> l & 1) && k < words; ++k) {
        const uint32_t word = addresses[l] / 4 + uint32_t(k), bank = word % 32;
        uint32_t* const end = wanted[bank] + of_bank[bank];
        if (std::find(wanted[bank], end, word) != end) continue;
        *end = word;
        most = std::max(most, ++of_bank[bank]);
      }
    }
    passes += most;
  }
  return passes;
}

}  // namespace sass
