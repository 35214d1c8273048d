import Foundation
import Testing
import Workload

/// What `onnxruntime_cases.py` writes: `cases.json` and the tensors of `blob.bin`.
struct RuntimeCases: Decodable {
  let onnxruntime: String
  let cases: [RuntimeCase]
}

struct RuntimeCase: Decodable {
  struct Shape: Decodable {
    let batch, channels, filters, groups: Int
    let extent, window, pads, strides, dilations: [Int]
  }

  let kind, operation, mode: String
  let shape: Shape
  let order: String?
  /// `[offset in bytes, elements]`, one an operand; the same for `w`, `b` and `y`.
  let x: [[Int]]?
  let w, b, y: [Int]?
  /// In a network, the tensor that the layer gives and those that it reads.
  let name: String?
  let reads: [String]?
  let weightScales: [Float]?
  /// `[scale, zero point]`, one an operand; the same for `output`.
  let inputs: [[Float]]?
  let output: [Float]?

  func layer() throws -> Layer {
    let operations: [String: Workload.Operation] = [
      "convolution": .convolution, "add": .add, "averagePool": .averagePool,
    ]
    return try LayerFixture(
      operation: try #require(operations[operation]), batch: shape.batch, channels: shape.channels,
      filters: shape.filters, groups: shape.groups, rows: try axis(0), columns: try axis(1), hasBias: b != nil
    ).layer()
  }

  private func axis(_ index: Int) throws -> WindowAxis {
    try WindowAxis(
      inputExtent: shape.extent[index], window: shape.window[index], stride: shape.strides[index],
      dilation: shape.dilations[index], paddingBefore: shape.pads[index], paddingAfter: shape.pads[2 + index])
  }

  /// Parameters in `mode`, or in the mode of the case.
  func quantizedParameters(_ blob: Data, mode named: RequantizationMode? = nil) throws -> QuantizedParameters
  {
    let scales = weightScales ?? []
    func quantization(_ pair: [Float]) -> Quantization {
      Quantization(scale: pair[0], zeroPoint: Int8(pair[1]))
    }
    return QuantizedParameters(
      mode: try #require(named ?? RequantizationMode(rawValue: mode)),
      weights: w.map { blob.elements($0) } ?? [],
      weightScales: scales, weightZeroPoints: [Int8](repeating: 0, count: scales.count),
      bias: b.map { blob.elements($0) } ?? [], inputs: try #require(inputs).map(quantization),
      output: quantization(try #require(output)))
  }
}

extension Data {
  /// The little-endian elements of a tensor at `[offset, count]`.
  func elements<Element: BitwiseCopyable>(_ place: [Int]) -> [Element] {
    let size = MemoryLayout<Element>.size
    return withUnsafeBytes { bytes in
      (0..<place[1]).map { bytes.loadUnaligned(fromByteOffset: place[0] + $0 * size, as: Element.self) }
    }
  }
}
