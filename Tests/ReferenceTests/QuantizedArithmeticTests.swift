import Reference
import Testing
import Workload

@Suite struct QuantizedArithmeticTests {
  @Test("Padding is the input's zero point, which counts as 0")
  func zeroPointPadding() throws {
    let layer = LayerFixture(rows: try single(), columns: try row(2, window: 2, before: 1, after: 1))
    let parameters = unitParameters(weights: [4, 13], weightZero: 3, inputZero: 5)
    // Centred inputs 1, 2 and weights 1, 10.
    #expect(try layer.int8([6, 7], parameters: parameters) == [10, 21, 2])
  }

  @Test("ONNX mode rounds halves to even, then adds the zero point and saturates")
  func onnxTies() {
    let requantize = Requantization(
      unitParameters(outputScale: 2, outputZero: 1), channel: 0, activation: .none)
    let sums: [Int32] = [1, 3, 5, -1, -3, -5, 1000, -1000]
    #expect(sums.map { requantize($0) } == [1, 3, 3, 1, -1, -1, 127, -128])
  }

  @Test("TFLite mode rounds halves away from zero in the shift, up in the multiply")
  func tfliteTies() {
    // M = ½ is the multiplier 2³⁰ with no shift: only the doubling high multiply rounds, and −½ goes up to 0.
    let half = Requantization(
      unitParameters(mode: .tflite, outputScale: 2), channel: 0, activation: .none)
    #expect([1, 3, -1, -3].map { half($0) } == [1, 2, 0, -1])
    // M = ¼ shifts right by one: −½ goes to −1.
    let quarter = Requantization(
      unitParameters(mode: .tflite, outputScale: 4), channel: 0, activation: .none)
    #expect([2, 6, -2, -6].map { quarter($0) } == [1, 2, -1, -2])
    // Two roundings: 1 · ¼ is ½ after the first, which goes to 1, and ½ again, which goes to 1.
    #expect(quarter(1) == 1)
  }

  @Test("TFLite mode shifts left where the multiplier is over 1, and saturates to int32")
  func tfliteLeftShift() {
    let parameters = unitParameters(mode: .tflite, outputScale: 1 / 4, outputZero: -7)
    let requantize = Requantization(parameters, channel: 0, activation: .none)
    #expect([5, -5, 1 << 30, -(1 << 30)].map { requantize($0) } == [13, -27, 127, -128])
    #expect(Requantization.multiply(1 << 30, by: 1 << 30, shift: 3) == 1 << 30)
  }

  @Test("A fraction that rounds up to 1 halves the multiplier")
  func fixedPointCarry() {
    let (multiplier, shift) = Requantization.fixedPoint(1 - 0x1p-40)
    #expect(multiplier == 1 << 30)
    #expect(shift == 1)
    #expect(Requantization.fixedPoint(0x1p-40).multiplier == 0)
  }

  @Test("An activation clamps at the zero point and at six")
  func clamps() throws {
    let layer = LayerFixture(rows: try single(), columns: try single(), activation: .relu6)
    let parameters = unitParameters(weights: [1], outputScale: 0.5, outputZero: -100)
    #expect(try layer.int8([-3], parameters: parameters) == [-100])
    #expect(try layer.int8([3], parameters: parameters) == [-94])
    #expect(try layer.int8([9], parameters: parameters) == [-88])
  }

  @Test("An accumulator over int32 is an error that names where it is")
  func overflow() throws {
    let layer = LayerFixture(filters: 2, rows: try single(), columns: try row(2), hasBias: true)
    let parameters = unitParameters(weights: [1, 1], bias: [0, .max])
    #expect(
      throws: ReferenceError.accumulatorOverflow(
        layer: "layer", batch: 0, channel: 1, row: 0, column: 1, sum: 1 << 31)
    ) { try layer.int8([0, 1], parameters: parameters) }
  }

  @Test("A partial sum may leave int32 if the whole sum does not")
  func transientOverflow() throws {
    let layer = LayerFixture(channels: 2, rows: try single(), columns: try single(), hasBias: true)
    let parameters = unitParameters(weights: [1, -1], bias: [.max])
    #expect(try layer.int8([1, 1], parameters: parameters) == [127])
  }

  @Test("The bound of an accumulator is |bias| + taps · max|x − zx| · max|w − zw|")
  func bound() throws {
    let layer = try LayerFixture(
      channels: 3, filters: 2, rows: try single(), columns: try single(), hasBias: true
    ).layer()
    let parameters = unitParameters(weights: [1, -2, 2, 1, 1, -3], bias: [1000, -7], inputZero: -28)
    // max|x − zx| = 155: 1000 + 3 · 155 · 2 and 7 + 3 · 155 · 3.
    #expect(AccumulatorBound.bound(of: layer, parameters: parameters) == 1930)
    #expect(AccumulatorBound.fits(layer, parameters: parameters))
  }

  @Test("Sums agree in both modes where nothing is rounded", arguments: RequantizationMode.allCases)
  func addition(mode: RequantizationMode) throws {
    let layer = LayerFixture(operation: .add, rows: try single(), columns: try row(4))
    let quantized = QuantizedParameters(
      mode: mode,
      inputs: [Quantization(scale: 0.5, zeroPoint: 3), Quantization(scale: 0.25, zeroPoint: -4)],
      output: Quantization(scale: 0.25, zeroPoint: 10))
    // 2 · (a − 3) + (b + 4) + 10
    #expect(
      try layer.int8([3, 4, 13, 127], [-4, 0, -14, 127], parameters: quantized) == [10, 16, 20, 127])
  }

  @Test("Means: ONNX mode rounds halves to even, TFLite mode away from zero")
  func means() throws {
    let axis = try row(2, window: 2)
    let layer = LayerFixture(operation: .averagePool, rows: try single(), columns: axis)
    for (pair, even, away): ([Int8], Int8, Int8) in [([1, 2], 2, 2), ([0, 1], 0, 1), ([-1, 0], 0, -1)] {
      #expect(try layer.int8(pair, parameters: unitParameters(mode: .onnx)) == [even])
      #expect(try layer.int8(pair, parameters: unitParameters(mode: .tflite)) == [away])
    }
  }

  @Test("TFLite's MEAN changes scale and zero point with one multiplier, the count folded in")
  func meanOfTwoQuantizations() throws {
    let axis = try row(4, window: 4)
    let layer = LayerFixture(operation: .averagePool, rows: try single(), columns: axis)
    let parameters = unitParameters(mode: .tflite, inputZero: 2, outputScale: 0.5, outputZero: -3)
    // Σ(x − 2) = 12, ÷ 4 ÷ 0.5 − 3.
    #expect(try layer.int8([3, 4, 5, 8], parameters: parameters) == [3])
    #expect(try layer.int8([1, 0, -1, -4], parameters: parameters) == [-9])
  }

  @Test("Maximum pools and activations pass values on under one quantization, and requantize under two")
  func requantizedActivation() throws {
    var layer = LayerFixture(operation: .maxPool, rows: try single(), columns: try row(2, window: 2))
    #expect(try layer.int8([-9, -5], parameters: unitParameters()) == [-5])
    #expect(try layer.int8([-9, -5], parameters: unitParameters(outputScale: 2)) == [-2])
    layer.operation = .activation
    layer.columns = try row(2)
    layer.activation = .relu
    #expect(try layer.int8([-9, 5], parameters: unitParameters()) == [0, 5])
    #expect(try layer.int8([-9, 5], parameters: unitParameters(outputZero: 7)) == [7, 12])
  }
}
