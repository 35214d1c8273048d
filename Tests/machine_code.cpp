// Runs machine code warp by warp, to count what a grid executes. Reads of memory give 0, so what follows from data is not followed:
// the kernels' ways depend on indices alone.
//
// Standard input: the threads of a block, the blocks, then a line for each instruction, as `machine_code.py` writes them.
// Standard output: for each instruction how often a warp executed it, and how often for at least one of its threads.
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <sstream>
#include <string>
#include <vector>

namespace {

constexpr int lanes = 32;
typedef uint32_t U __attribute__((vector_size(4 * lanes)));
typedef int32_t S __attribute__((vector_size(4 * lanes)));
typedef float F __attribute__((vector_size(4 * lanes)));
typedef uint64_t W __attribute__((vector_size(8 * lanes)));
typedef int64_t L __attribute__((vector_size(8 * lanes)));

U all(uint32_t value) { return U{} + value; }
U where(S condition, U yes, U no) { return (U(condition) & yes) | (~U(condition) & no); }
W wide(U value) { return __builtin_convertvector(value, W); }
W wide_signed(U value) { return W(__builtin_convertvector(S(value), L)); }
U low(W value) { return __builtin_convertvector(value, U); }
U high(W value) { return low(value >> 32); }

enum Source { none, reg, uniform, immediate, predicate, uniform_predicate };
struct Operand {
  int kind = none;
  uint32_t value = 0;
  bool negated = false, absolute = false;
};

struct Instruction {
  std::string name;
  int opcode = 0, target = -1, barrier = -1;
  uint32_t flags = 0;
  Operand guard, own, to[4], from[8];
  int to_count = 0, from_count = 0;
};

/// What the name says beyond the operation.
enum Flag : uint32_t {
  is_unsigned = 1, is_high = 2, is_wide = 4, is_extended = 8, is_sign_extended = 16, is_right = 32, with_or = 64, with_xor = 128,
  less = 256, equal = 512, greater = 1024, unordered = 2048
};

enum Opcode {
  nothing, integer_multiply, add3, add, shift_add, shift, logic, predicate_logic, permute, select, compare, extreme,
  add_extreme, absolute, move, special, zero_pair, packed_halves, load, float_multiply_add, float_add, float_multiply, float_extreme, float_compare,
  float_round, to_float, to_int, reciprocal, dot, pack_predicates, unpack_predicates, branch,
  jump, begin_region, end_region, break_region, leave, meet
};

struct Warp {
  U r[257] = {};
  U p[9] = {};
  U u[65] = {};
  U up[9] = {};
};

struct Group {
  int at;
  uint32_t lanes;
};

[[noreturn]] void fail(const std::string& what) {
  std::fprintf(stderr, "machine-code: %s\n", what.c_str());
  std::exit(2);
}

struct Machine {
  std::vector<Instruction> code;
  std::vector<uint64_t> counts, useful;
  int threads = 0, blocks = 0;

