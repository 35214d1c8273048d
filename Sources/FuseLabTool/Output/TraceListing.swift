import Hardware
import MemorySimulation
import Scheduling
import Workload

/// Blocks over the places of the multiprocessors as Chrome's trace events, which Perfetto opens.
///
/// One track a place, so that no events of a track overlap; the kernels follow one another. The time axis is the replay's rounds of
/// turns: Perfetto shows one as a microsecond, which it is not.
struct TraceListing {
  /// The most events: more make the viewer slow.
  static let eventLimit = 1_000_000

  private(set) var events: [String] = []
  private(set) var isCut = false
  private var tracks = 0
  private var start = 0
  private let gpu: GPU

  /// - Parameter kernels: Replayed with their rounds counted.
  init(
    _ kernels: [(kernel: NetworkReplay.Kernel, traffic: KernelTraffic)], on gpu: GPU
  ) throws(CommandFailure) {
    self.gpu = gpu
    events.append(#"{"ph":"M","pid":1,"name":"process_name","args":{"name":\#(try Self.quoted(gpu.name))}}"#)
    for (kernel, traffic) in kernels { try add(kernel, traffic) }
    for place in 0..<tracks {
      let name = "SM \(place % gpu.multiprocessors) place \(place / gpu.multiprocessors)"
      events.append(
        #"{"ph":"M","pid":1,"tid":\#(place),"name":"thread_name","args":{"name":"\#(name)"}}"#)
    }
  }

  private mutating func add(_ kernel: NetworkReplay.Kernel, _ traffic: KernelTraffic) throws(CommandFailure) {
    let schedule = kernel.schedule
    // Names of tracks are events as well.
    let left = Self.eventLimit - events.count - gpu.multiprocessors * gpu.blocksPerMultiprocessor
    if schedule.blocks.count > left { isCut = true }
    guard left > 0 else { return }
    let timeline = BlockTimeline(
      schedule, on: gpu, parameters: SimulationParameters(of: gpu),
      resident: traffic.occupancy.blocksPerMultiprocessor, multiprocessors: kernel.facts.multiprocessors,
      blockLimit: left)
    let layers = schedule.chain.stages.map(\.name).joined(separator: " + ")
    let name = try Self.quoted("\(schedule.kind) \(layers)")
    for span in timeline.spans {
      events.append(
        #"{"ph":"X","pid":1,"tid":\#(span.place),"ts":\#(start + span.rounds.lowerBound),"dur":\#(span.rounds.count),"#
          + #""name":\#(name),"args":{"block":\#(span.block)}}"#)
    }
    tracks = max(tracks, timeline.places)
    var last: L2Round?
    for (round, traffic) in traffic.rounds.prefix(timeline.rounds).enumerated() where traffic != last {
      guard events.count < Self.eventLimit - tracks else {
        isCut = true
        break
      }
      events.append(counter(traffic, at: start + round))
      last = traffic
    }
    start += timeline.rounds
    if events.count < Self.eventLimit - tracks { events.append(counter(L2Round(), at: start)) }
  }

  private func counter(_ traffic: L2Round, at time: Int) -> String {
    #"{"ph":"C","pid":1,"ts":\#(time),"name":"L2 bytes","#
      + #""args":{"read":\#(traffic.read),"written":\#(traffic.written)}}"#
  }

  private static func quoted(_ text: String) throws(CommandFailure) -> String {
    String(try JSONValue.string(String(text.prefix(200))).text().dropLast())
  }

  var text: String {
    #"{"displayTimeUnit":"ms","otherData":{"time_unit":"one round of the replay's turns, shown as 1 us","complete":\#(!isCut)},"#
      + "\"traceEvents\":[\n" + events.joined(separator: ",\n") + "\n]}\n"
  }
}
