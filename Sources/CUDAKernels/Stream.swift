import CCUDADynamic

/// A stream of a GPU's work, and two events that time it.
final class Stream {
  private let device: CUDADevice
  private let handle: fuselab_handle?
  private let start, end: Event

  init(on device: CUDADevice) throws(CUDAError) {
    start = try Event(on: device)
    end = try Event(on: device)
    var handle: fuselab_handle?
    // 1: it does not wait for the default stream.
    try device.check(device.driver.create_stream(&handle, 1), "cuStreamCreate")
    self.device = device
    self.handle = handle
  }

  deinit { _ = device.driver.destroy_stream(handle) }

  func synchronise() throws(CUDAError) {
    try device.check(device.driver.synchronise_stream(handle), "cuStreamSynchronize")
  }

  /// What `launches` puts on the stream, as a graph.
  func capture(_ launches: (fuselab_handle?) throws(CUDAError) -> Void) throws(CUDAError) -> Graph {
    // 2: relaxed, other calls are allowed meanwhile.
    try device.check(device.driver.begin_capture(handle, 2), "cuStreamBeginCapture")
    var failure: CUDAError?
    do throws(CUDAError) { try launches(handle) } catch { failure = error }
    var graph: fuselab_handle?
    let status = device.driver.end_capture(handle, &graph)
    defer { if graph != nil { _ = device.driver.destroy_graph(graph) } }
    if let failure { throw failure }
    try device.check(status, "cuStreamEndCapture")
    return try Graph(graph, on: device)
  }

  func replay(_ graph: Graph) throws(CUDAError) {
    try device.check(device.driver.launch_graph(graph.executable, handle), "cuGraphLaunch")
  }

  /// Between two events around `work`.
  func milliseconds(of work: () throws(CUDAError) -> Void) throws(CUDAError) -> Float {
    try device.check(device.driver.record_event(start.handle, handle), "cuEventRecord")
    try work()
    try device.check(device.driver.record_event(end.handle, handle), "cuEventRecord")
    try device.check(device.driver.synchronise_event(end.handle), "cuEventSynchronize")
    var time: Float = 0
    try device.check(device.driver.elapsed_time(&time, start.handle, end.handle), "cuEventElapsedTime")
    return time
  }
}

/// Launches that replay as one.
final class Graph {
  private let device: CUDADevice
  let executable: fuselab_handle?

  init(_ graph: fuselab_handle?, on device: CUDADevice) throws(CUDAError) {
    var executable: fuselab_handle?
    try device.check(device.driver.instantiate_graph(&executable, graph, 0), "cuGraphInstantiate")
    self.device = device
    self.executable = executable
  }

  deinit { _ = device.driver.destroy_executable(executable) }
}

private final class Event {
  private let device: CUDADevice
  let handle: fuselab_handle?

  init(on device: CUDADevice) throws(CUDAError) {
    var handle: fuselab_handle?
    try device.check(device.driver.create_event(&handle, 0), "cuEventCreate")
    self.device = device
    self.handle = handle
  }

  deinit { _ = device.driver.destroy_event(handle) }
}
