// Runs machine code, all warps of all blocks, to the last bit of its results, and counts what is executed.
//
// Standard input, a line each, as `interpreter.py` writes it: the threads of a block, the blocks, the bytes of shared memory and the address
// of the first; then `constant OFFSET WORD`, `operand ADDRESS BYTES FILE`, `result ADDRESS BYTES FILE`, `code`, and each instruction.
// Standard output: for each instruction how often a warp executed it, how often for at least one of its threads, and how many sectors of
// global memory or passes through the banks of shared memory that took. Results go to their files.
//
// Blocks run one after another, a block's warps in turn from barrier to barrier. An asynchronous copy lands when it is waited for, and not
// before. Shared memory and results begin as ones, which no kernel may rely on. Without operands all reads of memory give 0, which is
// enough to count what is executed, for the kernels' ways depend on indices alone; sectors and passes are not counted then.
#include <fstream>
#include <iostream>
#include <sstream>

#include "operations.hpp"

namespace sass {
namespace {

struct Counts {
  uint64_t executed = 0, useful = 0, passes = 0;
};

struct Group {
  int at;
  uint32_t lanes;
};

/// A warp's threads, where they stand, and who waits for whom.
struct Flow {
  uint32_t alive = 0;
  std::vector<Group> ready;
  /// Of each region who belongs to it, who has come to its end, and where they go on.
  uint32_t members[16] = {}, come[16] = {};
  int after[16] = {};
  uint32_t meeting = 0, at_barrier = 0;
  int after_meeting = -1, after_barrier = -1;
  uint64_t steps = 0;

  void settle(int region) {
    if (come[region] == 0 || (members[region] & alive & ~come[region]) != 0) return;
    ready.push_back({after[region], come[region]});
    members[region] &= ~come[region];
    come[region] = 0;
  }
};

struct Machine {
  std::vector<Instruction> code;
  std::vector<Counts> counts;
  Memory memory;
  int threads = 0, blocks = 0;

  uint64_t address_of(const Warp& w, const Address& a, int lane, bool is_far) const {
    if (!is_far) return uint32_t(w.r[a.reg][lane] * a.scale + w.u[a.uniform][lane] + a.offset);
    uint64_t address = a.reg == 255 ? 0 : w.r[a.reg][lane];
    if (a.is_pair && a.reg != 255) address |= uint64_t(w.r[a.reg + 1][lane]) << 32;
    if (a.uniform != 63) address += uint64_t(w.u[a.uniform + 1][lane]) << 32 | w.u[a.uniform][lane];
    return address + uint64_t(int64_t(int32_t(a.offset)));
  }

  uint8_t* place(uint64_t address, const Instruction& i, int thread, bool is_write) {
    switch (i.opcode) {
      case load_global: case store_global: return memory.global(address, i.size, is_write);
      case load_shared: case store_shared: return memory.of_block(uint32_t(address), i.size);
      default: return memory.of_thread(thread, uint32_t(address), i.size);
    }
  }

  /// Loads, stores and asynchronous copies of the lanes in `active`; returns sectors or passes.
  int access(Warp& w, const Instruction& i, uint32_t active) {
    const bool is_write = i.opcode == store_shared || i.opcode == store_global || i.opcode == store_own;
    const bool is_far = i.opcode == load_global || i.opcode == store_global || i.opcode == copy;
    const Address& from = is_far ? i.far : i.near;
    const U filled = i.own.kind == none ? all(~0u) : w.read(memory, i.own);
    uint64_t far[lanes];
    uint32_t near[lanes] = {};
    int asked = 0;
    U words[4] = {};
    for (uint32_t k = 0; is_write && k < std::max(1u, i.size / 4); ++k) words[k] = w.read(memory, i.from[0].next(k));
    for (int l = 0; l < lanes; ++l) {
      if (!(active >> l & 1)) continue;
      if (i.opcode == copy) {
        Copy c;
        c.to = uint32_t(address_of(w, i.near, l, false));
        c.size = i.size;
        if (c.to % i.size != 0) fail(i.name + " to an address that is not aligned");
        memory.of_block(c.to, c.size);
        // A lane whose own predicate does not hold fills with zeros.
        if (filled[l] != 0) {
          far[asked++] = address_of(w, i.far, l, true);
          if (far[asked - 1] % i.size != 0) fail(i.name + " from an address that is not aligned");
          const uint8_t* data = memory.global(far[asked - 1], i.size, false);
          if (data != nullptr) std::memcpy(c.bytes, data, i.size);
        }
        if (!memory.buffers.empty()) w.copies.push_back(c);
        continue;
      }
      const uint64_t address = address_of(w, from, l, is_far);
      if (address % i.size != 0) fail(i.name + " of an address that is not aligned");
      if (is_far) far[asked++] = address; else near[l] = uint32_t(address);
      uint8_t* data = place(address, i, w.number * lanes + l, is_write);
      if (data == nullptr) continue;
      if (is_write) {
        for (uint32_t k = 0; k < i.size; k += 4) {
          const uint32_t word = words[k / 4][l];
          std::memcpy(data + k, &word, std::min(4u, i.size - k));
        }
        continue;
      }
      for (uint32_t k = 0; k < i.size; k += 4) {
        uint32_t word = 0;
        std::memcpy(&word, data + k, std::min(4u, i.size - k));
        if (i.is_signed && i.size < 4) word = i.size == 1 ? uint32_t(int8_t(word)) : uint32_t(int16_t(word));
        words[k / 4][l] = word;
      }
    }
    if (!is_write && i.opcode != copy) {
      const S mask = mask_of(active);
      for (uint32_t k = 0; k < std::max(1u, i.size / 4); ++k) w.write(i.to[0].next(k), words[k], mask);
    }
    if (memory.buffers.empty()) return 0;
    if (is_far) return sectors_of(far, asked, i.size);
    return i.opcode == load_shared || i.opcode == store_shared ? wavefronts_of(near, active, i.size, is_write) : 0;
  }

