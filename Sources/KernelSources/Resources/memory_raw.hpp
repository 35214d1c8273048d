// Memory as a kernel sees it when nothing is checked or recorded: plain pointers.
#pragma once

namespace fcm {

template <class T> struct remove_const { using type = T; };
template <class T> struct remove_const<const T> { using type = T; };
template <class T> using value_of = typename remove_const<T>::type;

template <class T> using gptr = T*;

template <class T> struct shared {
  T* p;
  __attribute__((always_inline)) T& operator[](int i) const { return p[i]; }
};

template <class T, int N> struct array {
  alignas(128) T d[N];
  __attribute__((always_inline)) T& operator[](int i) { return d[i]; }
};

template <class T> __attribute__((always_inline)) inline shared<T> shared_at(int offset, int, int) {
  return {reinterpret_cast<T*>(emu::now.shared + offset)};
}

template <class T, class U>
__attribute__((always_inline)) inline value_of<T> ld_if(bool active, T* from, int i, U otherwise) {
  return active ? from[i] : value_of<T>(otherwise);
}
template <class T, class U>
__attribute__((always_inline)) inline T ld_if(bool active, shared<T> from, int i, U otherwise) {
  return active ? from.p[i] : T(otherwise);
}
template <class T, class U> __attribute__((always_inline)) inline void st_if(bool active, T* to, int i, U value) {
  if (active) to[i] = value;
}
template <class T, class U>
__attribute__((always_inline)) inline void st_if(bool active, shared<T> to, int i, U value) {
  if (active) to.p[i] = value;
}

template <class T, int N> struct alignas(N * sizeof(T)) pack {
  T d[N];
};
template <int N, class T> __attribute__((always_inline)) inline pack<T, N> ld_pack(shared<T> from, int i) {
  pack<T, N> values;
  memcpy(values.d, from.p + i, sizeof values);
  return values;
}
template <int N, class T>
__attribute__((always_inline)) inline pack<value_of<T>, N> ld_pack_if(bool active, T* from, int i) {
  pack<value_of<T>, N> values = {};
  if (active) memcpy(values.d, from + i, sizeof values);
  return values;
}
template <class T, int N>
__attribute__((always_inline)) inline void st_pack_if(bool active, T* to, int i, pack<T, N> values) {
  if (active) memcpy(to + i, values.d, sizeof values);
}
template <class T, int N>
__attribute__((always_inline)) inline void st_pack_if(bool active, shared<T> to, int i, pack<T, N> values) {
  if (active) memcpy(to.p + i, values.d, sizeof values);
}
__attribute__((always_inline)) inline int ld_word(shared<signed char> from, int i) {
  int word;
  memcpy(&word, from.p + i, 4);
  return word;
}
template <int N> __attribute__((always_inline)) inline int word_of(const pack<signed char, N>& bytes, int i) {
  int word;
  memcpy(&word, bytes.d + 4 * i, 4);
  return word;
}
template <int N> __attribute__((always_inline)) inline int low_word_of(const pack<signed char, N>& bytes) {
  int word = 0;
  memcpy(&word, bytes.d, N < 4 ? N : 4);
  return word;
}
inline void multiply_matrix(
    int* d, int a0, int a1, int a2, int a3, int b0, int b1, const char* file = __builtin_FILE(),
    int line = __builtin_LINE()) {
  emu::multiply_matrix(d, {a0, a1, a2, a3, b0, b1}, {file, line});
}

template <class T, class P, class U>
__attribute__((always_inline)) inline void copy_if(
    bool active, bool inside, shared<T> to, int j, P* from, int i, int width, U fill) {
  if (!active) return;
  if (!inside) {
    for (int k = 0; k < width; ++k) to.p[j + k] = T(fill);
    return;
  }
  // Copies of known length become single moves.
  switch (width * int(sizeof(T))) {
    case 16: memcpy(to.p + j, from + i, 16); break;
    case 4: memcpy(to.p + j, from + i, 4); break;
    default: memcpy(to.p + j, from + i, size_t(width) * sizeof(T));
  }
}

template <class T, class P, class U>
__attribute__((always_inline)) inline void copy_async_if(
    bool active, bool inside, shared<T> to, int j, P* from, int i, int width, U fill) {
  copy_if(active, inside, to, j, from, i, width, fill);
}
inline void wait_for_copies() {}

}  // namespace fcm

template <class T> __attribute__((always_inline)) inline T __ldg(const T* p) { return *p; }

namespace emu {

template <class T> inline T* tensor(int index) { return static_cast<T*>(now.tensors[index].description->data); }

}  // namespace emu
