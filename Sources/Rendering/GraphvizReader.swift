import CGraphviz

/// Reads DOT text as `agmemread` does, but numbers what it reads in the order of the text. libgvc's own numbers are
/// the addresses of the names, and clusters are laid out in the order of their numbers: the same text would be
/// drawn differently from run to run.
///
/// Not safe from several threads: `GraphvizLayout` holds its lock around every call.
enum GraphvizReader {
  /// The graph of `dot`; nil where libgvc finds none, after it has said why.
  static func graph(of dot: String) -> UnsafeMutablePointer<Agraph_t>? {
    count = 0
    return Array(dot.utf8).withUnsafeBufferPointer { bytes in
      var rest = bytes[...]
      return withUnsafeMutablePointer(to: &rest) { agread($0, discipline) }
    }
  }

  private typealias Text = Slice<UnsafeBufferPointer<UInt8>>

  /// How many objects have a number so far.
  nonisolated(unsafe) private static var count: IDTYPE = 0

  /// For the life of the process, since graphs point to it.
  nonisolated(unsafe) private static let discipline = {
    let discipline = UnsafeMutablePointer<Agdisc_t>.allocate(capacity: 1)
    discipline.initialize(to: Agdisc_t())
    discipline.pointee.id = kept(numbering)
    discipline.pointee.io = kept(reading)
    return discipline
  }()

  private static func kept<Value>(_ value: Value) -> UnsafeMutablePointer<Value> {
    let pointer = UnsafeMutablePointer<Value>.allocate(capacity: 1)
    pointer.initialize(to: value)
    return pointer
  }

  /// Gives the next number to what has no name, and none to a name: then libgvc keeps names in a table of its own,
  /// with the next number.
  private static var numbering: Agiddisc_t {
    var numbering = Agiddisc_t()
    numbering.open = { _, _ in nil }
    numbering.map = { _, _, name, number, creates in
      guard name == nil, creates != 0, let number else { return 0 }
      GraphvizReader.count += 1
      number.pointee = GraphvizReader.count
      return 1
    }
    numbering.alloc = { _, _, _ in 0 }
    numbering.free = { _, _, _ in }
    numbering.print = { _, _, _ in nil }
    numbering.close = { _ in }
    numbering.idregister = { _, _, _ in }
    return numbering
  }

  /// Reads a line, or as much of it as there is room for, from the `Text` that the channel points to.
  private static var reading: Agiodisc_t {
    var reading = Agiodisc_t()
    reading.afread = { channel, buffer, room in
      guard let channel, let buffer, room > 0 else { return 0 }
      let text = channel.assumingMemoryBound(to: Text.self)
      let most = text.pointee.prefix(Int(room))
      let line = most.firstIndex(of: UInt8(ascii: "\n")).map { most[...$0] } ?? most
      UnsafeMutableRawBufferPointer(start: buffer, count: Int(room)).copyBytes(from: line)
      text.pointee = text.pointee[line.endIndex...]
      return Int32(line.count)
    }
    reading.putstr = { _, _ in 0 }
    reading.flush = { _ in 0 }
    return reading
  }
}