  void land(Warp& w, size_t most) {
    while (w.committed.size() > most) {
      for (const Copy& c : w.committed.front()) std::memcpy(memory.of_block(c.to, c.size), c.bytes, c.size);
      w.committed.erase(w.committed.begin());
    }
  }

  /// Runs a warp until its threads are at a barrier, or have left.
  void run(Warp& w, Flow& flow, int block) {
    while (!flow.ready.empty()) {
      Group g = flow.ready.back();
      flow.ready.pop_back();
      follow(w, flow, g, block);
      if (flow.ready.empty() && flow.meeting != 0 && (flow.alive & ~flow.meeting) == 0) {
        if (const uint32_t met = flow.meeting & flow.alive) flow.ready.push_back({flow.after_meeting, met});
        flow.meeting = 0;
      }
    }
    if ((flow.alive & ~flow.at_barrier) != 0) fail("threads that wait for others that never come");
  }

  /// Runs a group of threads until they wait, leave or part.
  void follow(Warp& w, Flow& flow, Group g, int block) {
    S mask = mask_of(g.lanes);
    for (;;) {
      if (g.at < 0 || g.at >= int(code.size())) fail("ran out of the code");
      if (++flow.steps > 100'000'000) fail("does not end: instruction " + std::to_string(g.at));
      const Instruction& i = code[size_t(g.at)];
      Counts& count = counts[size_t(g.at)];
      ++count.executed;
      uint32_t active = g.lanes;
      if (i.guard.kind != none) active &= set_of(w.read(memory, i.guard));
      // Without its own predicate a copy reads nothing, and a branch is not taken.
      const uint32_t wanted = i.own.kind == none ? active : active & set_of(w.read(memory, i.own));
      if (wanted != 0) ++count.useful;
      switch (i.opcode) {
        case jump:
          g.at = int(w.read(memory, i.from[0])[__builtin_ctz(g.lanes)] / 16);
          continue;
        case branch:
          if (wanted == 0) { ++g.at; continue; }
          if (wanted != g.lanes) {
            flow.ready.push_back({g.at + 1, g.lanes & ~wanted});
            g.lanes = wanted;
            mask = mask_of(wanted);
          }
          g.at = i.target;
          continue;
        case begin_region:
          flow.members[i.region] = g.lanes;
          flow.come[i.region] = 0;
          break;
        case end_region:
          flow.come[i.region] |= g.lanes;
          flow.after[i.region] = g.at + 1;
          flow.settle(i.region);
          return;
        case break_region:
          flow.members[i.region] &= ~wanted;
          flow.settle(i.region);
          break;
        case meet:
          flow.meeting |= g.lanes;
          flow.after_meeting = g.at + 1;
          return;
        case barrier:
          if (flow.at_barrier != 0 && flow.after_barrier != g.at + 1) fail("lanes of a warp at different barriers");
          flow.at_barrier |= g.lanes;
          flow.after_barrier = g.at + 1;
          return;
        case leave:
          flow.alive &= ~active;
          g.lanes &= ~active;
          for (int region = 0; region < 16; ++region) flow.settle(region);
          if (g.lanes == 0) return;
          mask = mask_of(g.lanes);
          break;
        case commit:
          w.committed.push_back(std::move(w.copies));
          w.copies.clear();
          break;
        case await: land(w, i.from[0].value); break;
        case load_shared: case load_global: case load_own: case store_shared: case store_global: case store_own: case copy:
          if (active != 0) count.passes += uint64_t(access(w, i, active));
          break;
        case unknown:
          if (active != 0 && !memory.buffers.empty()) fail("an instruction whose results are not known: " + i.name);
          break;
        default:
          if (active == 0) break;
          if (i.has(rounds_otherwise)) fail("a way of rounding that is not known: " + i.name);
          operate(w, memory, i, active == g.lanes ? mask : mask_of(active), block);
      }
      ++g.at;
    }
  }

