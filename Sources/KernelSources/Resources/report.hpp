// A launch from its description to its report.
#pragma once

namespace emu {

/// The finding of an output element by its first and last writers.
inline fuselab_finding output_finding(const Launch& l, int kind, const char* name, int64_t index, Mark mark) {
  const int32_t *grid = l.description->grid, *size = l.description->block;
  fuselab_finding f = {};
  f.kind = kind;
  f.file = "";
  f.array = name;
  f.index = index;
  f.count = 1;
  f.line = int32_t(mark.last & 0x3fffff);
  f.other_line = int32_t(mark.first & 0x3fffff);
  const auto place = [&](uint64_t writer, int32_t* block, int32_t* thread) {
    int64_t b = int64_t(writer >> 32) - 1;
    int t = int(writer >> 22 & 0x3ff);
    for (int axis = 0; axis < 3; ++axis) {
      block[axis] = writer == 0 ? -1 : int32_t(b % grid[axis]);
      thread[axis] = writer == 0 ? -1 : t % size[axis];
      b /= grid[axis];
      t /= size[axis];
    }
  };
  place(mark.last, f.block, f.thread);
  place(mark.first, f.other_block, f.other_thread);
  return f;
}

/// Output elements that no block or several blocks have written, as if found after the last block.
inline void check_outputs(const Launch& l, Findings& findings) {
  for (int t = 0; t < l.tensor_count; ++t) {
    if (l.tensors[t].marks == nullptr) continue;
    const fuselab_tensor& d = *l.tensors[t].description;
    for (int64_t i = 0; i < d.elements; ++i) {
      const Mark mark = l.tensors[t].marks[i];
      if (mark.first == 0) findings.add(l.blocks, output_finding(l, fuselab_never_written, d.name, i, mark));
      if (mark.first >> 32 != mark.last >> 32) {
        findings.add(l.blocks, output_finding(l, fuselab_written_twice, d.name, i, mark));
      }
    }
  }
}

inline void add(fuselab_site& to, const fuselab_site& from) {
  to.instructions += from.instructions;
  to.requests += from.requests;
  to.sectors += from.sectors;
  to.lines += from.lines;
  to.bytes += from.bytes;
  to.wavefronts += from.wavefronts;
  to.conflicts += from.conflicts;
}

inline void add_to_totals(fuselab_report& report, const fuselab_site& s) {
  if (s.is_shared) {
    fuselab_shared_counts& c = (s.is_write ? report.shared_writes : report.shared_reads)[s.array];
    c.instructions += s.instructions;
    c.requests += s.requests;
    c.wavefronts += s.wavefronts;
    c.conflicts += s.conflicts;
  } else {
    fuselab_global_counts& c = (s.is_write ? report.writes : report.reads)[s.array];
    c.instructions += s.instructions;
    c.requests += s.requests;
    c.sectors += s.sectors;
    c.lines += s.lines;
    c.bytes += s.bytes;
  }
}

/// By file, line, array, then reads before writes.
inline int compare(const fuselab_site& a, const fuselab_site& b) {
  if (const int file = strcmp(a.file, b.file)) return file;
  if (a.line != b.line) return a.line - b.line;
  if (a.is_shared != b.is_shared) return a.is_shared - b.is_shared;
  if (a.array != b.array) return a.array - b.array;
  return a.is_write - b.is_write;
}

/// Adds one host thread's site to the sorted ones of the launch. Sites beyond the capacity are left out.
inline void add_site(const fuselab_launch& l, fuselab_report& report, const fuselab_site& site) {
  int low = 0, high = report.site_count;
  while (low < high) {
    const int middle = (low + high) / 2;
    if (compare(l.sites[middle], site) < 0) low = middle + 1;
    else high = middle;
  }
  if (low < report.site_count && compare(l.sites[low], site) == 0) return add(l.sites[low], site);
  if (low == l.site_capacity) return;
  if (report.site_count < l.site_capacity) ++report.site_count;
  for (int i = report.site_count - 1; i > low; --i) l.sites[i] = l.sites[i - 1];
  l.sites[low] = site;
}

inline void refuse(fuselab_report& report, int64_t index, const char* what) {
  report.finding_count = report.findings_kept = 1;
  report.findings[0].kind = fuselab_bad_launch;
  report.findings[0].file = "";
  report.findings[0].array = what;
  report.findings[0].index = index;
  report.findings[0].count = 1;
}

inline bool is_acceptable(const fuselab_launch& l, int tensor_count, fuselab_report& report) {
  int64_t threads = 1, blocks = 1;
  for (int axis = 0; axis < 3; ++axis) {
    if (l.block[axis] < 1 || l.block[axis] > maximum_threads) return refuse(report, l.block[axis], "threads"), false;
    if (l.grid[axis] < 1) return refuse(report, l.grid[axis], "blocks"), false;
    threads *= l.block[axis];
    blocks *= l.grid[axis];
    if (blocks > 0x7fffffff) return refuse(report, blocks, "blocks"), false;
  }
  if (threads > maximum_threads) return refuse(report, threads, "threads"), false;
  if (tensor_count < 0 || tensor_count > fuselab_maximum_tensors) return refuse(report, tensor_count, "tensors"), false;
  if (l.shared_bytes < 0 || l.shared_bytes > 1 << 24) return refuse(report, l.shared_bytes, "shared memory"), false;
  return true;
}

/// Runs the workers, the first of them on the calling thread.
inline void run_workers(Worker** list, int count) {
  pthread_t others[256];
  bool is_started[256];
  for (int i = 1; i < count; ++i) is_started[i] = pthread_create(&others[i], nullptr, run_blocks, list[i]) == 0;
  run_blocks(list[0]);
  for (int i = 1; i < count; ++i) {
    if (is_started[i]) pthread_join(others[i], nullptr);
  }
}

inline void collect(const fuselab_launch& l, Worker** list, int count, Findings& findings, fuselab_report& report) {
  for (int i = 0; i < count; ++i) {
    Worker& w = *list[i];
    findings.merge(w.findings);
    report.barriers += w.barriers;
    report.warp_syncs += w.warp_syncs;
    report.switches += w.switches;
    if constexpr (!records) continue;
    for (int s = 0; s < w.recorder->totals.count; ++s) {
      const fuselab_site& site = w.recorder->totals.list[s].totals;
      add_to_totals(report, site);
      if (l.sites != nullptr) add_site(l, report, site);
    }
  }
}

inline void run(Launch& launch, fuselab_report& report) {
  const fuselab_launch& l = *launch.description;
  int wanted = l.host_threads < 1 ? 1 : l.host_threads > 256 ? 256 : l.host_threads;
  if (wanted > launch.blocks) wanted = int(launch.blocks);
  Worker* list[256];
  int count = 0;
  while (count < wanted) {
    Worker* const worker = workers.take();
    if (worker == nullptr) break;
    if (!worker->reserve(launch)) {
      workers.give_back(worker);
      break;
    }
    list[count++] = worker;
  }
  if (count == 0) return refuse(report, l.shared_bytes, "memory of this machine");
  run_workers(list, count);
  Findings* const findings = static_cast<Findings*>(calloc(1, sizeof(Findings)));
  collect(l, list, count, *findings, report);
  if constexpr (checks) check_outputs(launch, *findings);
  report.finding_count = findings->count;
  report.findings_kept = findings->kept;
  for (int i = 0; i < findings->kept; ++i) report.findings[i] = findings->list[i].finding;
  free(findings);
  for (int i = 0; i < count; ++i) workers.give_back(list[i]);
}

/// Runs `body` once for each CUDA thread of each block.
template <class Body>
void launch(
    const fuselab_launch& description, const fuselab_tensor* tensors, int count, fuselab_report* report, Body body) {
  memset(report, 0, sizeof *report);
  if (!is_acceptable(description, count, *report)) return;
  Tensor list[fuselab_maximum_tensors] = {};
  for (int i = 0; i < count; ++i) {
    list[i].description = &tensors[i];
    if (checks && tensors[i].is_output && tensors[i].elements > 0) {
      list[i].marks = static_cast<Mark*>(calloc(size_t(tensors[i].elements), sizeof(Mark)));
    }
  }
  const int32_t *grid = description.grid, *block = description.block;
  Launch launch = {&description, list, count, [](void* context) { (*static_cast<Body*>(context))(); }, &body,
                   int64_t(grid[0]) * grid[1] * grid[2], 0, block[0] * block[1] * block[2]};
  {
    [[maybe_unused]] const FaultHandlers handlers;
    run(launch, *report);
  }
  for (int i = 0; i < count; ++i) free(list[i].marks);
}

}  // namespace emu
