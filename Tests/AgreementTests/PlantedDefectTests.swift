import KernelEmulator
import KernelSources
import Reference
import Scheduling
import TestSupport
import Testing
import Workload

/// A change of the kernel's text that breaks it, and how that must show.
struct PlantedDefect: Sendable, CustomTestStringConvertible {
  let name: String
  let file: String
  /// Stands in the file exactly once.
  let old, new: String
  let example: Example
  let sign: Sign

  /// How a defect shows.
  enum Sign: Sendable {
    /// At least one of these findings is made.
    case found(Set<EmulationFinding.Kind>)
    /// Only the values tell.
    case values
    /// Only the recorded requests tell.
    case requests
  }

  var testDescription: String { name }

  /// The schedule that the defect is tried on.
  enum Example: Sendable {
    /// 3 × 3 DW and PW of 12 channels, in chunks, tiles with a halo; remainders of rows, columns and channels.
    case dwpw(buffers: Int)
    /// PW and 3 × 3 DW, the halo computed again.
    case pwdw
    /// PW and a 3 × 3 maximum pool, which loads no constants.
    case pwpool
    /// PW alone, in chunks.
    case pw(buffers: Int)
    case add
    /// PW alone, NHWC, in packs of four channels; NCHW, its filters in packs of four.
    case packs, filterPacks
    /// PW, whose results an add takes from the registers.
    case pwadd
    /// INT8, NHWC. PW by matrices, in chunks; PW in packs of eight channels by dp4a, and an add behind it; 3 × 3 DW.
    case matrix, dots, dotsadd, channels
    /// Without a bias that could have the input's zero point in it; without a zero point of the weights.
    case matrixWithoutBias, dotsWithoutBias, plainChannels
    /// 3 × 3 DW of stride 2 whose windows slide, five rows of outputs in items of three; NHWC, two channels at once.
    case sliding, slidingChannels
  }