  U read(const Warp& w, const Operand& o) const {
    U value;
    switch (o.kind) {
      case reg: value = w.r[o.value]; break;
      case uniform: value = w.u[o.value]; break;
      case predicate: value = w.p[o.value]; break;
      case uniform_predicate: value = w.up[o.value]; break;
      default: value = all(o.value);
    }
    if (o.kind == predicate || o.kind == uniform_predicate) return o.negated ? ~value : value;
    return value;
  }
  U integer(const Warp& w, const Operand& o) const {
    U value = read(w, o);
    if (o.absolute) value = where(S(value) < 0, -value, value);
    return o.negated ? -value : value;
  }
  F real(const Warp& w, const Operand& o) const {
    U value = read(w, o);
    if (o.absolute) value &= 0x7fffffff;
    if (o.negated) value ^= 0x80000000;
    return F(value);
  }
  U bits(const Warp& w, const Operand& o) const {
    const U value = read(w, o);
    return o.negated && o.kind != predicate && o.kind != uniform_predicate ? ~value : value;
  }
  W pair(const Warp& w, const Operand& o) const {
    if (o.kind == immediate || o.kind == none) return wide_signed(all(o.value));
    if (o.kind == reg) return wide(w.r[o.value]) | wide(o.value == 255 ? U{} : w.r[o.value + 1]) << 32;
    return wide(w.u[o.value]) | wide(o.value == 63 ? U{} : w.u[o.value + 1]) << 32;
  }
  void write(Warp& w, const Operand& o, U value, S mask) const {
    U* to;
    switch (o.kind) {
      case reg: if (o.value == 255) return; to = w.r + o.value; break;
      case uniform:
        if (o.value == 63) return;
        // The uniform registers hold what the first of the lanes has.
        for (int l = 0; l < lanes; ++l) if (mask[l]) { w.u[o.value] = all(value[l]); return; }
        return;
      case predicate: if (o.value == 7) return; to = w.p + o.value; break;
      case uniform_predicate:
        if (o.value == 7) return;
        for (int l = 0; l < lanes; ++l) if (mask[l]) { w.up[o.value] = all(value[l]); return; }
        return;
      default: return;
    }
    *to = where(mask, value, *to);
  }
  void write_pair(Warp& w, const Operand& o, W value, S mask) const {
    write(w, o, low(value), mask);
    Operand next = o;
    next.value = (o.kind == reg && o.value == 255) || (o.kind == uniform && o.value == 63) ? o.value : o.value + 1;
    write(w, next, high(value), mask);
  }

