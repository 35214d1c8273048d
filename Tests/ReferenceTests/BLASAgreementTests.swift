import COpenBLAS
import Reference
import Testing
import Workload

/// Pointwise convolutions are matrix products, which OpenBLAS computes with none of our code.
@Suite struct BLASAgreementTests {
  struct Pointwise: Sendable, CustomTestStringConvertible {
    let channels, filters, extent: Int
    var testDescription: String { "\(channels)→\(filters) on \(extent)×\(extent)" }

    func layer() throws -> Layer {
      let axis = try WindowAxis(inputExtent: extent)
      return try LayerFixture(channels: channels, filters: filters, rows: axis, columns: axis, hasBias: true)
        .layer()
    }
  }

  /// Every pointwise shape of MobileNetV1 and V2, on maps of at most 14×14.
  static let shapes: [Pointwise] = [
    (32, 64, 112), (64, 128, 56), (128, 128, 56), (128, 256, 28), (256, 256, 28), (256, 512, 14),
    (512, 512, 14), (512, 1024, 7), (1024, 1024, 7), (32, 16, 112), (16, 96, 112), (96, 24, 56),
    (24, 144, 56),
    (144, 24, 56), (144, 32, 28), (32, 192, 28), (192, 32, 28), (192, 64, 14), (64, 384, 14), (384, 64, 14),
    (384, 96, 14), (96, 576, 14), (576, 96, 14), (576, 160, 7), (160, 960, 7), (960, 160, 7), (960, 320, 7),
    (320, 1280, 7),
  ].map { Pointwise(channels: $0.0, filters: $0.1, extent: min($0.2, 14)) }

  @Test("INT8 accumulators equal dgemm on the centred integers", arguments: shapes)
  func accumulators(shape: Pointwise) throws {
    let layer = try shape.layer()
    var generator = SeededGenerator(seed: 11, purpose: shape.testDescription)
    let input = (0..<layer.inputMap.elements).map { _ in Int8(generator.next(in: -128...127)) }
    let weights = (0..<layer.shape.filterElements).map { _ in Int8(generator.next(in: -128...127)) }
    let bias = (0..<shape.filters).map { _ in Int32(generator.next(in: -20_000...20_000)) }
    let parameters = unitParameters(weights: weights, weightZero: 9, bias: bias, inputZero: -17)
    let plane = layer.outputMap.plane
    var product = bias.flatMap { [Double](repeating: Double($0), count: plane) }
    // Exact: every partial sum is an integer under 2⁵³.
    cblas_dgemm(
      CblasRowMajor, CblasNoTrans, CblasNoTrans, Int32(shape.filters), Int32(plane), Int32(shape.channels), 1,
      weights.map { Double($0) - 9 }, Int32(shape.channels), input.map { Double($0) + 17 }, Int32(plane), 1,
      &product, Int32(plane))
    let sums = try DirectEvaluation.accumulators(layer, parameters: parameters, input: input, threads: 2)
    #expect(sums.map(Double.init) == product)
  }

  @Test("FP32 stays within a few units in the last place of Σ|w·x| of sgemm")
  func floats() throws {
    var worst: Float = 0
    for shape in Self.shapes {
      let layer = try shape.layer()
      var generator = SeededGenerator(seed: 12, purpose: shape.testDescription)
      let input = (0..<layer.inputMap.elements).map { _ in generator.nextSigned() }
      let weights = (0..<layer.shape.filterElements).map { _ in generator.nextSigned() }
      let bias = [Float](repeating: 0, count: shape.filters)
      let direct = try DirectEvaluation.evaluate(
        layer, parameters: .fp32(weights: weights, bias: bias), inputs: [.fp32(input)], threads: 2)
      guard case .fp32(let values) = direct else { continue }
      let product = Self.sgemm(weights, input, shape, plane: layer.outputMap.plane)
      let sizes = Self.sgemm(
        weights.map(\.magnitude), input.map(\.magnitude), shape, plane: layer.outputMap.plane)
      for index in values.indices {
        worst = max(worst, abs(values[index] - product[index]) / sizes[index].ulp)
      }
    }
    print("sgemm: at most \(worst) ulp of Σ|w·x| over \(Self.shapes.count) pointwise shapes")
    #expect(worst <= 8)
  }

  private static func sgemm(
    _ weights: [Float], _ input: [Float], _ shape: Pointwise, plane: Int
  ) -> [Float] {
    var product = [Float](repeating: 0, count: shape.filters * plane)
    cblas_sgemm(
      CblasRowMajor, CblasNoTrans, CblasNoTrans, Int32(shape.filters), Int32(plane), Int32(shape.channels), 1,
      weights, Int32(shape.channels), input, Int32(plane), 0, &product, Int32(plane))
    return product
  }
}