  void run(int block) {
    std::fill(memory.shared.begin(), memory.shared.end(), uint8_t(0xff));
    const int count = (threads + lanes - 1) / lanes;
    std::vector<Warp> warps{size_t(count)};
    std::vector<Flow> flows{size_t(count)};
    for (int k = 0; k < count; ++k) {
      warps[size_t(k)].number = k;
      warps[size_t(k)].p[7] = warps[size_t(k)].up[7] = all(~0u);
      const int held = std::min(lanes, threads - k * lanes);
      flows[size_t(k)].alive = held == lanes ? ~0u : (1u << held) - 1;
      flows[size_t(k)].ready = {{0, flows[size_t(k)].alive}};
    }
    for (bool goes_on = true; goes_on;) {
      goes_on = false;
      for (int k = 0; k < count; ++k) run(warps[size_t(k)], flows[size_t(k)], block);
      int at = -1;
      for (Flow& f : flows) {
        if (f.alive == 0) continue;
        if (at >= 0 && f.after_barrier != at) fail("warps of a block at different barriers");
        at = f.after_barrier;
        f.ready.push_back({f.after_barrier, f.alive});
        f.at_barrier = 0;
        goes_on = true;
      }
    }
  }
};

void read_operand(std::istream& in, Operand& o) { in >> o.kind >> o.value >> o.negated >> o.absolute; }
void read_address(std::istream& in, Address& a) { in >> a.reg >> a.uniform >> a.offset >> a.scale >> a.is_pair; }

Instruction instruction_of(const std::string& line) {
  std::istringstream in(line);
  Instruction i;
  in >> i.name >> i.opcode >> i.flags >> i.target >> i.region >> i.size >> i.is_signed;
  read_operand(in, i.guard);
  read_operand(in, i.own);
  read_address(in, i.near);
  read_address(in, i.far);
  in >> i.to_count;
  for (int k = 0; k < i.to_count; ++k) read_operand(in, i.to[k]);
  in >> i.from_count;
  for (int k = 0; k < i.from_count; ++k) read_operand(in, i.from[k]);
  if (!in) fail("unreadable: " + line);
  return i;
}

}  // namespace
}  // namespace sass

int main() {
  using namespace sass;
  Machine machine;
  uint32_t shared_bytes = 0;
  if (!(std::cin >> machine.threads >> machine.blocks >> shared_bytes >> machine.memory.shared_begin)) fail("no input");
  machine.memory.shared.resize(shared_bytes);
  machine.memory.own.resize(size_t(machine.threads) * Memory::own_bytes);
  for (std::string word; std::cin >> word && word != "code";) {
    if (word == "constant") {
      uint32_t offset = 0, value = 0;
      std::cin >> offset >> value;
      std::memcpy(machine.memory.constants.data() + offset, &value, 4);
      continue;
    }
    Buffer b;
    size_t size = 0;
    std::cin >> b.address >> size >> b.file;
    b.is_result = word == "result";
    b.bytes.assign(size, 0xff);
    if (!b.is_result) {
      std::ifstream file(b.file, std::ios::binary);
      if (!file.read(reinterpret_cast<char*>(b.bytes.data()), std::streamsize(size))) fail("cannot read " + b.file);
    }
    machine.memory.buffers.push_back(std::move(b));
  }
  std::string line;
  std::getline(std::cin, line);
  while (std::getline(std::cin, line)) machine.code.push_back(instruction_of(line));
  machine.counts.resize(machine.code.size());
  for (int block = 0; block < machine.blocks; ++block) machine.run(block);
  for (const Counts& c : machine.counts) {
    std::printf("%llu %llu %llu\n", (unsigned long long)c.executed, (unsigned long long)c.useful, (unsigned long long)c.passes);
  }
  for (const Buffer& b : machine.memory.buffers) {
    if (!b.is_result) continue;
    std::ofstream file(b.file, std::ios::binary);
    if (!file.write(reinterpret_cast<const char*>(b.bytes.data()), std::streamsize(b.bytes.size()))) fail("cannot write " + b.file);
  }
}
