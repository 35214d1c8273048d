// Memory as a kernel sees it, in the modes that look at accesses. An index knows the line that it was made on, and an
// element is a reference that reads when it is used as a value: so `auto x = p[i]` is a reference still.
#pragma once

namespace fcm {

template <class T> struct remove_const { using type = T; };
template <class T> struct remove_const<const T> { using type = T; };
template <class T> using value_of = typename remove_const<T>::type;

struct Index {
  int64_t i;
  emu::Place place;
  template <class I>
  __attribute__((always_inline)) Index(I i, const char* file = __builtin_FILE(), int line = __builtin_LINE())
      : i(int64_t(i)), place{file, line} {}
};

/// An element that is read by conversion and written by assignment.
template <class Array, class T> struct Element {
  const Array array;
  const int64_t index;
  const emu::Place place;

  __attribute__((always_inline)) operator T() const { return array.template load<T>(index, place); }
  __attribute__((always_inline)) T operator=(T value) const {
    array.template store<T>(index, value, place);
    return value;
  }
  __attribute__((always_inline)) T operator=(const Element& other) const { return *this = T(other); }
  template <class U> __attribute__((always_inline)) T operator+=(U value) const { return *this = T(T(*this) + value); }
  template <class U> __attribute__((always_inline)) T operator-=(U value) const { return *this = T(T(*this) - value); }
  template <class U> __attribute__((always_inline)) T operator*=(U value) const { return *this = T(T(*this) * value); }
  template <class U> __attribute__((always_inline)) T operator|=(U value) const { return *this = T(T(*this) | value); }
};

/// A tensor. `+` moves where index 0 stands; bounds stay those of the tensor.
template <class T> struct gptr {
  using Value = value_of<T>;
  T* data = nullptr;
  int64_t first = 0;
  uint64_t elements = 0, address = 0;
  emu::Mark* marks = nullptr;
  int tensor = 0;

  template <class I> __attribute__((always_inline)) gptr operator+(I n) const {
    gptr moved = *this;
    moved.first += int64_t(n);
    return moved;
  }
  __attribute__((always_inline)) operator gptr<const T>() const
    requires(!__is_same(T, const Value))
  {
    return {data, first, elements, address, marks, tensor};
  }
  __attribute__((always_inline)) Element<gptr, Value> operator[](Index i) const { return {*this, i.i, i.place}; }

  __attribute__((always_inline)) void note(bool write, bool active, int64_t at, int size, emu::Place place) const {
    if constexpr (emu::records) {
      emu::record(
          emu::step_key(place.line, tensor, false, write, size), active ? uint32_t(at * sizeof(T)) : emu::inactive,
          place);
    }
  }
  /// Whether `count` elements from `at` may be touched by an access of `size` bytes.
  __attribute__((always_inline)) bool allows(int64_t at, int count, int size, emu::Place place) const {
    if (!emu::checks) return true;
    if (__builtin_expect(uint64_t(at) >= elements || uint64_t(count) > elements - uint64_t(at), 0)) {
      emu::found(fuselab_global_out_of_bounds, place, emu::now.tensors[tensor].description->name, at);
      return false;
    }
    if (__builtin_expect((address + at * sizeof(T)) % size != 0, 0)) {
      emu::found(fuselab_misaligned, place, emu::now.tensors[tensor].description->name, at);
    }
    return true;
  }
  template <class V> __attribute__((always_inline)) V load(int64_t i, emu::Place place) const {
    const int64_t at = first + i;
    note(false, true, at, sizeof(T), place);
    if (!allows(at, 1, sizeof(T), place)) return V{};
    if (emu::checks && __builtin_expect(marks != nullptr, 0)) {
      emu::check_marked_read(marks[at], place, emu::now.tensors[tensor].description->name, at);
    }
    return data[at];
  }
  template <class V> __attribute__((always_inline)) void store(int64_t i, V value, emu::Place place) const {
    const int64_t at = first + i;
    note(true, true, at, sizeof(T), place);
    if (!allows(at, 1, sizeof(T), place)) return;
    if (emu::checks && marks != nullptr) emu::mark_write(marks[at], place);
    data[at] = value;
  }
};

/// A window of shared memory.
template <class T> struct shared {
  T* data = nullptr;
  /// Of the window's first word.
  emu::Cell* cells = nullptr;
  emu::Stamp* stamps = nullptr;
  uint32_t plane = 0, elements = 0;
  /// Elements that an access may touch with no further question: none where the window is not aligned to its elements.
  uint32_t limit = 0;
  /// Of the window in the memory that the banks begin with.
  uint32_t offset = 0;
  int window = 0;

  __attribute__((always_inline)) Element<shared, T> operator[](Index i) const { return {*this, i.i, i.place}; }

  __attribute__((always_inline)) void note(bool write, bool active, int64_t at, int size, emu::Place place) const {
    if constexpr (emu::records) {
      emu::record(
          emu::step_key(place.line, window, true, write, size),
          active ? offset + uint32_t(at * sizeof(T)) : emu::inactive, place);
    }
  }
  /// Whether `count` elements from `at` may be touched at once.
  __attribute__((always_inline)) bool allows(int64_t at, int count, emu::Place place) const {
    if (!emu::checks) return true;
    const bool is_inside = uint64_t(at) < limit && uint64_t(count) <= limit - uint64_t(at);
    const bool is_aligned = count == 1 || (offset + at * sizeof(T)) % (count * sizeof(T)) == 0;
    if (__builtin_expect(is_inside && is_aligned, 1)) return true;
    const bool exists = uint64_t(at) < elements && uint64_t(count) <= elements - uint64_t(at);
    emu::found(exists ? fuselab_misaligned : fuselab_shared_out_of_bounds, place, emu::window_name(window), at);
    return false;
  }
  template <bool write> __attribute__((always_inline)) void check(int64_t at, int count, emu::Place place) const {
    if constexpr (emu::checks) {
      emu::check_shared<write>(
          {cells, stamps, plane}, offset % 4 * (sizeof(T) < 4) + uint32_t(at * sizeof(T)), count * int(sizeof(T)), sizeof(T),
          place, window, at);
    }
  }
  template <class V> __attribute__((always_inline)) V load(int64_t i, emu::Place place) const {
    note(false, true, i, sizeof(T), place);
    if (!allows(i, 1, place)) return V{};
    check<false>(i, 1, place);
    return data[i];
  }
  template <class V> __attribute__((always_inline)) void store(int64_t i, V value, emu::Place place) const {
    note(true, true, i, sizeof(T), place);
    if (!allows(i, 1, place)) return;
    check<true>(i, 1, place);
    data[i] = value;
  }
};

/// `count` elements from byte `offset` of the block's dynamic shared memory; those beyond its end are out of bounds.
template <class T> __attribute__((always_inline)) inline shared<T> shared_at(int offset, int count, int window) {
  const int64_t room = (int64_t(emu::now.shared_bytes) - offset) / int64_t(sizeof(T));
  const int64_t fits = offset < 0 || room < 0 || count < 0 ? 0 : room < count ? room : count;
  const uint32_t limit = offset % int(sizeof(T)) == 0 ? uint32_t(fits) : 0;
  return {reinterpret_cast<T*>(emu::now.shared + offset), emu::now.cells + offset / 4, emu::now.stamps + offset / 4,
          emu::now.words, uint32_t(fits), limit, uint32_t(offset), window};
}

/// A static array. There is one on each host thread, which runs one block at a time.
template <class T, int N> struct array {
  static constexpr int words = (N * int(sizeof(T)) + 3) / 4;
  alignas(128) T d[N];
  emu::Cell cells[emu::checks ? emu::cells_of_word * words : 1];
  emu::Stamp stamps[emu::checks ? emu::cells_of_word * words : 1];

  __attribute__((always_inline)) Element<shared<T>, T> operator[](Index i) {
    return {shared<T>{d, cells, stamps, uint32_t(words), uint32_t(N), uint32_t(N), 0, fuselab_static_window}, i.i, i.place};
  }
};

#define FCM_PLACE const char *file = __builtin_FILE(), int line = __builtin_LINE()

template <class T, class U>
__attribute__((always_inline)) inline value_of<T> ld_if(bool active, const gptr<T>& from, int i, U otherwise, FCM_PLACE) {
  if (active) return from.template load<value_of<T>>(i, {file, line});
  from.note(false, false, 0, sizeof(T), {file, line});
  return otherwise;
}
template <class T, class U>
__attribute__((always_inline)) inline T ld_if(bool active, const shared<T>& from, int i, U otherwise, FCM_PLACE) {
  if (active) return from.template load<T>(i, {file, line});
  from.note(false, false, 0, sizeof(T), {file, line});
  return otherwise;
}
template <class T, class U>
__attribute__((always_inline)) inline void st_if(bool active, const gptr<T>& to, int i, U value, FCM_PLACE) {
  if (active) return to.template store<T>(i, value, {file, line});
  to.note(true, false, 0, sizeof(T), {file, line});
}
template <class T, class U>
__attribute__((always_inline)) inline void st_if(bool active, const shared<T>& to, int i, U value, FCM_PLACE) {
  if (active) return to.template store<T>(i, value, {file, line});
  to.note(true, false, 0, sizeof(T), {file, line});
}

template <class T, int N> struct alignas(N * sizeof(T)) pack {
  T d[N];
};
template <int N, class T>
__attribute__((always_inline)) inline pack<T, N> ld_pack(const shared<T>& from, int i, FCM_PLACE) {
  const emu::Place place = {file, line};
  pack<T, N> values = {};
  from.note(false, true, i, N * sizeof(T), place);
  if (!from.allows(i, N, place)) return values;
  from.template check<false>(i, N, place);
  for (int k = 0; k < N; ++k) values.d[k] = from.data[i + k];
  return values;
}
template <int N, class T>
__attribute__((always_inline)) inline pack<value_of<T>, N> ld_pack_if(
    bool active, const gptr<T>& from, int i, FCM_PLACE) {
  const emu::Place place = {file, line};
  const int64_t at = from.first + i;
  pack<value_of<T>, N> values = {};
  from.note(false, active, at, N * sizeof(T), place);
  if (!active || !from.allows(at, N, N * sizeof(T), place)) return values;
  for (int k = 0; k < N; ++k) {
    if (emu::checks && __builtin_expect(from.marks != nullptr, 0)) {
      emu::check_marked_read(from.marks[at + k], place, emu::now.tensors[from.tensor].description->name, at + k);
    }
    values.d[k] = from.data[at + k];
  }
  return values;
}
template <class T, int N>
__attribute__((always_inline)) inline void st_pack_if(
    bool active, const gptr<T>& to, int i, pack<T, N> values, FCM_PLACE) {
  const emu::Place place = {file, line};
  const int64_t at = to.first + i;
  to.note(true, active, at, N * sizeof(T), place);
  if (!active || !to.allows(at, N, N * sizeof(T), place)) return;
  for (int k = 0; k < N; ++k) {
    if (emu::checks && to.marks != nullptr) emu::mark_write(to.marks[at + k], place);
    to.data[at + k] = values.d[k];
  }
}
template <class T, int N>
__attribute__((always_inline)) inline void st_pack_if(
    bool active, const shared<T>& to, int i, pack<T, N> values, FCM_PLACE) {
  const emu::Place place = {file, line};
  to.note(true, active, i, N * sizeof(T), place);
  if (!active || !to.allows(i, N, place)) return;
  to.template check<true>(i, N, place);
  for (int k = 0; k < N; ++k) to.data[i + k] = values.d[k];
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
__attribute__((always_inline)) inline int ld_word(const shared<signed char>& from, int i, FCM_PLACE) {
  return word_of(ld_pack<4>(from, i, file, line), 0);
}

/// One read request and one write request, whichever lanes are active and inside. Returns whether anything was written.
template <class T, class P, class U>
__attribute__((always_inline)) inline bool copied_if(
    bool active, bool inside, const shared<T>& to, int j, const gptr<P>& from, int i, int width, U fill,
    emu::Place place) {
  const int size = width * int(sizeof(T));
  const int64_t at = from.first + i;
  from.note(false, active && inside, at, size, place);
  to.note(true, active, j, size, place);
  if (!active || !to.allows(j, width, place)) return false;
  const bool is_read = inside && from.allows(at, width, size, place);
  to.template check<true>(j, width, place);
  for (int k = 0; k < width; ++k) to.data[j + k] = is_read ? from.data[at + k] : inside ? T{} : T(fill);
  return true;
}

template <class T, class P, class U>
__attribute__((always_inline)) inline void copy_if(
    bool active, bool inside, const shared<T>& to, int j, const gptr<P>& from, int i, int width, U fill, FCM_PLACE) {
  copied_if(active, inside, to, j, from, i, width, fill, {file, line});
}

/// What is copied is there at once, but is held to be on its way until the thread waits.
template <class T, class P, class U>
__attribute__((always_inline)) inline void copy_async_if(
    bool active, bool inside, const shared<T>& to, int j, const gptr<P>& from, int i, int width, U fill, FCM_PLACE) {
  const bool is_written = copied_if(active, inside, to, j, from, i, width, fill, {file, line});
  const uint32_t size = uint32_t(width) * sizeof(T);
  if (emu::checks && is_written && inside && size >= 4) {
    emu::now.worker->threads[emu::now.worker->running].copies.add(
        {{to.cells, to.stamps, to.plane}, to.offset % 4 + uint32_t(j * sizeof(T)), size});
  }
}
inline void wait_for_copies() {
  if (emu::checks) emu::now.worker->threads[emu::now.worker->running].copies.finish(emu::now.warp_met);
}

}  // namespace fcm

template <class Array, class T> __attribute__((always_inline)) inline T __ldg(const fcm::Element<Array, T>& e) { return e; }
template <class T>
__attribute__((always_inline)) inline fcm::value_of<T> __ldg(const fcm::gptr<T>& p, FCM_PLACE) {
  return p.template load<fcm::value_of<T>>(0, {file, line});
}

namespace emu {

/// Tensor `index` of the launch that the running thread belongs to.
template <class T> inline fcm::gptr<T> tensor(int index) {
  const Tensor& t = now.tensors[index];
  const fuselab_tensor& d = *t.description;
  return {static_cast<T*>(d.data), 0, uint64_t(d.elements) * d.element_bytes / sizeof(T), d.address,
          sizeof(T) == size_t(d.element_bytes) ? t.marks : nullptr, index};
}

}  // namespace emu
