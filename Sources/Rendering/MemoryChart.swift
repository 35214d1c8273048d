import Hardware
import MemorySimulation
import Workload

/// What kernels move between the levels of the memory, as a picture in the order of Nsight Compute's memory chart: kernel, L1
/// and shared memory, L2, device memory. Arrows are as wide as the bytes they carry, on one scale for all panels.
public struct MemoryChart: Sendable {
  /// A way between two levels, in bytes.
  public struct Flow: Hashable, Sendable {
    public let down, up: Int
  }

  /// The kernels of one way to compute something.
  public struct Panel: Sendable {
    let title: String
    let kernels: Int
    /// Kernel and L1, L1 and L2, L2 and device memory: stores go down, loads come up.
    public let flows: [Flow]
    let l1, l2: (hits: Int, of: Int)
    let sharedWavefronts: Int

    public init(_ title: String, _ traffic: [KernelTraffic]) {
      self.title = title
      kernels = traffic.count
      let (loads, stores) = (traffic.map(\.loads), traffic.map(\.stores))
      func sum(_ all: [OperandTraffic], _ value: (OperandTraffic) -> Sectors) -> Int {
        all.reduce(0) { $0 + value($1).count }
      }
      flows = [
        Flow(down: sum(stores) { $0.sectors } * 32, up: sum(loads) { $0.sectors } * 32),
        Flow(down: sum(stores) { $0.l2Writes } * 32, up: sum(loads) { $0.l1Misses } * 32),
        Flow(
          down: traffic.reduce(0) { $0 + $1.dramWritten.count },
          up: traffic.reduce(0) { $0 + $1.dramRead.count }),
      ]
      l1 = (sum(loads) { $0.l1Hits }, sum(loads) { $0.sectors })
      l2 = (
        sum(loads) { $0.l2ReadHits } + sum(stores) { $0.l2WriteHits },
        sum(loads) { $0.l1Misses } + sum(stores) { $0.l2Writes }
      )
      sharedWavefronts = traffic.reduce(0) { $0 + $1.shared.wavefronts }
    }
  }

  private let title: String
  public let panels: [Panel]

  public init(_ title: String, panels: [Panel]) {
    self.title = title
    self.panels = panels
  }

  private static let panelWidth = 470
  private static let levelHeight = 130
  private static let boxHeight = 46
  private static let top = 56
  private static let widest = 56

  /// Bytes of the widest arrow.
  private var most: Int { max(1, panels.flatMap(\.flows).map { max($0.down, $0.up) }.max() ?? 1) }

  /// The picture, with a line feed at its end.
  public var svg: String {
    let width = panels.count * Self.panelWidth
    let height = Self.top + 3 * Self.levelHeight + Self.boxHeight + 40
    var lines = [
      "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"\(width)\" height=\"\(height)\" "
        + "viewBox=\"0 0 \(width) \(height)\" font-family=\"sans-serif\" font-size=\"12\">",
      "<title>\(Self.escaped(title))</title>",
      "<polygon fill=\"white\" points=\"0,0 \(width),0 \(width),\(height) 0,\(height)\"/>",
    ]
    for (index, panel) in panels.enumerated() { lines += draw(panel, at: index * Self.panelWidth) }
    lines.append(
      Self.text(
        "arrows: bytes, \(most.grouped) B the widest", x: 12, y: height - 12, anchor: "start", size: 11))
    return (lines + ["</svg>"]).joined(separator: "\n") + "\n"
  }

  private func draw(_ panel: Panel, at left: Int) -> [String] {
    let count = panel.kernels == 1 ? "1 kernel" : "\(panel.kernels) kernels"
    var lines = [Self.text(panel.title, x: left + 12, y: 28, anchor: "start", size: 14)]
    let boxes = [
      count, "L1/TEX, \(Self.share(panel.l1)) hit", "L2, \(Self.share(panel.l2)) hit", "device memory",
    ]
    for (level, words) in boxes.enumerated() {
      let y = Self.top + level * Self.levelHeight
      lines += Self.box(words, x: left + 12, y: y, width: 320, fill: level == 0 ? "#e8e8e8" : "#d6e6f5")
      guard level < panel.flows.count else { continue }
      let flow = panel.flows[level]
      let (first, last) = (y + Self.boxHeight, y + Self.levelHeight)
      lines += arrow(flow.up, x: left + 52, from: last, to: first, fill: "#3a7d44", "loads")
      lines += arrow(flow.down, x: left + 208, from: first, to: last, fill: "#b5651d", "stores")
    }
    lines += Self.box("shared memory", x: left + 346, y: Self.top, width: 112, fill: "#f5ecd6")
    lines.append(
      Self.text(
        "\(panel.sharedWavefronts.grouped) wavefronts", x: left + 402, y: Self.top + Self.boxHeight + 16,
        anchor: "middle", size: 11))
    return lines
  }

  /// Its width is the bytes' share of the widest, at least one pixel; nothing where there are none.
  private func arrow(_ bytes: Int, x: Int, from: Int, to: Int, fill: String, _ what: String) -> [String] {
    guard bytes > 0 else { return [] }
    let width = max(1, Int((Double(bytes) / Double(most) * Double(Self.widest)).rounded()))
    let head = to > from ? to - 10 : to + 10
    let (near, far) = (x - width / 2, x - width / 2 + width)
    return [
      "<polygon class=\"\(what)\" fill=\"\(fill)\" points=\"\(near),\(from) \(far),\(from) \(far),\(head) "
        + "\(far + 5),\(head) \(x),\(to) \(near - 5),\(head) \(near),\(head)\"/>",
      Self.text(what, x: x + 38, y: (from + to) / 2 - 4, anchor: "start", size: 11),
      Self.text("\(bytes.grouped) B", x: x + 38, y: (from + to) / 2 + 11, anchor: "start", size: 11),
    ]
  }

  private static func box(_ words: String, x: Int, y: Int, width: Int, fill: String) -> [String] {
    let (right, bottom) = (x + width, y + boxHeight)
    return [
      "<polygon fill=\"\(fill)\" stroke=\"#555555\" points=\"\(x),\(y) \(right),\(y) \(right),\(bottom) \(x),\(bottom)\"/>",
      text(words, x: x + width / 2, y: y + boxHeight / 2 + 4, anchor: "middle", size: 12),
    ]
  }

  private static func text(_ words: String, x: Int, y: Int, anchor: String, size: Int) -> String {
    "<text x=\"\(x)\" y=\"\(y)\" text-anchor=\"\(anchor)\" font-size=\"\(size)\">\(escaped(words))</text>"
  }

  /// Percent, down to a tenth.
  private static func share(_ part: (hits: Int, of: Int)) -> String {
    let tenths = part.of == 0 ? 0 : part.hits * 1000 / part.of
    return "\(tenths / 10).\(tenths % 10) %"
  }

  /// Text from outside, drawable and escaped.
  private static func escaped(_ text: String) -> String {
    GraphLabel.drawable(text).replacing("&", with: "&amp;").replacing("<", with: "&lt;")
      .replacing(">", with: "&gt;")
  }
}
