// A warp's registers, and what instructions name of them. A vector has a word of each lane.
#pragma once
#include "memory.hpp"

namespace sass {

typedef uint32_t U __attribute__((vector_size(4 * lanes)));
typedef int32_t S __attribute__((vector_size(4 * lanes)));
typedef float F __attribute__((vector_size(4 * lanes)));
typedef uint64_t W __attribute__((vector_size(8 * lanes)));
typedef int64_t L __attribute__((vector_size(8 * lanes)));

inline U all(uint32_t value) { return U{} + value; }
inline U where(S condition, U yes, U no) { return (U(condition) & yes) | (~U(condition) & no); }
inline W wide(U value) { return __builtin_convertvector(value, W); }
inline W wide_signed(U value) { return W(__builtin_convertvector(S(value), L)); }
inline U low(W value) { return __builtin_convertvector(value, U); }
inline U high(W value) { return low(value >> 32); }

/// A bit a lane, from and to a mask that is all ones or zeros in a lane.
inline uint32_t set_of(U mask) {
  uint32_t set = 0;
  for (int l = 0; l < lanes; ++l) set |= (mask[l] >> 31) << l;
  return set;
}
inline S mask_of(uint32_t set) {
  S mask;
  for (int l = 0; l < lanes; ++l) mask[l] = set >> l & 1 ? -1 : 0;
  return mask;
}

enum Source { none, reg, uniform, immediate, predicate, uniform_predicate, constant };
struct Operand {
  int kind = none;
  uint32_t value = 0;
  bool negated = false, absolute = false;

  bool is_predicate() const { return kind == predicate || kind == uniform_predicate; }
  /// The register after it; that of zeros has none.
  Operand next(uint32_t by = 1) const {
    Operand o = *this;
    if (!(kind == reg && value == 255) && !(kind == uniform && value == 63)) o.value += kind == constant ? 4 * by : by;
    return o;
  }
};

/// register × scale + uniform register + offset; either register may be that of zeros.
struct Address {
  uint32_t reg = 255, uniform = 63, offset = 0, scale = 1;
  bool is_pair = false;
};

/// What the name says beyond the operation.
enum Flag : uint32_t {
  is_unsigned = 1 << 0, is_high = 1 << 1, is_wide = 1 << 2, is_extended = 1 << 3, is_sign_extended = 1 << 4, is_right = 1 << 5,
  with_or = 1 << 6, with_xor = 1 << 7, less = 1 << 8, equal = 1 << 9, greater = 1 << 10, unordered = 1 << 11, keeps_nan = 1 << 12,
  flushes = 1 << 13, rounds_up = 1 << 14, rounds_otherwise = 1 << 15, to_zero = 1 << 16
};

enum Opcode {
  nothing, integer_multiply, add3, add, shift_add, shift, logic, predicate_logic, permute, select, compare, extreme, add_extreme,
  absolute, move, special, zero_pair, packed_halves, load_constant, load_shared, load_global, load_own, store_shared, store_global,
  store_own, copy, commit, await, float_multiply_add, float_add, float_multiply, float_extreme, float_compare, float_round, to_float,
  to_int, reciprocal, check_division, dot, matrix, matrix_quarter, pack_bytes, pack_predicates, unpack_predicates, branch, jump,
  begin_region, end_region, break_region, leave, meet, barrier, unknown
};

struct Instruction {
  std::string name;
  int opcode = 0, target = -1, region = -1;
  uint32_t flags = 0;
  /// Bytes that memory gives or takes a lane, or that become a float; and whether the sign of what is less than a word goes on.
  uint32_t size = 0;
  bool is_signed = false;
  Operand guard, own, to[4], from[8];
  int to_count = 0, from_count = 0;
  Address near, far;

  bool has(uint32_t flag) const { return (flags & flag) != 0; }
};

/// An asynchronous copy of a lane, which lands when it is waited for.
struct Copy {
  uint32_t to = 0, size = 0;
  uint8_t bytes[16] = {};
};

struct Warp {
  int number = 0;
  U r[257] = {};
  U p[9] = {};
  U u[65] = {};
  U up[9] = {};
  /// Since the last commit, and of each commit since.
  std::vector<Copy> copies;
  std::vector<std::vector<Copy>> committed;

  U read(const Memory& m, const Operand& o) const {
    switch (o.kind) {
      case reg: return r[o.value];
      case uniform: return u[o.value];
      case predicate: return o.negated ? ~p[o.value] : p[o.value];
      case uniform_predicate: return o.negated ? ~up[o.value] : up[o.value];
      case constant: return all(m.constant(o.value));
      default: return all(o.value);
    }
  }
  U integer(const Memory& m, const Operand& o) const {
    U value = read(m, o);
    if (o.absolute) value = where(S(value) < 0, -value, value);
    return o.negated ? -value : value;
  }
  F real(const Memory& m, const Operand& o) const {
    U value = read(m, o);
    if (o.absolute) value &= 0x7fffffff;
    if (o.negated) value ^= 0x80000000;
    return F(value);
  }
  U bits(const Memory& m, const Operand& o) const {
    const U value = read(m, o);
    return o.negated && !o.is_predicate() ? ~value : value;
  }
  W pair(const Memory& m, const Operand& o) const {
    if (o.kind == immediate || o.kind == none) return wide_signed(all(o.value));
    Operand lower = o;
    lower.negated = false;
    const Operand upper = lower.next();
    const bool is_zero = (o.kind == reg && o.value == 255) || (o.kind == uniform && o.value == 63);
    const W value = is_zero ? W{} : wide(read(m, lower)) | wide(read(m, upper)) << 32;
    return o.negated ? -value : value;
  }

  void write(const Operand& o, U value, S mask) {
    U* to;
    switch (o.kind) {
      case reg: if (o.value == 255) return; to = r + o.value; break;
      case predicate: if (o.value == 7) return; to = p + o.value; break;
      case uniform: case uniform_predicate: {
        if (o.value == (o.kind == uniform ? 63u : 7u)) return;
        // These hold what the first of the lanes has.
        U& register_of_all = o.kind == uniform ? u[o.value] : up[o.value];
        for (int l = 0; l < lanes; ++l) if (mask[l]) { register_of_all = all(value[l]); return; }
        return;
      }
      default: return;
    }
    *to = where(mask, value, *to);
  }
  void write_pair(const Operand& o, W value, S mask) {
    write(o, low(value), mask);
    write(o.next(), high(value), mask);
  }
};

}  // namespace sass
