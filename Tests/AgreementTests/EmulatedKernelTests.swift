import Hardware
import KernelEmulator
import KernelSources
import MemorySimulation
import Reference
import Scheduling
import TestSupport
import Testing
import Workload

@Suite struct EmulatedKernelTests {
  @Test(
    "Recorded requests, sectors and wavefronts equal the replay's, tensor by tensor", arguments: kinds.indices
  )
  func recorded(_ index: Int) throws {
    let gpu = try GPUDraft().gpu()
    try forEachCase(kinds[index].stages, named: kinds[index].name, cases: 150) { example, _ in
      try RecordedAgreement(example, on: gpu).check()
    }
  }

  @Test("So they do for other layers and chains", arguments: otherChains)
  func recordedOthers(_ chain: [RandomStage]) throws {
    let gpu = try GPUDraft().gpu()
    try forEachCase(chain, cases: 40) { example, _ in try RecordedAgreement(example, on: gpu).check() }
  }

  // A lane's last run is then the last of the tile again, of which constants of 8 bytes take two reads.
  @Test("So they do where runs of channels that a lane has lie beyond the tile", arguments: [12, 20, 36, 84])
  func recordedBeyondTheTile(_ filters: Int) throws {
    let gpu = try GPUDraft().gpu()
    for precision in [Precision.fp32, .int8(.onnx), .int8(.tflite)] {
      for columns in [3, 4, 5, 7, 8] {
        let shape = try ConvolutionShape(
          inputChannels: 12, outputChannels: filters, rows: WindowAxis(inputExtent: 4),
          columns: WindowAxis(inputExtent: columns))
        let layer = Layer(
          name: "pw", operation: .convolution, shape: shape, hasBias: true, inputs: [.input(0)])
        let schedule = try Schedule(
          Chain([layer], precision: precision, axisOrder: .hwc),
          tiling: Tiling(rows: 4, columns: columns, channels: filters, reduction: [12]),
          lanes: LaneMap(
            threads: 128, vectorWidth: 4, buffers: 1, channelsPerThread: 8, pixelsPerThread: 1,
            usesTensorCores: false))
        var generator = RandomCaseGenerator(seed: UInt64(filters * columns))
        try RecordedAgreement(generator.example(of: schedule), on: gpu).check()
      }
    }
  }

  // 49 weights of one channel, 48 of two side by side, 36 of four; up to eight pixels a thread, groups of several channels and filters, odd
  // paddings, a plan's file read again.
  @Test("Windows slide as far as they may, whatever the stride and the order", arguments: [1, 2, 3])
  func sliding(_ stride: Int) throws {
    let gpu = try GPUDraft().gpu()
    for (precision, order) in [
      (Precision.fp32, TensorLayout.AxisOrder.chw), (.fp32, .hwc), (.int8(.onnx), .chw),
      (.int8(.tflite), .hwc),
    ] {
      for (channels, groups, rows, columns) in [
        (4, 4, 7, 7), (4, 4, 3, 3), (6, 6, 6, 4), (5, 5, 4, 6), (6, 3, 3, 5), (7, 7, 5, 1),
      ] {
        let shape = try ConvolutionShape(
          batch: 2, inputChannels: channels, outputChannels: groups * (groups == 3 ? 4 : 1), groups: groups,
          rows: WindowAxis(inputExtent: 19, window: rows, stride: stride, paddingBefore: 2, paddingAfter: 1),
          columns: WindowAxis(inputExtent: 11, window: columns, stride: stride, paddingAfter: 2))
        let layer = Layer(
          name: "dw", operation: .convolution, shape: shape, hasBias: true, inputs: [.input(0)])
        for (pixels, tile) in [(8, 8), (16, 9), (4, 5), (3, 2)] {
          let schedule = try Schedule(
            Chain([layer], precision: precision, axisOrder: order),
            tiling: Tiling(
              rows: min(tile, shape.rows.outputExtent), columns: min(3, shape.columns.outputExtent),
              channels: shape.outputChannels, reduction: [shape.channelsPerGroup]),
            lanes: LaneMap(
              threads: 32, vectorWidth: 4, channelsPerThread: 4, pixelsPerThread: pixels, slidesWindows: true,
              keepsSlots: true))
          var generator = RandomCaseGenerator(seed: UInt64(rows * columns * pixels))
          let example = generator.example(of: schedule)
          try checkWhole(example, on: gpu)
          // What a plan's file says of it makes the same kernel, though threads may have one pixel each.
          let again = try Schedule(
            schedule.chain, tiling: schedule.tiling,
            lanes: LaneMap(
              threads: 32, vectorWidth: 4, channelsPerThread: 4, pixelsPerThread: pixels,
              slidesWindows: schedule.slidesWindows, keepsSlots: schedule.keepsSlots))
          #expect(try KernelConstants(again) == KernelConstants(schedule))
        }
      }
    }
  }

