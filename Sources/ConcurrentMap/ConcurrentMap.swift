import Dispatch

/// `count` results of `body`, in index order, computed by at most `threads` threads.
///
/// The result never depends on `threads`: each index is computed alone, and results are put together
/// by index. `body` must not share mutable state.
package func concurrentMap<Result: Sendable>(
  count: Int, threads: Int, _ body: @Sendable (Int) -> Result
) -> [Result] {
  precondition(count >= 0 && threads >= 1)
  guard threads > 1, count > 1 else { return (0..<count).map(body) }
  let results = UnsafeMutableBufferPointer<Result?>.allocate(capacity: count)
  results.initialize(repeating: nil)
  defer {
    results.deinitialize()
    results.deallocate()
  }
  // Each worker takes every `workers`-th index, so neighbouring indices, which tend to cost the same, are
  // spread evenly. Each element is written by exactly one worker.
  let workers = min(threads, count)
  nonisolated(unsafe) let slots = results
  DispatchQueue.concurrentPerform(iterations: workers) { worker in
    for index in stride(from: worker, to: count, by: workers) { slots[index] = body(index) }
  }
  return results.map { result in
    guard let result else { preconditionFailure("an index was not computed") }
    return result
  }
}