  static let all: [PlantedDefect] = [
    // Barriers: each pair of accesses that one orders.
    PlantedDefect(
      name: "no barrier between a load and the compute that reads it", file: "block.cuh",
      old: "if ((reads & written) | (writes & (read | written))) meet();",
      new: "if (writes & (read | written)) meet();",
      example: .pw(buffers: 1), sign: .found([.readAfterWrite, .writeAfterRead, .uninitialisedShared])),
    PlantedDefect(
      name: "no barrier between a compute and the load that overwrites what it reads", file: "block.cuh",
      old: "if ((read | written) & bit) meet();", new: "if (written & bit) meet();",
      example: .pw(buffers: 1), sign: .found([.writeAfterRead, .readAfterWrite])),
    PlantedDefect(
      name: "an intermediate is not known to be read", file: "chain.cu",
      old: "unsigned reads = S > 0 ? 1u << buffer::intermediate(S - 1) : b.hazards.bit(buffer::ifm(0));",
      new: "unsigned reads = S > 0 ? 0 : b.hazards.bit(buffer::ifm(0));",
      example: .pwpool, sign: .found([.readAfterWrite, .writeAfterRead, .uninitialisedShared])),
    PlantedDefect(
      name: "a double buffer that is not synchronised", file: "block.cuh",
      old: "const unsigned bit = 1u << (buffer + copy);", new: "const unsigned bit = 0;",
      example: .pw(buffers: 2), sign: .found([.readAfterWrite, .writeAfterRead, .writeAfterWrite])),
    PlantedDefect(
      name: "both copies of a double buffer are the first", file: "staging.cuh",
      old: "return shared_at<T>(s.offset + copy * s.stride, count, buffer);",
      new: "return shared_at<T>(s.offset, count, buffer);",
      example: .pw(buffers: 2), sign: .found([.readAfterWrite, .writeAfterRead, .writeAfterWrite])),
    PlantedDefect(
      name: "a barrier that waits for no copies", file: "block.cuh",
      old: "    wait_for_copies();\n", new: "",
      example: .pw(buffers: 2), sign: .found([.copyNotAwaited])),
    PlantedDefect(
      name: "the copy that was loaded ahead is not taken", file: "block.cuh",
      old: "      hazards.select(buffer, 1 - hazards.current(buffer));\n", new: "",
      example: .pw(buffers: 2), sign: .found([.readAfterWrite, .copyNotAwaited, .writeAfterRead])),
    PlantedDefect(
      name: "a barrier that only the first warp meets", file: "block.cuh",
      old: "    __syncthreads();\n", new: "    if (threadIdx.x < 32) __syncthreads();\n",
      example: .pw(buffers: 1), sign: .found([.divergentBarrier, .readAfterWrite])),
    // Bounds.
    PlantedDefect(
      name: "filters beyond the last are loaded", file: "staging.cuh",
      old: "copy_async_if(run < runs, true, to,", new: "copy_async_if(true, true, to,",
      example: .pw(buffers: 1), sign: .found([.sharedOutOfBounds, .globalOutOfBounds])),
    PlantedDefect(
      name: "items beyond the last are loaded", file: "staging.cuh",
      old: "copy_async_if(at < length, true, to,", new: "copy_async_if(true, true, to,",
      example: .pw(buffers: 1), sign: .found([.sharedOutOfBounds, .globalOutOfBounds])),
    PlantedDefect(
      name: "a step over rows forgets that it ends one", file: "staging.cuh",
      old: "row += rows + ends;", new: "row += rows;",
      example: .dwpw(buffers: 1), sign: .found([.writeAfterWrite, .uninitialisedShared, .sharedOutOfBounds])),
    PlantedDefect(
      name: "slots outside the map are loaded", file: "staging.cuh",
      old: "copy_async_if(active, y.holds && x.holds, to, item * width,",
      new: "copy_async_if(active, true, to, item * width,",
      example: .dwpw(buffers: 1), sign: .found([.globalOutOfBounds])),
    PlantedDefect(
      name: "members beyond the channels are stored", file: "work.cuh",
      old: "return wanted_channel(m) < channels && (", new: "return (",
      example: .dwpw(buffers: 1), sign: .requests),
    PlantedDefect(
      name: "outputs outside the map are stored", file: "work.cuh",
      old: "st_pack_if(is_real && exists, b.g.ofm, at, values);",
      new: "st_pack_if(is_real, b.g.ofm, at, values);",
      example: .dwpw(buffers: 1), sign: .found([.globalOutOfBounds, .writtenTwice])),
    PlantedDefect(
      name: "the last channel tile is as large as the others", file: "block.cuh",
      old:
        "channels = part_of(K->stage[K->stages - 1].output_channels, K->tile_channels, channel_tile * K->tile_channels);",
      new: "const int first = channel_tile * K->tile_channels; channels = {first, first + K->tile_channels};",
      example: .dwpw(buffers: 1), sign: .found([.globalOutOfBounds])),
    PlantedDefect(
      name: "the last chunk is as large as the others", file: "chain.cu",
      old: "return k.mixes ? part_of(k.input_channels, k.chunk, start) : Range{start, all.high};",
      new: "return {start, k.mixes ? start + k.chunk : all.high};",
      example: .pw(buffers: 1), sign: .found([.globalOutOfBounds, .sharedOutOfBounds, .neverWritten])),
    // Predicates that are branches.
    PlantedDefect(
      name: "a store under a plain if", file: "work.cuh",
      old: "st_pack_if(is_real && exists, b.g.ofm, at, values);",
      new: "if (is_real && exists) st_pack_if(true, b.g.ofm, at, values);",
      example: .dwpw(buffers: 1), sign: .found([.laneDisagreement])),
    PlantedDefect(
      name: "a load under a plain if", file: "staging.cuh",
      old: "copy_async_if(active, y.holds && x.holds, to, item * width, from, at, width, fill);",
      new:
        "if (active && y.holds && x.holds) copy_async_if(true, true, to, item * width, from, at, width, fill);\n"
        + "    else copy_async_if(active, false, to, item * width, from, at, width, fill);",
      example: .dwpw(buffers: 1), sign: .found([.laneDisagreement])),
    // Halos and indices.
    PlantedDefect(
      name: "the halo begins one row late", file: "block.cuh",
      old: "slots[map].first = m.origin + tile * m.tile_step;",
      new: "slots[map].first = m.origin + tile * m.tile_step + 1;",
      example: .dwpw(buffers: 1), sign: .found([.globalOutOfBounds, .neverWritten])),
    PlantedDefect(
      name: "the halo ends one row early", file: "block.cuh",
      old: "+ (w.window - 1) * w.dilation, m.extent - 1);",
      new: "+ (w.window - 2) * w.dilation, m.extent - 1);",
      example: .dwpw(buffers: 1), sign: .values),
    PlantedDefect(
      name: "padding of an intermediate keeps what was computed", file: "work.cuh",
      old: "      if (!exists) {\n", new: "      if (false) {\n",
      example: .pwdw, sign: .values),
    PlantedDefect(
      name: "all blocks make the first channels", file: "block.cuh",
      old: "K->tile_channels, channel_tile * K->tile_channels);", new: "K->tile_channels, 0 * channel_tile);",
      example: .dwpw(buffers: 1), sign: .found([.writtenTwice, .neverWritten])),
    PlantedDefect(
      name: "the sums of a chunk begin anew", file: "chain.cu",
      old: "{channels, chunk, chunk.low == all.low, ends}", new: "{channels, chunk, true, ends}",
      example: .pw(buffers: 1), sign: .values),
    PlantedDefect(
      name: "every other pack of channels is left out", file: "accumulate.cuh",
      old: "c < w.reduced; c += V) {\n    pack<Element, V> value[",
      new: "c < w.reduced; c += 2 * V) {\n    pack<Element, V> value[", example: .packs, sign: .values),
    PlantedDefect(
      name: "every other pack of a filter is left out", file: "accumulate.cuh",
      old: "c < w.reduced; c += V) {\n    Sum value[V]",
      new: "c < w.reduced; c += 2 * V) {\n    Sum value[V]", example: .filterPacks, sign: .values),
    PlantedDefect(
      name: "filters that are read in packs are loaded one after the other", file: "staging.cuh",
      old: "return filter_place(k, run) + at;", new: "return run * length + at;",
      example: .filterPacks, sign: .found([.uninitialisedShared, .sharedOutOfBounds])),
    PlantedDefect(
      name: "channels of an item are those of the next item as well", file: "work.cuh",
      old: "channel_step = side * w.channel_groups, pixel_step = w.pixel_groups;\n      channel = group *",
      new: "channel_step = side, pixel_step = w.pixel_groups;\n      channel = group *",
      example: .filterPacks, sign: .found([.writtenTwice, .neverWritten])),
    PlantedDefect(
      name: "filters lie where packs of them conflict", file: "staging.cuh",
      old: "return filter_place(k, run) + at;", new: "return run * length + at;",
      example: .packs, sign: .found([.uninitialisedShared, .sharedOutOfBounds])),
    PlantedDefect(
      name: "an add reads its first input twice", file: "compute.cuh",
      old: "if (k.operation == add) other = w.second[first + slot];",
      new: "if (k.operation == add) other = w.in[first + slot];",
      example: .add, sign: .values),
    PlantedDefect(
      name: "a residual is dropped", file: "work.cuh",
      old: "for (int sum = stage() + 1; sum <= k().target; ++sum) {",
      new: "for (int sum = stage() + 1; sum < k().target; ++sum) {",
      example: .pwadd, sign: .values),
    PlantedDefect(
      name: "residuals outside the map are loaded", file: "work.cuh",
      old: "summed(is_real && exists, at, values)", new: "summed(is_real, at, values)",
      example: .pwadd, sign: .found([.globalOutOfBounds])),
    PlantedDefect(
      name: "residuals under a plain if", file: "work.cuh",
      old: "const pack<Element, V> residuals = ld_pack_if<V>(active, b.g.residual[sum], at);",
      new:
        "pack<Element, V> residuals = {}; if (active) residuals = ld_pack_if<V>(true, b.g.residual[sum], at);",
      example: .pwadd, sign: .found([.laneDisagreement])),
  ]
}