  void step(Warp& w, const Instruction& i, S mask, int block, int warp) const {
    const Operand* f = i.from;
    const Operand& d = i.to[0];
    const auto has = [&](uint32_t flag) { return (i.flags & flag) != 0; };
    switch (i.opcode) {
      case integer_multiply: {
        const U a = integer(w, f[0]), b = integer(w, f[1]);
        if (!has(is_wide | is_high)) {
          U sum = a * b + integer(w, f[2]);
          if (has(is_extended)) sum += read(w, f[3]) & 1;
          write(w, d, sum, mask);
          break;
        }
        const W product = (has(is_unsigned) ? wide(a) * wide(b) : wide_signed(a) * wide_signed(b)) + pair(w, f[2]);
        if (has(is_wide)) write_pair(w, d, product, mask); else write(w, d, high(product), mask);
        break;
      }
      case add3: {
        W sum = wide(integer(w, f[0])) + wide(integer(w, f[1])) + wide(integer(w, f[2]));
        if (has(is_extended)) sum += wide(read(w, f[3]) & 1);
        write(w, d, low(sum), mask);
        if (i.to_count > 1) write(w, i.to[1], U(high(sum) != 0), mask);
        break;
      }
      case add: write(w, d, integer(w, f[0]) + integer(w, f[1]), mask); break;
      case shift_add: {
        const U a = integer(w, f[0]), b = integer(w, f[1]);
        if (!has(is_high)) {
          const int by = f[2].value & 31;
          const W sum = wide(a << by) + wide(b);
          write(w, d, low(sum), mask);
          if (i.to_count > 1) write(w, i.to[1], U(high(sum) != 0), mask);
        } else if (has(is_sign_extended)) {
          U sum = high(wide_signed(a) << (f[2].value & 31)) + b;
          if (has(is_extended)) sum += read(w, f[3]) & 1;
          write(w, d, sum, mask);
        } else {
          U sum = high((wide(a) | wide(integer(w, f[2])) << 32) << (f[3].value & 31)) + b;
          if (has(is_extended)) sum += read(w, f[4]) & 1;
          write(w, d, sum, mask);
        }
        break;
      }
      case shift: {
        const U a = read(w, f[0]), by = read(w, f[1]), c = read(w, f[2]);
        U value;
        for (int l = 0; l < lanes; ++l) {
          const uint32_t n = by[l] > 63 ? 63 : by[l];
          const uint64_t both = uint64_t(c[l]) << 32 | a[l];
          const uint64_t moved =
              has(is_right) ? (has(is_unsigned) ? both >> n : uint64_t(int64_t(both) >> n)) : both << n;
          value[l] = uint32_t(has(is_high) ? moved >> 32 : moved);
        }
        write(w, d, value, mask);
        break;
      }
      case logic: {
        const U a = bits(w, f[0]), b = bits(w, f[1]), c = bits(w, f[2]);
        const uint32_t table = f[3].value;
        U value = {};
        for (int k = 0; k < 8; ++k) {
          if (table >> k & 1) value |= (k & 4 ? a : ~a) & (k & 2 ? b : ~b) & (k & 1 ? c : ~c);
        }
        for (int k = 0; k < i.to_count; ++k) {
          if (i.to[k].kind == predicate || i.to[k].kind == uniform_predicate) write(w, i.to[k], U(value != 0), mask);
          else write(w, i.to[k], value, mask);
        }
        break;
      }
      case predicate_logic: {
        const U a = read(w, f[0]), b = read(w, f[1]), c = read(w, f[2]);
        for (int k = 0; k < i.to_count; ++k) {
          const uint32_t table = f[3 + k].value;
          U value = {};
          for (int n = 0; n < 8; ++n) {
            if (table >> n & 1) value |= (n & 4 ? a : ~a) & (n & 2 ? b : ~b) & (n & 1 ? c : ~c);
          }
          write(w, i.to[k], value, mask);
        }
        break;
      }
      case permute: {
        const U a = read(w, f[0]), by = read(w, f[1]), c = read(w, f[2]);
        U value = {};
        for (int l = 0; l < lanes; ++l) {
          const uint64_t both = uint64_t(c[l]) << 32 | a[l];
          for (int k = 0; k < 4; ++k) {
            const uint32_t n = by[l] >> (4 * k) & 15;
            uint32_t byte = both >> (8 * (n & 7)) & 255;
            if (n & 8) byte = byte & 128 ? 255 : 0;
            value[l] |= byte << (8 * k);
          }
        }
        write(w, d, value, mask);
        break;
      }
      case select: write(w, d, where(S(read(w, f[2])), read(w, f[0]), read(w, f[1])), mask); break;
      case compare: {
        const U a = integer(w, f[0]), b = integer(w, f[1]);
        const S below = has(is_unsigned) ? S(a < b) : S(S(a) < S(b)), same = S(a == b);
        S value = {};
        if (has(less)) value |= below;
        if (has(equal)) value |= same;
        if (has(greater)) value |= ~below & ~same;
        if (has(is_extended)) value = S(where(same, read(w, f[3]), U(value)));
        const U with = read(w, f[2]);
        write(w, d, combined(i, U(value), with), mask);
        if (i.to_count > 1) write(w, i.to[1], combined(i, ~U(value), with), mask);
        break;
      }
      case extreme: case add_extreme: {
        const int last = i.opcode == extreme ? 2 : 3;
        const U a = i.opcode == extreme ? integer(w, f[0]) : integer(w, f[0]) + integer(w, f[1]);
        const U b = integer(w, f[last - 1]);
        const S below = has(is_unsigned) ? S(a < b) : S(S(a) < S(b));
        write(w, d, where(below ^ ~S(read(w, f[last])), a, b), mask);
        break;
      }
      case absolute: {
        const U a = integer(w, f[0]);
        write(w, d, where(S(a) < 0, -a, a), mask);
        break;
      }
      case move: write(w, d, integer(w, f[0]), mask); break;
      case special: {
        U value = {};
        if (f[0].value == 0) for (int l = 0; l < lanes; ++l) value[l] = warp * lanes + l;
        if (f[0].value == 1) value = all(block);
        if (f[0].value == 2) for (int l = 0; l < lanes; ++l) value[l] = l;
        write(w, d, value, mask);
        break;
      }
      case zero_pair: write_pair(w, d, W{}, mask); break;
      case packed_halves: write(w, d, all(f[0].value), mask); break;
      case load:
        for (uint32_t k = 0; k < f[0].value; ++k) {
          Operand to = d;
          if (d.value == 255 && d.kind == reg) break;
          to.value += k;
          write(w, to, U{}, mask);
        }
        break;
      case float_multiply_add: write(w, d, U(real(w, f[0]) * real(w, f[1]) + real(w, f[2])), mask); break;
      case float_add: write(w, d, U(real(w, f[0]) + real(w, f[1])), mask); break;
      case float_multiply: write(w, d, U(real(w, f[0]) * real(w, f[1])), mask); break;
      case float_extreme: {
        const F a = real(w, f[0]), b = real(w, f[1]);
        write(w, d, where(S(a < b) ^ ~S(read(w, f[2])), U(a), U(b)), mask);
        break;
      }
      case float_compare: {
        const F a = real(w, f[0]), b = real(w, f[1]);
        S value = {};
        if (has(less)) value |= a < b;
        if (has(equal)) value |= a == b;
        if (has(greater)) value |= a > b;
        if (has(unordered)) value |= (a != a) | (b != b);
        const U with = read(w, f[2]);
        write(w, d, combined(i, U(value), with), mask);
        if (i.to_count > 1) write(w, i.to[1], combined(i, ~U(value), with), mask);
        break;
      }
      case float_round: {
        const F a = real(w, f[0]);
        F value;
        for (int l = 0; l < lanes; ++l) value[l] = std::nearbyint(a[l]);
        write(w, d, U(value), mask);
        break;
      }
      case to_float: {
        const U a = integer(w, f[0]);
        F value;
        for (int l = 0; l < lanes; ++l) value[l] = has(is_unsigned) ? float(a[l]) : float(int32_t(a[l]));
        write(w, d, U(value), mask);
        break;
      }
      case to_int: {
        const F a = real(w, f[0]);
        U value;
        for (int l = 0; l < lanes; ++l) {
          const double x = std::isnan(a[l]) ? 0 : std::trunc(double(a[l]));
          value[l] = has(is_unsigned) ? uint32_t(x < 0 ? 0 : x > 4294967295.0 ? 4294967295.0 : x)
                                      : uint32_t(int32_t(x < -2147483648.0 ? -2147483648.0 : x > 2147483647.0 ? 2147483647.0 : x));
        }
        write(w, d, value, mask);
        break;
      }
      case reciprocal: write(w, d, U(1.0f / real(w, f[0])), mask); break;
      case dot: write(w, d, read(w, f[2]), mask); break;
      case pack_predicates: {
        const U chosen = read(w, f[1]);
        U value = read(w, f[0]) & ~chosen;
        for (int k = 0; k < 7; ++k) value |= w.p[k] & chosen & (1u << k);
        write(w, d, value, mask);
        break;
      }
      case unpack_predicates: {
        const U value = read(w, f[0]);
        for (int k = 0; k < 7; ++k) {
          if (f[1].value >> k & 1) w.p[k] = where(mask, U((value & (1u << k)) != 0), w.p[k]);
        }
        break;
      }
      default: break;
    }
  }

