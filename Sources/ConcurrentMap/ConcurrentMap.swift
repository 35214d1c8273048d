import Dispatch
import Synchronization

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
  // A worker that is done takes the next index that no one has, for costs may differ by orders of magnitude. Each element
  // is written by exactly one worker.
  let next = Atomic(0)
  nonisolated(unsafe) let slots = results
  DispatchQueue.concurrentPerform(iterations: min(threads, count)) { _ in
    while true {
      let index = next.wrappingAdd(1, ordering: .relaxed).oldValue
      guard index < count else { break }
      slots[index] = body(index)
    }
  }
  return results.map { result in
    guard let result else { preconditionFailure("an index was not computed") }
    return result
  }
}
