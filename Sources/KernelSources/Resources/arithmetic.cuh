// The two number formats: how a product is added, how a sum ends, how a layer without weights makes its result.
// INT8 follows the runtimes bit for bit: ONNX Runtime's float32 path, TensorFlow Lite's fixed-point path.
#pragma once
#include "constants.cuh"

namespace fcm {

__device__ __forceinline__ float activated(float x, int activation) {
  if (activation == none) return x;
  if (x < 0.0f) return 0.0f;
  return activation == relu6 && x > 6.0f ? 6.0f : x;
}

struct FP32 {
  using Element = float;
  using Sum = float;
  using Bias = float;
  using Multiplier = float;  // none is ever loaded

  static __device__ __forceinline__ Element fill(const Stage&, int) { return 0.0f; }
  static __device__ __forceinline__ Sum value(Element x, const Stage&) { return x; }
  static __device__ __forceinline__ Sum weight(Element w, int) { return w; }
  static __device__ __forceinline__ Sum multiply_add(Sum a, Sum b, Sum sum) { return fmaf(a, b, sum); }
  /// Weight `v` of those of `V` channels, for `multiply_add_one`.
  template <int V> static __device__ __forceinline__ Sum one_weight(pack<Element, V> weights, int v, int, const Stage&) {
    return weights.d[v];
  }
  template <int V>
  static __device__ __forceinline__ Sum multiply_add_one(pack<Element, V> values, Sum weight, int v, Sum sum, const Stage&) {
    return fmaf(values.d[v], weight, sum);
  }
  static __device__ __forceinline__ Sum with_weights(Sum of_weights, Sum, const Stage&) { return of_weights; }
  static __device__ __forceinline__ Sum without_value_zero(Sum sum, Sum, const Stage&) { return sum; }
  static __device__ __forceinline__ Element finish(Sum sum, Bias bias, Multiplier, const Stage& k) {
    return activated(k.has_bias ? sum + bias : sum, k.activation);
  }

  static constexpr bool has_matrices = false, joins_taps = false;
  /// Nothing is to be made good for.
  template <int Pixels, int Group> struct Corrections {
    template <class V> __device__ __forceinline__ void see_value(int, const V&, const Stage&) {}
    template <class V> __device__ __forceinline__ void see_weight(int, const V&, const Stage&) {}
    __device__ __forceinline__ Sum applied(Sum sum, int, int, int, int, const Stage&) const { return sum; }
  };
  /// In the order of the channels.
  template <int V>
  static __device__ __forceinline__ Sum multiply_add_packs(pack<Element, V> a, pack<Element, V> b, Sum sum) {
#pragma unroll
    for (int v = 0; v < V; ++v) sum = fmaf(a.d[v], b.d[v], sum);
    return sum;
  }

