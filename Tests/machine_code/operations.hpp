// What each operation does to the registers.
#pragma once
#include <cmath>

#include "warp.hpp"

namespace sass {

inline float flushed(float x) { return std::fpclassify(x) == FP_SUBNORMAL ? std::copysign(0.0f, x) : x; }

inline U combined(const Instruction& i, U value, U with) {
  if (i.has(with_or)) return value | with;
  if (i.has(with_xor)) return value ^ with;
  return value & with;
}

/// Results by a table of 8 bits, whose places the bits of the three operands name.
inline U looked_up(uint32_t table, U a, U b, U c) {
  U value = {};
  for (int k = 0; k < 8; ++k) {
    if (table >> k & 1) value |= (k & 4 ? a : ~a) & (k & 2 ? b : ~b) & (k & 1 ? c : ~c);
  }
  return value;
}

/// A term of a sum, before carries: one that is taken off is its complement, and 1 that comes in where the sum is not the upper half of
/// a longer one.
inline W term(const Warp& w, const Memory& m, const Instruction& i, const Operand& o) {
  Operand plain = o;
  plain.negated = false;
  const U value = w.integer(m, plain);
  if (!o.negated) return wide(value);
  return wide(~value) + (i.has(is_extended) ? 0 : 1);
}

/// 0 or 1 of the carries among the operands from `first` on.
inline W carries(const Warp& w, const Memory& m, const Instruction& i, int first) {
  W sum = {};
  for (int k = first; i.has(is_extended) && k < i.from_count; ++k) sum += wide(w.read(m, i.from[k]) & 1);
  return sum;
}

inline float smaller(float a, float b, bool keeps, bool is_smallest) {
  if (std::isnan(a) || std::isnan(b)) {
    const U none = all(0x7fffffff);
    if (keeps || (std::isnan(a) && std::isnan(b))) return F(none)[0];
    return std::isnan(a) ? b : a;
  }
  // Of zeros the negative one is the smaller.
  const bool is_first = a < b || (a == b && std::signbit(a));
  return is_first == is_smallest ? a : b;
}

inline int8_t byte_of(uint32_t word, int k) { return int8_t(word >> (8 * k)); }
inline int32_t dot4(uint32_t a, uint32_t b) {
  int32_t sum = 0;
  for (int k = 0; k < 4; ++k) sum += byte_of(a, k) * byte_of(b, k);
  return sum;
}
inline uint32_t saturated(uint32_t value) {
  const int32_t x = int32_t(value);
  return uint32_t(x > 127 ? 127 : x < -128 ? -128 : x) & 255;
}

/// 16 pixels × 32 channels × 8 filters, or (a quarter) 8 × 16 × 8: rows and columns of the operands by lane as PTX's mma says.
inline void multiply_matrices(Warp& w, const Memory& m, const Instruction& i, bool is_quarter) {
  const Operand &a = i.from[0], &b = i.from[1], &c = i.from[2];
  const int rows = is_quarter ? 1 : 2, columns = is_quarter ? 1 : 2;
  U left[4], right[2], sums[4];
  for (int k = 0; k < rows * columns; ++k) left[k] = w.read(m, a.next(uint32_t(k)));
  for (int k = 0; k < columns; ++k) right[k] = w.read(m, b.next(uint32_t(k)));
  for (int k = 0; k < 2 * rows; ++k) sums[k] = w.read(m, c.next(uint32_t(k)));
  for (int l = 0; l < lanes; ++l) {
    for (int k = 0; k < 2 * rows; ++k) {
      const int filter = 2 * (l % 4) + k % 2;
      uint32_t sum = sums[k][l];
      for (int part = 0; part < columns; ++part) {
        for (int word = 0; word < 4; ++word) {
          sum += uint32_t(dot4(left[part * rows + k / 2][l / 4 * 4 + word], right[part][filter * 4 + word]));
        }
      }
      sums[k][l] = sum;
    }
  }
  for (int k = 0; k < 2 * rows; ++k) w.write(i.to[0].next(uint32_t(k)), sums[k], mask_of(~0u));
}

/// All but memory and what says where to go on.
inline void operate(Warp& w, const Memory& m, const Instruction& i, S mask, int block) {
  const Operand* f = i.from;
  const Operand& d = i.to[0];
  switch (i.opcode) {
    case integer_multiply: {
      const U a = w.integer(m, f[0]), b = w.integer(m, f[1]);
      if (!i.has(is_wide | is_high)) {
        w.write(d, a * b + low(term(w, m, i, f[2]) + carries(w, m, i, 3)), mask);
        break;
      }
      const W product = i.has(is_unsigned) ? wide(a) * wide(b) : wide_signed(a) * wide_signed(b);
      const W sum = product + w.pair(m, f[2]) + carries(w, m, i, 3);
      if (i.has(is_wide)) w.write_pair(d, sum, mask); else w.write(d, high(sum), mask);
      if (i.to_count > 1) {
        const L carried = L(sum < product);
        w.write(i.to[1], U(__builtin_convertvector(carried, S)), mask);
      }
      break;
    }
    case add3: {
      const W sum = term(w, m, i, f[0]) + term(w, m, i, f[1]) + term(w, m, i, f[2]) + carries(w, m, i, 3);
      w.write(d, low(sum), mask);
      if (i.to_count > 1) w.write(i.to[1], U(high(sum) != 0), mask);
      if (i.to_count > 2) w.write(i.to[2], U(high(sum) > 1), mask);
      break;
    }
    case add: w.write(d, w.integer(m, f[0]) + w.integer(m, f[1]), mask); break;
    case shift_add: {
      const U a = w.integer(m, f[0]);
      const W b = term(w, m, i, f[1]);
      if (!i.has(is_high)) {
        const W sum = wide(a << (f[2].value & 31)) + b;
        w.write(d, low(sum), mask);
        if (i.to_count > 1) w.write(i.to[1], U(high(sum) != 0), mask);
        break;
      }
      const int by = i.has(is_sign_extended) ? 2 : 3;
      const W moved = (i.has(is_sign_extended) ? wide_signed(a) : wide(a) | wide(w.integer(m, f[2])) << 32) << (f[by].value & 31);
      const W sum = wide(high(moved)) + b + carries(w, m, i, by + 1);
      w.write(d, low(sum), mask);
      if (i.to_count > 1) w.write(i.to[1], U(high(sum) != 0), mask);
      break;
    }
    case shift: {
      const U a = w.read(m, f[0]), by = w.read(m, f[1]), c = w.read(m, f[2]);
      U value;
      for (int l = 0; l < lanes; ++l) {
        const uint32_t n = by[l] > 63 ? 63 : by[l];
        const uint64_t both = uint64_t(c[l]) << 32 | a[l];
        const uint64_t moved = i.has(is_right) ? (i.has(is_unsigned) ? both >> n : uint64_t(int64_t(both) >> n)) : both << n;
        value[l] = uint32_t(i.has(is_high) ? moved >> 32 : moved);
      }
      w.write(d, value, mask);
      break;
    }
    case logic: {
      const U value = looked_up(f[3].value, w.bits(m, f[0]), w.bits(m, f[1]), w.bits(m, f[2]));
      for (int k = 0; k < i.to_count; ++k) w.write(i.to[k], i.to[k].is_predicate() ? U(value != 0) : value, mask);
      break;
    }
    case predicate_logic: {
      const U a = w.read(m, f[0]), b = w.read(m, f[1]), c = w.read(m, f[2]);
      for (int k = 0; k < i.to_count; ++k) w.write(i.to[k], looked_up(f[3 + k].value, a, b, c), mask);
      break;
    }
    case permute: {
      const U a = w.read(m, f[0]), by = w.read(m, f[1]), c = w.read(m, f[2]);
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
      w.write(d, value, mask);
      break;
    }
    case select: {
      const bool is_real = i.name[0] == 'F';
      const U yes = is_real ? U(w.real(m, f[0])) : w.integer(m, f[0]), no = is_real ? U(w.real(m, f[1])) : w.integer(m, f[1]);
      w.write(d, where(S(w.read(m, f[2])), yes, no), mask);
      break;
    }
    case compare: {
      const U a = w.integer(m, f[0]), b = w.integer(m, f[1]);
      const S below = i.has(is_unsigned) ? S(a < b) : S(S(a) < S(b)), same = S(a == b);
      S value = {};
      if (i.has(less)) value |= below;
      if (i.has(equal)) value |= same;
      if (i.has(greater)) value |= ~below & ~same;
      if (i.has(is_extended)) value = S(where(same, w.read(m, f[3]), U(value)));
      const U with = w.read(m, f[2]);
      w.write(d, combined(i, U(value), with), mask);
      if (i.to_count > 1) w.write(i.to[1], combined(i, ~U(value), with), mask);
      break;
    }
    case extreme: case add_extreme: {
      const int last = i.opcode == extreme ? 2 : 3;
      const U a = i.opcode == extreme ? w.integer(m, f[0]) : w.integer(m, f[0]) + w.integer(m, f[1]);
      const U b = w.integer(m, f[last - 1]);
      const S below = i.has(is_unsigned) ? S(a < b) : S(S(a) < S(b));
      w.write(d, where(below ^ ~S(w.read(m, f[last])), a, b), mask);
      break;
    }
    case absolute: {
      const U a = w.integer(m, f[0]);
      w.write(d, where(S(a) < 0, -a, a), mask);
      break;
    }
    case move: w.write(d, w.integer(m, f[0]), mask); break;
    case special: {
      U value = {};
      if (f[0].value == 0) for (int l = 0; l < lanes; ++l) value[l] = uint32_t(w.number * lanes + l);
      if (f[0].value == 1) value = all(uint32_t(block));
      if (f[0].value == 2) for (int l = 0; l < lanes; ++l) value[l] = uint32_t(l);
      w.write(d, value, mask);
      break;
    }
    case zero_pair: w.write_pair(d, W{}, mask); break;
    case packed_halves: w.write(d, all(f[0].value), mask); break;
    case load_constant:
      for (uint32_t k = 0; k < i.size / 4; ++k) w.write(d.next(k), w.read(m, f[0].next(k)), mask);
      break;
    case float_multiply_add: {
      const F a = w.real(m, f[0]), b = w.real(m, f[1]), c = w.real(m, f[2]);
      F value;
      for (int l = 0; l < lanes; ++l) value[l] = __builtin_fmaf(a[l], b[l], c[l]);
      w.write(d, U(value), mask);
      break;
    }
    case float_add: case float_multiply: {
      const F a = w.real(m, f[0]), b = w.real(m, f[1]);
      F value = i.opcode == float_add ? a + b : a * b;
      if (i.has(flushes)) {
        for (int l = 0; l < lanes; ++l) {
          const float x = flushed(a[l]), y = flushed(b[l]);
          value[l] = flushed(i.opcode == float_add ? x + y : x * y);
        }
      }
      w.write(d, U(value), mask);
      break;
    }
    case float_extreme: {
      const F a = w.real(m, f[0]), b = w.real(m, f[1]);
      const U is_smallest = w.read(m, f[2]);
      F value;
      for (int l = 0; l < lanes; ++l) value[l] = smaller(a[l], b[l], i.has(keeps_nan), is_smallest[l] != 0);
      w.write(d, U(value), mask);
      break;
    }
    case float_compare: {
      F a = w.real(m, f[0]), b = w.real(m, f[1]);
      if (i.has(flushes)) for (int l = 0; l < lanes; ++l) a[l] = flushed(a[l]), b[l] = flushed(b[l]);
      S value = {};
      if (i.has(less)) value |= a < b;
      if (i.has(equal)) value |= a == b;
      if (i.has(greater)) value |= a > b;
      if (i.has(unordered)) value |= (a != a) | (b != b);
      const U with = w.read(m, f[2]);
      w.write(d, combined(i, U(value), with), mask);
      if (i.to_count > 1) w.write(i.to[1], combined(i, ~U(value), with), mask);
      break;
    }
    case float_round: {
      const F a = w.real(m, f[0]);
      F value;
      for (int l = 0; l < lanes; ++l) value[l] = i.has(to_zero) ? std::trunc(a[l]) : std::nearbyint(a[l]);
      w.write(d, U(value), mask);
      break;
    }
    case to_float: {
      U a = w.integer(m, f[0]) >> f[1].value;
      // Of bytes and halves what begins there.
      const uint32_t above = 32 - 8 * i.size;
      a = i.has(is_unsigned) ? a << above >> above : U(S(a << above) >> above);
      F value;
      for (int l = 0; l < lanes; ++l) {
        const double exact = i.has(is_unsigned) ? double(a[l]) : double(int32_t(a[l]));
        value[l] = float(exact);
        if (i.has(rounds_up) && value[l] < exact) value[l] = std::nextafter(value[l], INFINITY);
      }
      w.write(d, U(value), mask);
      break;
    }
    case to_int: {
      const F a = w.real(m, f[0]);
      U value;
      for (int l = 0; l < lanes; ++l) {
        const double x = std::isnan(a[l]) ? 0 : i.has(to_zero) ? std::trunc(double(a[l])) : std::nearbyint(double(a[l]));
        value[l] = i.has(is_unsigned) ? uint32_t(x < 0 ? 0 : x > 4294967295.0 ? 4294967295.0 : x)
                                      : uint32_t(int32_t(x < -2147483648.0 ? -2147483648.0 : x > 2147483647.0 ? 2147483647.0 : x));
      }
      w.write(d, value, mask);
      break;
    }
    case reciprocal: w.write(d, U(1.0f / w.real(m, f[0])), mask); break;
    case check_division: {
      // Whether a quotient leaves the range in which the short way of division is right.
      const U a = w.read(m, f[0]) >> 23 & 255, b = w.read(m, f[1]) >> 23 & 255;
      const S apart = S(a) - S(b);
      w.write(d, U((b < 3) | (b > 250) | (a == 255) | ((a != 0) & ((a < 25) | (apart > 125) | (apart < -125)))), mask);
      break;
    }
    case dot: {
      const U a = w.read(m, f[0]), b = w.read(m, f[1]);
      U value = w.integer(m, f[2]);
      for (int l = 0; l < lanes; ++l) value[l] += uint32_t(dot4(a[l], b[l]));
      w.write(d, value, mask);
      break;
    }
    case matrix: multiply_matrices(w, m, i, false); break;
    case matrix_quarter: multiply_matrices(w, m, i, true); break;
    case pack_bytes: {
      const U a = w.read(m, f[0]), b = w.read(m, f[1]), c = w.read(m, f[2]);
      U value;
      for (int l = 0; l < lanes; ++l) value[l] = c[l] << 16 | saturated(a[l]) << 8 | saturated(b[l]);
      w.write(d, value, mask);
      break;
    }
    case pack_predicates: {
      const U chosen = w.read(m, f[1]);
      U value = w.read(m, f[0]) & ~chosen;
      for (int k = 0; k < 7; ++k) value |= w.p[k] & chosen & (1u << k);
      w.write(d, value, mask);
      break;
    }
    case unpack_predicates: {
      const U value = w.read(m, f[0]);
      for (int k = 0; k < 7; ++k) {
        if (f[1].value >> k & 1) w.p[k] = where(mask, U((value & (1u << k)) != 0), w.p[k]);
      }
      break;
    }
    default: break;
  }
}

}  // namespace sass
