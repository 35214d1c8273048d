import CostModel
import Hardware
import MemorySimulation
import Scheduling
import TestSupport
import Testing
import Workload

/// Where every tile is whole sectors and a request asks for a sector at most once, sectors and bytes say the same: the
/// replay's sectors by cause are the closed form's bytes by cause.
@Suite struct CauseAgreementTests {
  private static let causes: [(AccessCause, SectorCause)] = [
    (.compulsory, .compulsory), (.halo, .halo), (.reread, .reread), (.recompute, .recompute),
  ]

  private func layer(_ kind: LayerKind, _ channels: Int, _ filters: Int) throws -> Layer {
    let window = kind == .dw ? 3 : 1
    let groups = kind == .pw ? 1 : channels
    let rows = try WindowAxis(
      inputExtent: 16, window: window, stride: 1, paddingBefore: window / 2, paddingAfter: window / 2)
    let columns = try WindowAxis(inputExtent: 32, window: 1, stride: 1)
    let shape = try ConvolutionShape(
      batch: 2, inputChannels: channels, outputChannels: filters, groups: groups,
      rows: rows, columns: columns)
    guard kind == .add else {
      return Layer(
        name: "\(kind)", operation: .convolution, shape: shape, hasBias: false, inputs: [.input(0)])
    }
    return Layer(name: "add", operation: .add, shape: shape, inputs: [.layer(0), .input(1)])
  }

  private func schedule(_ kinds: [LayerKind], rows: Int, columns: Int, channels: Int, chunk: Int) throws
    -> Schedule
  {
    let layers = try kinds.map { try layer($0, 16, 16) }
    let chain = try Chain(layers, precision: .fp32)
    return try Schedule(
      chain,
      tiling: Tiling(
        rows: rows, columns: columns, channels: channels, reduction: kinds.map { $0 == .pw ? chunk : 1 }),
      lanes: LaneMap(threads: 64, vectorWidth: 1))
  }

  @Test(
    "Sectors by cause are bytes by cause",
    arguments: [[.dw], [.pw], [.dw, .pw], [.pw, .dw], [.pw, .pw], [.pw, .add], [.pw, .add, .dw]]
      as [[LayerKind]])
  func sectorsAreBytes(_ kinds: [LayerKind]) throws {
    let gpu = try GPUDraft().gpu()
    for (rows, columns, channels, chunk) in [(4, 8, 8, 8), (16, 32, 16, 16), (5, 16, 8, 16), (3, 32, 16, 8)] {
      let schedule = try schedule(kinds, rows: rows, columns: columns, channels: channels, chunk: chunk)
      let bytes = AnalyticTraffic(schedule).accesses
      let traffic = KernelReplay(schedule, on: gpu).run()
      for operand in schedule.chain.inputs + [.ofm] {
        let sectors = traffic.operands[operand]?.causes[.requests]
        for (cause, name) in Self.causes {
          #expect((sectors?[name] ?? -1) * 32 == bytes[operand, cause].count, "\(kinds) \(operand) \(name)")
        }
        #expect(sectors?.total == (traffic.operands[operand]?.sectors.count ?? -1))
      }
    }
  }
}