  /// The larger of what a window gave so far and its next element; a NaN wins, and of equals the first.
  static __device__ __forceinline__ Element larger(Element so_far, Element next) {
    return next > so_far || next != next ? next : so_far;
  }
  static __device__ __forceinline__ Element mean(Sum sum, int count, const Stage& k) {
    return activated(sum / float(count), k.activation);
  }
  static __device__ __forceinline__ Element sum_of(Element a, Element b, const Stage& k) {
    return activated(a + b, k.activation);
  }
  static __device__ __forceinline__ Element moved(Element a, const Stage& k) { return activated(a, k.activation); }
};

__device__ __forceinline__ int clamp_between(long long q, int low, int high) {
  return q < low ? low : q > high ? high : int(q);
}

/// The nearest integer, of two the even one. What is too large becomes the largest int, NaN becomes 0.
__device__ __forceinline__ int nearest(float x) {
#ifdef __CUDA_ARCH__
  // No lane goes another way than its warp.
  return __float2int_rn(x);
#else
  return x >= 2147483648.0f ? 2147483647 : x <= -2147483648.0f ? -2147483647 - 1 : x != x ? 0 : int(rintf(x));
#endif
}
__device__ __forceinline__ int clamp_between(int q, int low, int high) { return min(max(q, low), high); }

// On a GPU a call: as code of its own for each of a thread's results its 64-bit numbers would crowd the registers.
#ifdef FUSELAB_EMULATED
#define FCM_CALLED __forceinline__
#else
#define FCM_CALLED static __noinline__
#endif

/// `value · multiplier · 2^(shift − 31)`, rounded twice: half up at 2⁻³¹, then half away from zero.
__device__ FCM_CALLED long long fixed_point(long long value, int multiplier, int shift) {
  const int left = shift > 0 ? shift : 0, right = shift < 0 ? -shift : 0;
  long long shifted = value * (1ll << left);
  shifted = shifted > 2147483647ll ? 2147483647ll : shifted < -2147483648ll ? -2147483648ll : shifted;
  const long long product = shifted * multiplier;
  const long long high = (product + (product >= 0 ? 1ll << 30 : 1ll - (1ll << 30))) / (1ll << 31);
  const long long mask = (1ll << right) - 1;
  return (high >> right) + ((high & mask) > (mask >> 1) + (high < 0 ? 1 : 0) ? 1 : 0);
}

__device__ __forceinline__ int wrapped_sum(int a, int b) { return int(unsigned(a) + unsigned(b)); }

/// A sum of products of stored values and weights, as one of what they stand for. Wraps on the way, as sums of INT8 may.
__device__ __forceinline__ int without_zeros(
    int sum, int of_values, int of_weights, int value_zero, int weight_zero, int count) {
  return int(
      unsigned(sum) - unsigned(value_zero) * unsigned(of_weights) - unsigned(weight_zero) * unsigned(of_values)
      + unsigned(count) * unsigned(value_zero) * unsigned(weight_zero));
}

struct Words {
  int d[4];
};
/// Bytes `v` of four packs as word `v`.
__device__ __forceinline__ Words transposed(const pack<signed char, 4> (&packs)[4]) {
  const int a = word_of(packs[0], 0), b = word_of(packs[1], 0), c = word_of(packs[2], 0), d = word_of(packs[3], 0);
  const int ab0 = __byte_perm(a, b, 0x5140), ab2 = __byte_perm(a, b, 0x7362);
  const int cd0 = __byte_perm(c, d, 0x5140), cd2 = __byte_perm(c, d, 0x7362);
  Words words;
  words.d[0] = __byte_perm(ab0, cd0, 0x5410), words.d[1] = __byte_perm(ab0, cd0, 0x7632);
  words.d[2] = __byte_perm(ab2, cd2, 0x5410), words.d[3] = __byte_perm(ab2, cd2, 0x7632);
  return words;
}

/// TensorFlow Lite's multiplier and shift of one output channel.
struct FixedPoint {
  int multiplier, shift;
};

template <class M> struct INT8 {
  using Element = signed char;
  using Sum = int;
  using Bias = int;
  using Multiplier = M;

  static __device__ __forceinline__ Element fill(const Stage& k, int input) {
    return Element(input == 0 ? k.q.input_zero : k.q.second_zero);
  }
  static __device__ __forceinline__ Sum value(Element x, const Stage& k) { return int(x) - k.q.value_zero; }
  static __device__ __forceinline__ Sum weight(Element w, int zero) { return int(w) - zero; }
  static __device__ __forceinline__ Sum multiply_add(Sum a, Sum b, Sum sum) { return wrapped_sum(sum, a * b); }

  /// Of weights without a zero point the word with that weight alone: times a word of values it is the product, and none is taken
  /// apart.
  static __device__ __forceinline__ bool takes_words(const Stage& k) { return k.q.weight_zeros < 0 && k.q.weight_zero == 0; }
  template <int V>
  static __device__ __forceinline__ Sum one_weight(pack<Element, V> weights, int v, int zero, const Stage& k) {
    return takes_words(k) ? low_word_of(weights) & int(0xffu << 8 * v) : weight(weights.d[v], zero);
  }
  template <int V>
  static __device__ __forceinline__ Sum multiply_add_one(pack<Element, V> values, Sum weight, int v, Sum sum, const Stage& k) {
    return takes_words(k) ? __dp4a(low_word_of(values), weight, sum) : multiply_add(value(values.d[v], k), weight, sum);
  }
  /// The sum of a channel's weights, as far as one is needed, with those of another word.
  static __device__ __forceinline__ Sum with_weights(Sum of_weights, Sum word, const Stage& k) {
    return takes_words(k) && k.q.value_zero != 0 ? __dp4a(word, 0x01010101, of_weights) : of_weights;
  }
  static __device__ __forceinline__ Sum without_value_zero(Sum sum, Sum of_weights, const Stage& k) {
    return takes_words(k) ? without_zeros(sum, 0, of_weights, k.q.value_zero, 0, 0) : sum;
  }

  static constexpr bool has_matrices = true, joins_taps = true;
  /// Packs are multiplied as they are stored: Σ(x − a)(w − b) = Σxw − aΣw − bΣx + nab.
  template <int Pixels, int Group> struct Corrections {
    int of_values[Pixels] = {}, of_weights[Group] = {};

    template <int V>
    __device__ __forceinline__ void see_value(int p, pack<Element, V> values, const Stage& k) {
      if (k.q.weight_zeros < 0 && k.q.weight_zero == 0) return;
#pragma unroll
      for (int i = 0; i < V / 4; ++i) of_values[p] = __dp4a(word_of(values, i), 0x01010101, of_values[p]);
    }
    template <int V> __device__ __forceinline__ void see_weight(int m, pack<Element, V> weights, const Stage& k) {
      if (k.q.value_zero == 0) return;
#pragma unroll
      for (int i = 0; i < V / 4; ++i) of_weights[m] = __dp4a(word_of(weights, i), 0x01010101, of_weights[m]);
    }
    __device__ __forceinline__ Sum applied(Sum sum, int m, int p, int zero, int count, const Stage& k) const {
      return without_zeros(sum, of_values[p], of_weights[m], k.q.value_zero, zero, count);
    }
  };
  template <int V>
  static __device__ __forceinline__ Sum multiply_add_packs(pack<Element, V> a, pack<Element, V> b, Sum sum) {
#pragma unroll
    for (int i = 0; i < V / 4; ++i) sum = __dp4a(word_of(a, i), word_of(b, i), sum);
    return sum;
  }

  static __device__ __forceinline__ Element scaled(int sum, float multiplier, const Quantized& q) {
    const int zero = q.output_zero;
    return Element(clamp_between(nearest(float(sum) * multiplier), q.low - zero, q.high - zero) + zero);
  }
  static __device__ __forceinline__ Element scaled(int sum, FixedPoint m, const Quantized& q) {
    return Element(clamp_between(fixed_point(sum, m.multiplier, m.shift) + q.output_zero, q.low, q.high));
  }
  static __device__ __forceinline__ Element finish(Sum sum, Bias bias, Multiplier m, const Stage& k) {
    return scaled(k.has_bias ? wrapped_sum(sum, bias) : sum, m, k.q);
  }

  static __device__ __forceinline__ Element larger(Element so_far, Element next) {
    return next > so_far ? next : so_far;
  }

  /// `sum` is of the stored values less the input's zero point.
  static __device__ __forceinline__ Element mean(Sum sum, int count, const Stage& k) {
    const Quantized& q = k.q;
    if (q.how == onnx) {
      // An infinite one would make no number of 0.
      return scaled(sum, fminf(q.first_scale / (float(count) * q.second_scale), 3.402823466e38f), q);
    }
    if (q.how == tflite_pool) {
      const int stored = sum + count * q.input_zero, half = count / 2;
      return Element(clamp_between((stored > 0 ? stored + half : stored - half) / count, q.low, q.high));
    }
    int bits = 0;
    while (bits < 31 && (count >> (bits + 1)) > 0) ++bits;
    bits = bits < 31 + q.first_shift ? bits : 31 + q.first_shift;
    bits = bits > 0 ? bits : 0;
    const int each = int(((long long)(q.first_multiplier) << bits) / count);
    return Element(clamp_between(fixed_point(sum, each, q.first_shift - bits) + q.output_zero, q.low, q.high));
  }

  static __device__ __forceinline__ Element sum_of(Element a, Element b, const Stage& k) {
    const Quantized& q = k.q;
    if (q.how == onnx) {
      const float sum = fmaf(float(a), q.first_scale, fmaf(float(b), q.second_scale, q.offset));
      return Element(clamp_between(nearest(sum), q.low, q.high));
    }
    const long long first =
        fixed_point((long long)(a - q.input_zero) * (1 << 20), q.first_multiplier, q.first_shift);
    const long long second =
        fixed_point((long long)(b - q.second_zero) * (1 << 20), q.second_multiplier, q.second_shift);
    return Element(clamp_between(
        fixed_point(first + second, q.result_multiplier, q.result_shift) + q.output_zero, q.low, q.high));
  }

  static __device__ __forceinline__ Element moved(Element a, const Stage& k) {
    const Quantized& q = k.q;
    if (q.how == clamped) return Element(clamp_between(a, q.low, q.high));
    // Dequantize, activate in float32, quantize.
    const float x = activated(float(int(a) - q.input_zero) * q.first_scale, k.activation);
    return Element(clamp_between(nearest(x / q.second_scale), -128 - q.output_zero, 127 - q.output_zero) + q.output_zero);
  }
};

}  // namespace fcm
