// How the lanes of a warp meet.
#pragma once

namespace emu {

/// Lanes of the running warp that exist.
inline uint32_t own_lanes() {
  const int left = now.worker->launch->threads - now.my_warp * warp_lanes;
  return left >= warp_lanes ? ~0u : (1u << left) - 1;
}

inline uint64_t meet(WarpOperation operation, uint32_t mask, uint64_t value, int source, Place place) {
  Thread& thread = now.worker->threads[now.worker->running];
  thread.operation = operation;
  thread.mask = (mask & own_lanes()) | 1u << (now.me % warp_lanes);
  thread.value = value;
  thread.source = source;
  wait(State::at_warp, place);
  return thread.value;
}

template <class T> inline T shuffle(uint32_t mask, T value, int source, Place place) {
  static_assert(sizeof(T) <= 8);
  uint64_t bits = 0;
  memcpy(&bits, &value, sizeof value);
  bits = meet(WarpOperation::shuffle, mask, bits, source, place);
  memcpy(&value, &bits, sizeof value);
  return value;
}

/// Adds the lane's part of the product of its warp's matrices to `d`. Lanes that do not come have what they last gave.
inline void multiply_matrix(int* d, Fragments fragments, Place place) {
  Thread& thread = now.worker->threads[now.worker->running];
  thread.fragments = fragments;
  meet(WarpOperation::matrix, ~0u, 0, 0, place);
  for (int i = 0; i < 4; ++i) d[i] = int(unsigned(d[i]) + unsigned(thread.product[i]));
}

}  // namespace emu