@Suite struct PlantedDefectTests {
  @Test(
    "Each planted defect is found, as the table says",
    arguments: PlantedDefect.all + PlantedDefect.channelsSideBySide + PlantedDefect.slidingWindows)
  func found(_ defect: PlantedDefect) throws {
    let text = try #require((KernelText.headers + KernelText.emulator).first { $0.name == defect.file }?.text)
    try #require(text.ranges(of: defect.old).count == 1, "the table is out of date")
    let texts = [defect.file: text.replacing(defect.old, with: defect.new)]
    switch defect.sign {
    case .found(let kinds):
      let report = try run(defect.example, texts).report
      #expect(!kinds.isDisjoint(with: report.findings.map(\.kind)), "found: \(report.findings)")
    case .values:
      let (report, expected) = try run(defect.example, texts)
      #expect(expected.firstDifference(from: report.output) != nil, "found: \(report.findings)")
    case .requests:
      let (broken, whole) = try (run(defect.example, texts).report, run(defect.example, [:]).report)
      #expect(broken.writes != whole.writes)
    }
  }

  @Test("Without a defect nothing is found")
  func nothing() throws {
    for example in PlantedDefect.Example.all {
      let (report, expected) = try run(example, [:])
      #expect(report.findings == [])
      #expect(expected.firstDifference(from: report.output) == nil)
    }
  }

  private func run(
    _ example: PlantedDefect.Example, _ texts: [String: String]
  ) throws -> (report: EmulationReport, expected: TensorValues) {
    let schedule = try example.schedule()
    let chain = schedule.chain
    var random = SeededGenerator(seed: 11)
    let parameters = chain.stages.map { example.parameters(of: $0, chain.precision, &random) }
    let inputs = chain.inputs.map { operand in
      let count = chain.elements(of: operand)
      return chain.elementType == .int8
        ? TensorValues.int8(PlantedDefect.Example.bytes(count, &random))
        : .fp32(PlantedDefect.Example.reals(count, &random))
    }
    let expected = try DirectEvaluation.evaluate(chain.stages, parameters: parameters, inputs: inputs)
    let report = try CompiledKernel(
      schedule, parameters: parameters, texts: texts, compiler: KernelCompiler()
    ).run(on: inputs)
    return (report, expected)
  }
}