  static U combined(const Instruction& i, U value, U with) {
    if (i.flags & with_or) return value | with;
    if (i.flags & with_xor) return value ^ with;
    return value & with;
  }

  static uint32_t lanes_of(U value) {
    uint32_t result = 0;
    for (int l = 0; l < lanes; ++l) result |= (value[l] >> 31) << l;
    return result;
  }
  static S mask_of(uint32_t set) {
    S mask;
    for (int l = 0; l < lanes; ++l) mask[l] = set >> l & 1 ? -1 : 0;
    return mask;
  }

  void run(int block, int warp) {
    Warp w;
    w.p[7] = w.up[7] = all(~0u);
    const int held = std::min(lanes, threads - warp * lanes);
    uint32_t alive = held == lanes ? ~0u : (1u << held) - 1;
    std::vector<Group> groups = {{0, alive}};
    // Of each barrier who belongs to it, and who has come.
    uint32_t members[16] = {}, come[16] = {};
    uint32_t waiting = 0;
    int meeting = -1;
    uint64_t steps = 0;
    int after[16] = {};
    const auto settle = [&](int b) {
      if (come[b] == 0 || (members[b] & alive & ~come[b]) != 0) return;
      groups.push_back({after[b], come[b]});
      members[b] &= ~come[b];
      come[b] = 0;
    };
    while (!groups.empty()) {
      Group g = groups.back();
      groups.pop_back();
      S mask = mask_of(g.lanes);
      for (;;) {
        if (g.at < 0 || g.at >= int(code.size())) fail("ran out of the code");
        if (++steps > 100'000'000) fail("does not end: instruction " + std::to_string(g.at));
        const Instruction& i = code[g.at];
        ++counts[g.at];
        uint32_t active = g.lanes;
        if (i.guard.kind != none) active &= lanes_of(read(w, i.guard));
        // A branch's and an asynchronous copy's own predicate.
        if (i.own.kind != none) active &= lanes_of(read(w, i.own));
        if (active != 0) ++useful[g.at];
        if (i.opcode == jump) {
          const uint32_t address = read(w, i.from[0])[__builtin_ctz(g.lanes)];
          g.at = int(address / 16);
          continue;
        }
        if (i.opcode == branch) {
          if (active == 0) { ++g.at; continue; }
          if (active == g.lanes) { g.at = i.target; continue; }
          groups.push_back({g.at + 1, g.lanes & ~active});
          g = {i.target, active};
          mask = mask_of(g.lanes);
          continue;
        }
        if (i.opcode == begin_region) {
          members[i.barrier] = g.lanes;
          come[i.barrier] = 0;
          ++g.at;
          continue;
        }
        if (i.opcode == end_region) {
          come[i.barrier] |= g.lanes;
          after[i.barrier] = g.at + 1;
          settle(i.barrier);
          break;
        }
        if (i.opcode == break_region) {
          members[i.barrier] &= ~active;
          settle(i.barrier);
          ++g.at;
          continue;
        }
        if (i.opcode == meet) {
          waiting |= g.lanes;
          meeting = g.at + 1;
          break;
        }
        if (i.opcode == leave) {
          alive &= ~active;
          g.lanes &= ~active;
          for (int b = 0; b < 16; ++b) settle(b);
          if (g.lanes == 0) break;
          mask = mask_of(g.lanes);
          ++g.at;
          continue;
        }
        if (active != 0) step(w, i, active == g.lanes ? mask : mask_of(active), block, warp);
        ++g.at;
      }
      if (groups.empty()) {
        if (waiting != 0 && (alive & ~waiting) == 0) {
          groups.push_back({meeting, waiting & alive});
          waiting = 0;
          if (groups.back().lanes == 0) groups.clear();
        }
      }
    }
    if (alive != 0) fail("threads that never leave");
  }
};

}  // namespace

int main() {
  Machine m;
  if (!(std::cin >> m.threads >> m.blocks)) fail("no input");
  std::string line;
  std::getline(std::cin, line);
  while (std::getline(std::cin, line)) {
    std::istringstream in(line);
    Instruction i;
    const auto operand = [&](Operand& o) { in >> o.kind >> o.value >> o.negated >> o.absolute; };
    in >> i.name >> i.opcode >> i.flags >> i.target >> i.barrier;
    operand(i.guard);
    operand(i.own);
    in >> i.to_count;
    for (int k = 0; k < i.to_count; ++k) operand(i.to[k]);
    in >> i.from_count;
    for (int k = 0; k < i.from_count; ++k) operand(i.from[k]);
    if (!in) fail("unreadable: " + line);
    m.code.push_back(i);
  }
  m.counts.resize(m.code.size());
  m.useful.resize(m.code.size());
  for (int block = 0; block < m.blocks; ++block) {
    for (int warp = 0; warp * lanes < m.threads; ++warp) m.run(block, warp);
  }
  for (size_t i = 0; i < m.code.size(); ++i) {
    std::printf("%llu %llu\n", (unsigned long long)m.counts[i], (unsigned long long)m.useful[i]);
  }
}
