// What a program and the emulator of CUDA kernels tell each other: plain C, so that Swift sees it, and so that a kernel
// compiled at run time can be called through it.
#pragma once
#include <stdint.h>

enum {
  fuselab_maximum_tensors = 32,
  /// Windows of the dynamic shared memory by number; all static arrays together count as the last one.
  fuselab_maximum_windows = 32,
  fuselab_static_window = 31,
  fuselab_maximum_findings = 64,
};

/// A tensor in global memory. `address` is its byte address on the device: sectors and alignment go by it.
typedef struct {
  const char *name;
  void *data;
  int64_t elements;
  int32_t element_bytes;
  uint64_t address;
  int32_t is_output;
} fuselab_tensor;

/// Totals of one source line's accesses to one array in one direction. `sectors`, `lines` and `bytes` are those of a
/// tensor, `wavefronts` and `conflicts` those of a shared window; the others stay zero.
typedef struct {
  const char *file;
  int32_t line;
  int32_t is_shared, is_write, array;
  int64_t instructions, requests, sectors, lines, bytes, wavefronts, conflicts;
} fuselab_site;

/// `host_threads` never changes a result or a report. `sites` may be null.
typedef struct {
  int32_t grid[3], block[3];
  int32_t shared_bytes;
  int32_t host_threads;
  const char *const *window_names;
  int32_t window_count;
  fuselab_site *sites;
  int32_t site_capacity;
} fuselab_launch;

/// Warp instructions, those with an active lane, and what these touch: distinct sectors of 32 bytes, distinct lines of
/// 128, distinct bytes of each request.
typedef struct {
  int64_t instructions, requests, sectors, lines, bytes;
} fuselab_global_counts;

/// Warp instructions, those with an active lane, passes over the banks, and passes beyond one a phase.
typedef struct {
  int64_t instructions, requests, wavefronts, conflicts;
} fuselab_shared_counts;

enum {
  /// The launch itself: `index` is the number of threads, tensors or bytes that cannot be.
  fuselab_bad_launch = 1,
  fuselab_global_out_of_bounds,
  fuselab_shared_out_of_bounds,
  /// An address that is no multiple of the bytes accessed there.
  fuselab_misaligned,
  /// Two threads, one element, no barrier between: the later access is the finding's, the earlier is the other.
  fuselab_write_after_write,
  fuselab_write_after_read,
  fuselab_read_after_write,
  fuselab_uninitialised_shared,
  /// A thread waits at a barrier and another has ended (other_line 0) or waits at another one.
  fuselab_divergent_barrier,
  /// The same among the lanes that a warp-level operation names.
  fuselab_divergent_warp,
  /// An output element that two blocks write: the first and the last of those blocks.
  fuselab_written_twice,
  /// `index` is the first such element, `count` how many.
  fuselab_never_written,
  fuselab_uninitialised_output,
  /// Lanes of a warp take different ways between two meetings, so their accesses form no common requests.
  fuselab_lane_disagreement,
  fuselab_stack_overflow,
  /// An element of shared memory touched while an asynchronous copy to it is on its way, or a thread that ends without
  /// having waited for its copies (`index` is how many).
  fuselab_copy_not_awaited,
  /// What the processor refused to do: `index` is the signal.
  fuselab_fault,
};

/// A defect, once for each pair of source lines, array and kind: where it showed first, and how often.
typedef struct {
  int32_t kind;
  const char *file;
  int32_t line;
  int32_t block[3], thread[3];
  const char *array;
  int64_t index;
  int32_t other_line;
  int32_t other_block[3], other_thread[3];
  int64_t count;
} fuselab_finding;

typedef struct {
  fuselab_global_counts reads[fuselab_maximum_tensors], writes[fuselab_maximum_tensors];
  fuselab_shared_counts shared_reads[fuselab_maximum_windows], shared_writes[fuselab_maximum_windows];
  /// Barriers that blocks met, warp-level operations, and switches from one thread to another.
  int64_t barriers, warp_syncs, switches;
  /// Lines in the launch's `sites`; those beyond its capacity are only in the totals above.
  int32_t site_count;
  int64_t finding_count;
  int32_t findings_kept;
  fuselab_finding findings[fuselab_maximum_findings];
} fuselab_report;