  @Test("Of one pixel, channels lie side by side in both orders", arguments: [12, 36, 64, 96])
  func onePixel(_ channels: Int) throws {
    let gpu = try GPUDraft().gpu()
    let axis = try WindowAxis(inputExtent: 1)
    for (precision, order) in [
      (Precision.fp32, TensorLayout.AxisOrder.chw), (.fp32, .hwc), (.int8(.onnx), .chw), (.int8(.onnx), .hwc),
      (.int8(.tflite), .chw), (.int8(.tflite), .hwc),
    ] {
      for (filters, tile, chunk) in [
        (24, 24, channels), (10, 3, channels), (33, 16, channels / 2), (5, 1, 4),
      ] {
        let shape = try ConvolutionShape(
          batch: 2, inputChannels: channels, outputChannels: filters, rows: axis, columns: axis)
        let layer = Layer(
          name: "fc", operation: .convolution, shape: shape, hasBias: true, inputs: [.input(0)])
        let schedule = try Schedule(
          Chain([layer], precision: precision, axisOrder: order),
          tiling: Tiling(rows: 1, columns: 1, channels: tile, reduction: [chunk]),
          lanes: LaneMap(threads: 64, vectorWidth: 16, channelsPerThread: 4, pixelsPerThread: 2))
        var generator = RandomCaseGenerator(seed: UInt64(channels * filters))
        let example = generator.example(of: schedule)
        try checkWhole(example, on: gpu)
      }
    }
  }

  /// What a case records, what it computes, and that nothing is found.
  private func checkWhole(_ example: RandomCase, on gpu: GPU) throws {
    try RecordedAgreement(example, on: gpu).check()
    let expected = try DirectEvaluation.evaluate(
      example.schedule.chain.stages, parameters: example.parameters, inputs: example.inputs)
    let found = try EmulatedKernel(example.schedule, parameters: example.parameters)
      .run(on: example.inputs, mode: .check, threads: 1)
    #expect(found.findings == [] && expected.firstDifference(from: found.output) == nil)
  }

  @Test(
    "The CUDA source computes the reference's bits for 500 random schedules a kind", arguments: kinds.indices)
  func ofEachKind(_ index: Int) throws {
    try check(kinds[index].stages, named: kinds[index].name, cases: 500)
  }

  @Test("So it does for other layers and chains", arguments: otherChains)
  func ofOthers(_ chain: [RandomStage]) throws { try check(chain, cases: 100) }

  private func check(_ stages: [RandomStage], named name: String? = nil, cases: Int) throws {
    try forEachCase(stages, named: name, cases: cases) { example, number in
      let expected = try DirectEvaluation.evaluate(
        example.schedule.chain.stages, parameters: example.parameters, inputs: example.inputs)
      let kernel = try EmulatedKernel(example.schedule, parameters: example.parameters)
      // The mode changes what is found out, never a value.
      let mode = number % 25 == 5 ? EmulatedKernel.Mode.portable : number % 5 == 0 ? .raw : .check
      let found = try kernel.run(on: example.inputs, mode: mode, threads: 1 + number % 2)
      try #require(
        found.findings == [], "\(found.findings.first.map { "\($0)" } ?? ""): \(example.description)")
      let difference = expected.firstDifference(from: found.output)
      try #require(difference == nil, "values differ at \(difference ?? 0): \(example.description)")
    }
  }

  /// Draws until `cases` schedules of the named kind were seen; with no name every schedule counts.
  private func forEachCase(
    _ stages: [RandomStage], named name: String? = nil, cases: Int, _ body: (RandomCase, Int) throws -> Void
  ) throws {
    var seed = UInt64(stages.hashSeed) &+ 77
    var checked = 0
    while checked < cases {
      seed &+= 1_000_003
      var generator = RandomCaseGenerator(seed: seed)
      let example = try generator.draw(stages)
      if let name, example.schedule.kind.description != name { continue }
      try body(example, checked)
      checked += 1
    }
  }
}

/// The kernel's own requests beside those that the replay derives from the schedule.
private struct RecordedAgreement {
  let example: RandomCase
  let recorded: EmulationReport
  let replayed: KernelTraffic

  init(_ example: RandomCase, on gpu: GPU) throws {
    self.example = example
    recorded = try EmulatedKernel(example.schedule, parameters: example.parameters)
      .run(on: example.inputs, mode: .record)
    replayed = KernelReplay(example.schedule, on: gpu).run()
  }

  func check() throws {
    try #require(recorded.findings == [], "\(example.description)")
    for operand in example.schedule.chain.operands {
      let expected = try #require(replayed.operands[operand])
      let isOutput = operand == .ofm
      let found = try #require(isOutput ? recorded.writes[operand] : recorded.reads[operand])
      let other = try #require(isOutput ? recorded.reads[operand] : recorded.writes[operand])
      try #require(other == EmulationReport.GlobalRequests(), "\(operand): \(example.description)")
      let elementBytes = example.schedule.chain.elementBytes(of: operand)
      let counts = EmulationReport.GlobalRequests(
        instructions: expected.instructions, requests: expected.requests, sectors: expected.sectors.count,
        lines: expected.lines, bytes: expected.accesses.count * elementBytes)
      try #require(found == counts, "\(operand): \(example.description)")
    }
    var (staging, intermediates) = (SharedMemoryTraffic(), SharedMemoryTraffic())
    for (buffer, requests) in recorded.bufferWrites {
      switch buffer {
      case .operand: staging = staging + SharedMemoryTraffic(requests)
      case .intermediate: intermediates = intermediates + SharedMemoryTraffic(requests)
      }
    }
    let reads = recorded.bufferReads.values.map(SharedMemoryTraffic.init).reduce(SharedMemoryTraffic(), +)
    try #require(staging == replayed.sharedStaging, "staging: \(example.description)")
    try #require(intermediates == replayed.sharedIntermediates, "intermediates: \(example.description)")
    try #require(reads == replayed.sharedReads, "reads: \(example.description)")
  }
}

extension SharedMemoryTraffic {
  fileprivate init(_ requests: EmulationReport.SharedRequests) {
    self.init(
      requests: requests.requests, wavefronts: requests.wavefronts, bankConflicts: requests.bankConflicts)
  }
}
